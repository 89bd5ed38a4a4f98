"""What every dataset yields: examples with a picture, a label map and, where there are any, instances."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import ClassVar, overload

import numpy as np
import yaml

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_lines
from sdm_bench.base.names import refuse_unspellable
from sdm_bench.base.progress import say
from sdm_bench.datasets.encodings import recognised
from sdm_bench.datasets.maps import UnknownIds, distinct, read_map
from sdm_bench.datasets.palettes import refuse_other_palette
from sdm_bench.datasets.pictures import FilePattern, by_stem, read_image

IGNORED = 255
# (height, width) in pixels.
Size = tuple[int, int]


@dataclass(frozen=True)
class Example:
    """One picture with its maps, which have one height H and width W.

    image: uint8 (H, W, 3) RGB, or None where the dataset has a label map without a photograph. As read it may have
    another size of the same aspect ratio where the dataset says so (`photo_may_differ`).
    label: int64 (H, W), values 0..num_classes-1; the dataset's "unknown" is a class of its own.
    instance: int32 (H, W), equal inside one object and different between touching ones, or None.
    """

    id: str
    image: np.ndarray | None
    label: np.ndarray
    instance: np.ndarray | None


@dataclass(frozen=True)
class Record:
    """Where the files of one example are."""

    id: str
    image: Path | None
    label: Path
    instance: Path | None


@dataclass(frozen=True)
class Sources:
    """Where the files of a split are, by kind."""

    label: FilePattern
    image: FilePattern
    instance: FilePattern | None = None


@dataclass(frozen=True)
class ClassTable:
    """Names and colours of a dataset's classes, and what the metrics do with each.

    names: one a class. colors: uint8 (num_classes, 3). evaluate_as: uint8 (num_classes,), the index a class has in
    mean IoU, 255 where it is ignored. mirrored: int64 (num_classes,), the class that each is in a mirrored picture.
    """

    names: tuple[str, ...]
    colors: np.ndarray
    evaluate_as: np.ndarray
    mirrored: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    @property
    def evaluated_names(self) -> tuple[str, ...]:
        """Names of the evaluated classes, in the order of their evaluation index."""
        kept = [
            (int(index), name) for name, index in zip(self.names, self.evaluate_as, strict=True) if index != IGNORED
        ]
        return tuple(name for _, name in sorted(kept))

    def digest(self) -> str:
        """SHA-256 over names and what the metrics do with each class."""
        return sha256_lines([f"{name} {index}" for name, index in zip(self.names, self.evaluate_as, strict=True)])

    @staticmethod
    def from_rows(rows: list[dict]) -> "ClassTable":
        """Builds the table from rows with id (0, 1, 2, ...), name, color and evaluate_as (None: ignored).

        A class that has another side names it under `mirror`.
        """
        assert [row["id"] for row in rows] == list(range(len(rows)))
        ignored_or = [IGNORED if row["evaluate_as"] is None else row["evaluate_as"] for row in rows]
        return ClassTable(
            names=tuple(str(row["name"]) for row in rows),
            colors=np.array([row["color"] for row in rows], np.uint8),
            evaluate_as=np.array(ignored_or, np.uint8),
            mirrored=np.array([row.get("mirror", row["id"]) for row in rows], np.int64),
        )

    @staticmethod
    @cache
    def shipped(name: str) -> "ClassTable":
        """The table of `classes/<name>.yaml` in this package; raises UserError where there is none."""
        file = resources.files("sdm_bench.datasets").joinpath(f"classes/{name}.yaml")
        if not file.is_file():
            raise UserError(f"{name}: its classes are its own; expected a published dataset")
        return ClassTable.from_rows(yaml.safe_load(file.read_text(encoding="utf-8")))


def size_at(native: Size, image_size: int | Size | None = None) -> Size:
    """(height, width) of pictures: a given one, or `native` scaled to that short side (None: as it is)."""
    if isinstance(image_size, tuple):
        return image_size
    scale = 1 if image_size is None else image_size / min(native)
    return round(native[0] * scale), round(native[1] * scale)


class SemanticDataset(ABC, Sequence[Example]):
    """A sequence of examples at their native sizes, sorted by id.

    A subclass says where the files of a split are (`sources`) and how file values become classes (`label_ids`).
    """

    # What rows and tables call it.
    name: str
    splits: ClassVar[tuple[str, ...]] = ("train", "val")
    # (height, width) at which the papers generate.
    native_size: Size
    # Whether resizing keeps the aspect ratio (Cityscapes) or squashes to a square.
    keeps_aspect: ClassVar[bool] = False
    has_instances: ClassVar[bool] = True
    # Whether a photograph may have another size than its label map, at the same aspect ratio.
    photo_may_differ: ClassVar[bool] = False
    # A glob below the root, and what files are that it finds where official label maps are expected.
    other_files: ClassVar[tuple[str, str] | None] = None
    _warned = False

    def __init__(self, root: Path, split: str, records: list[Record] | None = None):
        """Opens a split of the dataset below `root`: the examples of `records`, by default all that are there."""
        self.root = Path(root)
        self.split = split
        if split not in self.splits:
            raise UserError(f"{self.name} has no split '{split}'; it has {', '.join(self.splits)}.")
        if not self.root.is_dir():
            raise UserError(f"{self.root}: no such folder; expected the root of {self.name} ({self.layout()}).")
        self.records = sorted(self.find() if records is None else records, key=lambda record: record.id)
        if not self.records and records is None:
            raise UserError(
                f"{self.root}: no label maps of the {split} split of {self.name} found; expected {self.layout()}."
                f"{self.other_labels()}"
            )
        for path in (self.root.resolve(), *(record.label for record in self.records)):
            refuse_unspellable(path, self.name)

    @property
    def kind(self) -> str:
        """The name under which protocols and presets know it: its own, or `folder`."""
        return type(self).name

    @property
    def classes(self) -> ClassTable:
        """The class table."""
        return ClassTable.shipped(self.name)

    @property
    def file_values(self) -> tuple[int, ...]:
        """The value that files have for each class in order, and behind them further ones for the last."""
        return tuple(range(len(self.classes)))

    def identity(self) -> list[str]:
        """Lines that say what file values mean: of two datasets with equal lines, equal files are equal label maps."""
        return [self.classes.digest()]

    def other_labels(self) -> str:
        """A sentence on label maps of another kind below the root, or nothing."""
        if self.other_files is None:
            return ""
        glob, what = self.other_files
        found = sorted(self.root.rglob(glob))
        return f" Found {len(found)} {glob}, the first {found[0].relative_to(self.root)}: {what}." if found else ""

    @abstractmethod
    def sources(self) -> Sources:
        """Where the files of this split are."""

    def find(self) -> list[Record]:
        """The files of this split: one record a label map."""
        sources = self.sources()
        images = by_stem(sources.image)
        instances = {} if sources.instance is None else by_stem(sources.instance)
        labels = by_stem(sources.label)
        return [Record(name, images.get(name), path, instances.get(name)) for name, path in labels.items()]

    @staticmethod
    @abstractmethod
    def layout() -> str:
        """The expected folders and file names, in a line, for error messages."""

    @abstractmethod
    def label_ids(self, raw: np.ndarray) -> np.ndarray:
        """int64 classes of the raw file values; a value outside the table becomes a number >= num_classes or < 0."""

    def read_label(self, path: Path) -> np.ndarray:
        """The file values of a label map, integers (H, W), or colours (H, W, 3) where the dataset may have them.

        Raises NotAMap as `refuse_other_palette` does.
        """
        values = self.stored_values(path)
        refuse_other_palette(path, values, self.label_ids, self.classes.colors)
        return values

    def stored_values(self, path: Path) -> np.ndarray:
        """As `read_label`, whatever a palette says."""
        return read_map(path)

    def read_instances(self, path: Path) -> np.ndarray:
        """int32 (H, W) ids of an instance map."""
        return read_map(path).astype(np.int32)

    def instances(self, record: Record, label: np.ndarray) -> np.ndarray | None:
        """int32 instance map of `record`; by default the values of its instance file."""
        return None if record.instance is None else self.read_instances(record.instance)

    def size(self, image_size: int | Size | None = None) -> Size:
        """(height, width) of pictures of `image_size`, see `size_at`."""
        return size_at(self.native_size, image_size)

    def label(self, record: Record) -> np.ndarray:
        """int64 (H, W) label map of `record`; raises UnknownIds or UnreadableFile.

        Says once where the values are of another encoding than the dataset's.
        """
        raw = self.read_label(record.label)
        if not self._warned and raw.ndim == 2:
            found = recognised(self.kind, distinct(raw), self.file_values, self.classes.colors)
            if found:
                self._warned = True
                titles = " or ".join(each.title for each in found)
                say(f"warning: {record.label}: not as {self.name} has it, but {titles}; see `sdm-bench data verify`")
        return self.to_classes(raw, record.label)

    def to_classes(self, raw: np.ndarray, path: Path) -> np.ndarray:
        """int64 (H, W) classes of the file values `raw`; raises UnknownIds, which names `path`."""
        label = self.label_ids(raw.astype(np.int64))
        outside = (label < 0) | (label >= len(self.classes))
        if outside.any():
            raise UnknownIds(path, raw[outside], self.expected_ids())
        return label

    def expected_ids(self) -> str:
        """The file values that `label_ids` knows, for error messages."""
        return f"0..{len(self.classes) - 1}"

    def read(self, record: Record) -> Example:
        """The example of `record`; raises UserError where a file is broken or sizes differ."""
        label = self.label(record)
        example = Example(
            id=record.id,
            image=None if record.image is None else read_image(record.image),
            label=label,
            instance=self.instances(record, label),
        )
        for part, path in ((example.image, record.image), (example.instance, record.instance)):
            misfit = None if part is None else self.misfit(part.shape, label.shape)
            if misfit:
                raise UserError(f"{path}: {misfit}")
        return example

    def misfit(self, shape: tuple[int, ...], label_shape: tuple[int, ...]) -> str | None:
        """What is wrong with the shape of a photograph (H, W, 3) or an instance map (H, W) of a label map, or None."""
        (height, width), (rows, columns) = shape[:2], label_shape
        may_differ = len(shape) == 3 and self.photo_may_differ
        if (height, width) == (rows, columns) or (may_differ and height * columns == width * rows):
            return None
        swapped = " (width and height swapped)" if (height, width) == (columns, rows) else ""
        ratio = ", another aspect ratio" if may_differ else ""
        return f"{width}x{height} pixels, but its label map has {columns}x{rows}{swapped or ratio}"

    def contradictions(self, label: np.ndarray, instance: np.ndarray) -> list[str]:
        """What int32 instance ids (H, W) say against the label map (H, W); by default the two are independent."""
        return []

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        if isinstance(index, slice):
            return [self.read(record) for record in self.records[index]]
        return self.read(self.records[index])

    def __iter__(self) -> Iterator[Example]:
        return (self.read(record) for record in self.records)
