"""What a suite starts from: datasets, real or rendered, and checkpoints; what of them is not here."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints.shipped import SHIPPED, shipped_weights
from sdm_bench.datasets.base import ClassTable
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.code import code_of
from sdm_bench.suites.inputs import files_digest, short, split_digest
from sdm_bench.suites.schema import Toy

RELEASED = "released"


@dataclass(frozen=True)
class Known:
    """What is known of a split: its digest, its number of examples, and what lacks where it is not here."""

    digest: str
    count: int
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """A dataset of the suite: `root`, or toy scenes; neither where nobody has said where it is."""

    label: str
    dataset: str
    root: Path | None
    toy: Toy | None

    @property
    def nowhere(self) -> bool:
        """Whether nobody has said where it is."""
        return self.root is None and self.toy is None

    def split(self, name: str) -> Known:
        """The digest of a split. Of toy scenes it is known before they are rendered."""
        if name not in self._splits:
            self._splits[name] = self._known(name)
        return self._splits[name]

    @cached_property
    def _splits(self) -> dict[str, Known]:
        return {}

    def _known(self, name: str) -> Known:
        if self.toy is not None:
            count = getattr(self.toy, "train" if name == "train" else "val")
            if not count:
                return Known("none", 0, (f"{self.label}: no toy scenes of {name}; give `toy` a count of it",))
            scenes: dict[str, Any] = {"dataset": self.dataset, "split": name, "count": count, "size": self.toy.size}
            classes = ClassTable.shipped(self.dataset).digest()
            return Known(short({**scenes, "seed": self.toy.seed, "classes": classes, **code_of("data")}), count)
        if self.root is None:
            return Known("absent", 0, (f"{self.label}: where is it? Give --data {self.label}=DIR",))
        try:
            return Known(*split_digest(self.dataset, self.root, name))
        except UserError as error:
            return Known("absent", 0, (error.message,))

    def cell(self) -> Cell:
        """The cell that renders the scenes, or verifies what is there."""
        return self._cell

    @cached_property
    def _cell(self) -> Cell:
        common = {"dataset": self.dataset}
        if self.toy is not None:
            scenes = self.toy.model_dump()
            decided = {"options": {**common, **scenes}, **code_of("data")}
            size, rate = float(self.toy.train + self.toy.val), f"data toy {self.toy.size}"
            return Cell("data", f"data.{self.label}", {**common, "toy": scenes}, decided, size=size, rate=rate)
        splits = {name: self.split(name) for name in ("train", "val", "test")} if self.root is not None else {}
        there = {name: known.digest for name, known in splits.items() if not known.lacks}
        lacks = () if there else (self.split("val").lacks)
        options: dict[str, Any] = {**common, "root": None if self.root is None else str(self.root)}
        size = float(sum(known.count for known in splits.values()))
        made = Cell("data", f"data.{self.label}", options, {"options": common, "splits": there}, size=size)
        return replace(made, rate=f"data {self.dataset}", lacks=lacks)


def place(label: str, dataset: str, root: Path | None, toy: Toy | None) -> Place:
    """A dataset of the suite."""
    return Place(label, dataset, root, toy)


@dataclass(frozen=True)
class Checkpoint:
    """Weights that somebody trained: as `--checkpoint` takes them, their digest, and what lacks."""

    source: str
    digest: str
    lacks: tuple[str, ...] = ()


def checkpoint(method: str, dataset: str, name: str) -> Checkpoint:
    """The weights called `name`: a path, `toy`, or `released`; never raises for what is not here."""
    from sdm_bench.weights.released import find_released

    if name == RELEASED:
        try:
            found = find_released(method, dataset)
        except UserError as error:
            return Checkpoint(name, "absent", (error.message,))
        if found.path is None:
            return Checkpoint(name, "absent", (found.how_to_get,))
        return Checkpoint(str(found.path), files_digest(found.path).digest)
    if name == SHIPPED:
        try:
            return Checkpoint(name, files_digest(shipped_weights(method, dataset)).digest)
        except UserError as error:
            return Checkpoint(name, "absent", (error.message,))
    path = Path(name).expanduser().absolute()
    if not path.exists():
        return Checkpoint(str(path), "absent", (f"{path}: no such run, weights file or archive",))
    return Checkpoint(str(path), files_digest(path).digest)
