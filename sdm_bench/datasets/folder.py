"""Anybody's dataset: images/, labels/, optional instances/ and a classes.yaml, with or without split folders above."""

import reprlib
from functools import cached_property
from pathlib import Path

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_yaml
from sdm_bench.datasets.base import IGNORED, ClassTable, Record, SemanticDataset, Sources
from sdm_bench.datasets.pictures import IMAGE_SUFFIXES, MAP_SUFFIXES, FilePattern

# What the one split of a root without split folders is called in rows, run.json and tables.
WHOLE = "val"
EXAMPLE = "- {name: road, color: [128, 64, 128]}"


class Folder(SemanticDataset):
    """Classes are the rows of classes.yaml in order; ids in the label PNGs are the row numbers.

    A row is {name, color} and optionally `ignore: true`: the metrics pass over that class. Without split folders there
    is one split of all examples, which is called `val` whichever is asked for.
    """

    name = "folder"
    splits = ("train", "val", "test")
    native_size = (256, 256)

    def __init__(self, root: Path, split: str, records: list[Record] | None = None):
        folders = [Path(root) / name / kind for name in self.splits for kind in ("images", "labels")]
        self.has_splits = any(folder.is_dir() for folder in folders)
        super().__init__(root, split if self.has_splits or split not in self.splits else WHOLE, records)

    @staticmethod
    def layout() -> str:
        return "classes.yaml and [<split>/]{images,labels[,instances]}"

    def sources(self) -> Sources:
        base = self.root / self.split if self.has_splits else self.root
        return Sources(
            label=FilePattern(base / "labels", MAP_SUFFIXES),
            image=FilePattern(base / "images", IMAGE_SUFFIXES),
            instance=FilePattern(base / "instances", MAP_SUFFIXES),
        )

    @cached_property
    def classes(self) -> ClassTable:
        return read_classes(self.root / "classes.yaml")

    @staticmethod
    def label_ids(raw: np.ndarray) -> np.ndarray:
        return raw.astype(np.int64)


def read_classes(path: Path) -> ClassTable:
    """The class table of a classes.yaml; raises UserError that says which row is wrong and what a row looks like."""
    if not path.is_file():
        raise UserError(f"{path}: not found; expected a list of classes, a row each like `{EXAMPLE}`")
    rows = read_yaml(path)
    if not isinstance(rows, list) or not rows:
        raise UserError(f"{path}: expected a list of classes, a row each like `{EXAMPLE}`")
    if len(rows) > IGNORED:
        raise UserError(f"{path}: {len(rows)} classes; at most {IGNORED} fit into 8-bit label maps")
    evaluated = 0
    table = []
    for index, row in enumerate(rows):
        checked = _row(path, index, row, len(rows))
        ignored = bool(checked.get("ignore", False))
        table.append({**checked, "id": index, "evaluate_as": None if ignored else evaluated})
        evaluated += not ignored
    return ClassTable.from_rows(table)


def _row(path: Path, index: int, row: object, count: int) -> dict:
    color = row.get("color") if isinstance(row, dict) else None
    valid = isinstance(color, list) and len(color) == 3 and all(isinstance(v, int) and 0 <= v <= 255 for v in color)
    if not isinstance(row, dict) or not isinstance(row.get("name"), str | int | float) or not valid:
        # shortened, since a few aliases of YAML can spell out to any length
        found = reprlib.repr(row)
        raise UserError(
            f"{path}: row {index} is {found}; expected a name and a color of three numbers 0..255, like `{EXAMPLE}`"
        )
    mirror = row.get("mirror", index)
    if not isinstance(mirror, int) or not 0 <= mirror < count:
        raise UserError(f"{path}: row {index}: mirror {reprlib.repr(mirror)}; expected a row number 0..{count - 1}")
    return row
