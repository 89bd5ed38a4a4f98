"""Where each pixel lies in its connected region: the intra-class positional encoding of CLADE-ICPE.

Source: arXiv 2012.04644, section 3.4; tzt101/CLADE@1ffd19d, util/cal_dist_masks.py.
"""

import numpy as np
from scipy import ndimage

EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)


def distance_maps(label: np.ndarray, normalised: bool = True) -> np.ndarray:
    """float32 (2, H, W): the rows, then the columns between each pixel and the centroid of its region.

    label: integers (H, W); a region is an 8-connected component of any label but 0, whose pixels keep zeros.
    normalised: with the largest offset of every region scaled to 1 (but for 1e-5, which avoids a division by zero).
    """
    regions = connected_regions(label)
    boxes = ndimage.find_objects(regions)
    return np.stack([_offsets(axis, regions, [box[axis] for box in boxes], normalised) for axis in (0, 1)])


def connected_regions(label: np.ndarray) -> np.ndarray:
    """int64 (H, W): the number of each pixel's region, from 1 on; 0 where the label is 0."""
    regions = np.zeros(label.shape, np.int64)
    count = 0
    for value, box in enumerate(ndimage.find_objects(label), start=1):
        if box is not None:
            found, more = ndimage.label(label[box] == value, EIGHT_NEIGHBOURS)
            regions[box] += np.where(found > 0, found + count, 0)
            count += more
    return regions


def _offsets(axis: int, regions: np.ndarray, spans: list[slice], normalised: bool) -> np.ndarray:
    """float32 (H, W) along one axis; `spans` has the first place of every region, and the one after the last."""
    places = np.arange(regions.shape[axis], dtype=np.float64)
    places = places[:, None] if axis == 0 else places[None, :]
    weights = np.broadcast_to(places, regions.shape).ravel()
    area = np.bincount(regions.ravel(), minlength=1)
    centroid = np.bincount(regions.ravel(), weights, minlength=1) / area.clip(min=1)
    furthest = np.array([0.0] + [max(c - s.start, s.stop - 1 - c) for c, s in zip(centroid[1:], spans, strict=True)])
    scale = 1 / (furthest + 1e-5) if normalised else np.ones(len(area))
    scale[0] = 0
    return ((places - centroid[regions]) * scale[regions]).astype(np.float32)
