"""Pictures to edit: each with its label map and an edited one, in the encoding of a dataset, and what is erased."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.base import Example, Record, SemanticDataset
from sdm_bench.datasets.maps import read_values
from sdm_bench.datasets.pictures import IMAGE_SUFFIXES, MAP_SUFFIXES, FilePattern, by_stem
from sdm_bench.datasets.transforms import Transform, resize_map

LAYOUT = "images/, labels/ and edited/, and where there are any instances/, edited_instances/ and masks/"
# Folders of pairs that some have, and the field of PairFiles that each fills.
FURTHER = {"instances": "instance", "edited_instances": "edited_instance", "masks": "mask"}


@dataclass(frozen=True)
class PairFiles:
    """The files of one edit. mask: a picture of two values of which the larger is what is erased; None: what differs.

    instance, edited_instance: of the label map and the edited one, where the network wants any.
    """

    id: str
    image: Path
    label: Path
    edited: Path
    instance: Path | None = None
    edited_instance: Path | None = None
    mask: Path | None = None

    @property
    def files(self) -> tuple[Path | None, ...]:
        """All of them, in the order of the fields."""
        return self.image, self.label, self.edited, self.instance, self.edited_instance, self.mask


@dataclass(frozen=True)
class EditPair:
    """One edit at the network's size. source: the picture and its maps. edited: the same picture, the edited maps.

    erased: bool (H, W), True where the picture is made anew.
    """

    source: Example
    edited: Example
    erased: np.ndarray


def pairs_in(folder: Path) -> list[PairFiles]:
    """The pairs in a folder, by the names of files; raises UserError where a file or folder of one is missing."""
    parts = {
        name: by_stem(FilePattern(folder / name, IMAGE_SUFFIXES if name == "images" else MAP_SUFFIXES))
        for name in ("images", "labels", "edited", *FURTHER)
    }
    if not parts["edited"]:
        raise UserError(f"{folder}: no pairs; expected {LAYOUT}, with files of the same names")
    there = {name: found for name, found in parts.items() if found or name not in FURTHER}
    every = sorted({id for found in there.values() for id in found})
    for name, found in there.items():
        lacking = [id for id in every if id not in found]
        if lacking:
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            raise UserError(f"{folder / name}: no file called {lacking[0]}{more}; expected one for every pair")
    fields = {"images": "image", "labels": "label", "edited": "edited", **FURTHER}
    return [PairFiles(id, **{fields[name]: found[id] for name, found in there.items()}) for id in every]


def read_pair(dataset: SemanticDataset, files: PairFiles, transform: Transform, margin: int = 0) -> EditPair:
    """The pair, its files read as those of `dataset`, at the size of `transform`, an evaluation's.

    margin: pixels at that size by which the erased part grows. An edited label map without instances takes them from
    the other one's, see `continued_instances`. Raises UserError for sizes that differ and where nothing is erased.
    """
    source = dataset.read(Record(files.id, files.image, files.label, files.instance))
    label = dataset.label(Record(files.id, None, files.edited, None))
    shape = source.label.shape
    _refuse_size(files.edited, label.shape, files.label, shape)
    if files.edited_instance is not None and files.instance is None:
        raise UserError(f"{files.edited_instance}: instances of the edited label map alone; give both maps or neither")
    instance = dataset.instances(Record(files.id, None, files.edited, files.edited_instance), label)
    if instance is None and source.instance is not None:
        instance = continued_instances(source.label, source.instance, label)
    if instance is not None:
        _refuse_size(files.edited_instance or files.edited, instance.shape, files.label, shape)
    edited = transform(replace(source, label=label, instance=instance))
    read = transform(source)
    erased = _erased(files, read, edited, shape)
    return EditPair(read, edited, dilated(erased, margin))


def _erased(files: PairFiles, read: Example, edited: Example, shape: tuple[int, ...]) -> np.ndarray:
    """bool (H, W): what the mask says, or where the label maps differ."""
    erased: np.ndarray
    if files.mask is None:
        erased = read.label != edited.label
        if not erased.any():
            height, width = erased.shape
            raise UserError(
                f"{files.edited}: the same label map as {files.label} at {width}x{height} pixels; expected classes "
                "that differ, or a mask"
            )
        return erased
    mask = read_mask(files.mask)
    _refuse_size(files.mask, mask.shape, files.label, shape)
    erased = resize_map(mask.astype(np.uint8), read.label.shape).astype(bool)
    if not erased.any():
        height, width = erased.shape
        raise UserError(f"{files.mask}: nothing is erased at {width}x{height} pixels; expected a larger part")
    return erased


def _refuse_size(path: Path, found: tuple[int, ...], other: Path, expected: tuple[int, ...]) -> None:
    if found != expected:
        here, there = (f"{shape[1]}x{shape[0]}" for shape in (found, expected))
        raise UserError(f"{path}: {here} pixels, but {other} has {there}; expected one size")


def read_mask(path: Path) -> np.ndarray:
    """bool (H, W), True where the PNG at `path` has the larger of its two values; raises UserError for others."""
    values = read_values(path)
    plane = values if values.ndim == 2 else values.max(axis=2)
    found = np.unique(plane)
    if len(found) > 2:
        raise UserError(f"{path}: {len(found)} values; a mask has two, the larger where the picture is erased")
    return plane == found[-1] if found[-1] > 0 else np.zeros(plane.shape, bool)


def dilated(erased: np.ndarray, margin: int) -> np.ndarray:
    """bool (H, W): the pixels at most `margin` pixels from an erased one, between centres."""
    if not margin or erased.all():
        return erased
    return np.asarray(ndimage.distance_transform_edt(~erased) <= margin)


def continued_instances(label: np.ndarray, instance: np.ndarray, edited: np.ndarray) -> np.ndarray:
    """int32 (H, W) instances of an edited label map, from those of the map that it was edited from; all (H, W).

    What kept its class keeps its instance. A region of one class that is new continues the instance of this class that
    it touches most, by sides of pixels; touching none, it is an instance of its own.
    """
    changed, found = label != edited, instance.astype(np.int32).copy()
    fresh = int(instance.max(initial=0))
    for place in np.unique(edited[changed]):
        regions, count = ndimage.label(changed & (edited == place))
        for number in range(1, count + 1):
            region = regions == number
            touched = _touched(region, ~changed & (edited == place), instance)
            if touched is None:
                fresh += 1
            found[region] = fresh if touched is None else touched
    return found


def _touched(region: np.ndarray, kept: np.ndarray, instance: np.ndarray) -> int | None:
    """The instance whose pixels in `kept` share most sides with a region, the lower of two with equally many."""
    ids: list[np.ndarray] = []
    for here, there in _neighbours():
        ids.append(instance[there][region[here] & kept[there]])
    every = np.concatenate(ids)
    if not every.size:
        return None
    values, counts = np.unique(every, return_counts=True)
    return int(values[counts.argmax()])


def _neighbours() -> Sequence[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Pairs of windows that lay each pixel over one of its four neighbours."""
    whole, first, last = slice(None), slice(None, -1), slice(1, None)
    return (
        ((first, whole), (last, whole)),
        ((last, whole), (first, whole)),
        ((whole, first), (whole, last)),
        ((whole, last), (whole, first)),
    )
