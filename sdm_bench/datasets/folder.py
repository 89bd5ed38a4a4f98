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
        self.has_splits = has_splits(Path(root))
        super().__init__(root, split if self.has_splits or split not in self.splits else WHOLE, records)
        self.name, self.native_size = self.class_file.name, self.class_file.size

    @staticmethod
    def layout() -> str:
        return "classes.yaml and [<split>/]{images,labels[,instances]}"

    def sources(self) -> Sources:
        base = self.root / self.split if self.has_splits else self.root
        return Sources(
            label=FilePattern(base / "labels", MAP_SUFFIXES, without=TRAIN_IDS_ENDING),
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

    def read_label(self, path: Path) -> np.ndarray:
        return read_values(path)

    def read_instances(self, path: Path) -> np.ndarray:
        return read_panoptic(path)

    def label_ids(self, raw: np.ndarray) -> np.ndarray:
        return self.class_file.label_ids(raw)

    def expected_ids(self) -> str:
        return self.class_file.expected_ids()


def has_splits(root: Path) -> bool:
    """Whether there are split folders below the root of such a dataset."""
    return any((root / name / kind).is_dir() for name in Folder.splits for kind in ("images", "labels"))
