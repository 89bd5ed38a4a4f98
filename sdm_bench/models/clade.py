"""CLADE: the SPADE generator with a scale and a shift per class, looked up instead of convolved (arXiv 2012.04644).

With `positional` it is CLADE-ICPE, which also sees where in its region a pixel lies. State-dict keys and shapes are
those of the released checkpoints.
Source: tzt101/CLADE@1ffd19d, models/networks (normalization, architecture, generator), util/cal_dist_masks.py.
"""

from typing import Literal, NamedTuple

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import FREE_NORMS, Generated, Latent, ResidualBlock, initialise
from sdm_bench.models.spade import VAEConfig, VAETrunk

EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)


class CLADEConfig(VAEConfig):
    """positional: intra-class positional encoding. norm: the normalisation. spectral: spectral norm in the blocks."""

    positional: bool = False
    norm: Literal["batch", "instance"] = "batch"
    spectral: bool = True


class Layout(NamedTuple):
    """What modulates a layer. classes: float32 (N, 1, H, W). edges: (N, 1, H, W). distances: (N, 2, H, W)."""

    classes: Tensor
    edges: Tensor | None
    distances: Tensor | None

    def resized(self, size: torch.Size) -> "Layout":
        """The layout at `size` = (height, width), nearest values."""
        classes, edges, distances = (each if each is None else F.interpolate(each, size=size) for each in self)
        assert classes is not None
        return Layout(classes, edges, distances)


class ClassAffine(nn.Module):
    """x * weight[class] + bias[class]; with distance maps, both times 1 + a 1x1 convolution of those."""

    def __init__(self, width: int, classes: int, positional: bool):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(classes, width))
        self.bias = nn.Parameter(torch.zeros(classes, width))
        if positional:
            self.dist_conv_w = nn.Conv2d(2, 1, 1)
            self.dist_conv_b = nn.Conv2d(2, 1, 1)

    def forward(self, x: Tensor, layout: Layout) -> Tensor:
        """x (N, width, h, w); a layout of its size."""
        classes = layout.classes[:, 0].long()
        weight, bias = (F.embedding(classes, table).permute(0, 3, 1, 2) for table in (self.weight, self.bias))
        if layout.distances is not None:
            weight = weight * (1 + self.dist_conv_w(layout.distances))
            bias = bias * (1 + self.dist_conv_b(layout.distances))
        return x * weight + bias


class CLADE(nn.Module):
    """Class-adaptive normalisation; where the condition has edges, a map made of them is appended to its output."""

    def __init__(self, width: int, config: CLADEConfig):
        super().__init__()
        self.param_free_norm = FREE_NORMS[config.norm](width)
        self.class_specified_affine = ClassAffine(width, config.num_classes, config.positional)
        if config.edges:
            self.inst_conv = nn.Conv2d(1, 1, 1)

    def forward(self, x: Tensor, layout: Layout) -> Tensor:
        """x (N, width, h, w) to (N, width [+ 1], h, w); the layout is taken to (h, w)."""
        layout = layout.resized(x.shape[2:])
        x = self.class_specified_affine(self.param_free_norm(x), layout)
        return x if layout.edges is None else torch.cat([x, self.inst_conv(layout.edges)], dim=1)


class CLADEGenerator(VAETrunk):
    """From the condition, and with `vae` a style vector, to a picture."""

    config: CLADEConfig

    def __init__(self, config: CLADEConfig):
        def block(width: int, out_width: int) -> nn.Module:
            return ResidualBlock(
                width,
                out_width,
                norm=lambda width: CLADE(width, config),
                added=int(config.edges),
                wrap=spectral_norm if config.spectral else lambda layer: layer,
            )

        super().__init__(config, block)
        initialise(self)

    def forward(self, condition: Condition, latent: Latent = None) -> Generated:
        distances = None
        if self.config.positional:
            maps = np.stack([distance_maps(label) for label in condition.label.cpu().numpy()])
            distances = torch.from_numpy(maps).to(condition.label.device)
        return self.generate(condition, latent, distances)

    def generate(self, condition: Condition, latent: Latent, distances: Tensor | None) -> Generated:
        """The picture for given distance maps (N, 2, H, W), which only `positional` networks take."""
        edges = condition.edges() if self.config.edges else None
        layout = Layout(condition.label[:, None].float(), edges, distances)
        x, posteriors = self.begin(condition, latent)
        return Generated(self.grow(x, layout), posteriors)


def distance_maps(label: np.ndarray, normalised: bool = True) -> np.ndarray:
    """float32 (2, H, W): the rows, then the columns between each pixel and the centroid of its region (section 3.4).

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
