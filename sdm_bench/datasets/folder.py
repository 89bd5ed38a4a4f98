"""Anybody's dataset: images/, labels/, optional instances/ and a classes.yaml, with or without split folders above."""

from functools import cached_property
from pathlib import Path

import numpy as np

from sdm_bench.datasets.base import ClassTable, Record, SemanticDataset, Size, Sources
from sdm_bench.datasets.class_file import NAME, SIZE, ClassFile, read_class_file
from sdm_bench.datasets.encodings import TRAIN_IDS_ENDING
from sdm_bench.datasets.maps import is_colour, read_panoptic, read_values
from sdm_bench.datasets.pictures import IMAGE_SUFFIXES, MAP_SUFFIXES, FilePattern

# What the one split of a root without split folders is called in rows, run.json and tables.
WHOLE = "val"
CLASSES_FILE = "classes.yaml"


class Folder(SemanticDataset):
    """Classes, name and size are those of classes.yaml, see class_file.py; label maps hold ids or the classes' colours.

    Without split folders there is one split of all examples, which is called `val` whichever is asked for.
    """

    name = NAME
    splits = ("train", "val", "test")
    native_size: Size = SIZE

    def __init__(self, root: Path, split: str, records: list[Record] | None = None):
        whole = split in self.splits and splits_of(Path(root)) == (WHOLE,)
        super().__init__(root, WHOLE if whole else split, records)
        self.name, self.native_size = self.class_file.name, self.class_file.size

    @staticmethod
    def layout() -> str:
        return "classes.yaml and [<split>/]{images,labels[,instances]}"

    def sources(self) -> Sources:
        base = _base(self.root, self.split)
        return Sources(
            label=label_pattern(self.root, self.split),
            image=FilePattern(base / "images", IMAGE_SUFFIXES),
            instance=FilePattern(base / "instances", MAP_SUFFIXES),
        )

    @cached_property
    def class_file(self) -> ClassFile:
        """What classes.yaml says."""
        return read_class_file(self.root / CLASSES_FILE)

    @property
    def classes(self) -> ClassTable:
        return self.class_file.table

    @property
    def ignores(self) -> bool:
        """Whether its last class is what classes.yaml ignores by file value or colour."""
        return len(self.classes) > len(self.class_file.ids)

    @property
    def file_values(self) -> tuple[int, ...]:
        return *self.class_file.ids, *self.class_file.ignored_ids

    def identity(self) -> list[str]:
        colored = any(is_colour(record.label) for record in self.records)
        return [*super().identity(), *self.class_file.identity(colored)]

    def stored_values(self, path: Path) -> np.ndarray:
        return read_values(path)

    def read_instances(self, path: Path) -> np.ndarray:
        return read_panoptic(path)

    def label_ids(self, raw: np.ndarray) -> np.ndarray:
        return self.class_file.label_ids(raw)

    def expected_ids(self) -> str:
        return self.class_file.expected_ids()


def splits_of(root: Path) -> tuple[str, ...]:
    """The names of the splits of such a dataset: all of them, or one without split folders."""
    folders = [root / name / kind for name in Folder.splits for kind in ("images", "labels")]
    return Folder.splits if any(folder.is_dir() for folder in folders) else (WHOLE,)


def label_pattern(root: Path, split: str) -> FilePattern:
    """Where the label maps of a split are."""
    return FilePattern(_base(root, split) / "labels", MAP_SUFFIXES, without=TRAIN_IDS_ENDING)


def _base(root: Path, split: str) -> Path:
    return root / split if splits_of(root) == Folder.splits else root
