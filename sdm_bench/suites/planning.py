"""What the parts of a plan share while it is made: the suite, where its datasets are, the cells so far."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.base.names import refuse_unspellable
from sdm_bench.models import methods
from sdm_bench.models.preset import Preset
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.lines import Lined
from sdm_bench.suites.schema import Data, Suite
from sdm_bench.suites.sources import Place, place

# Of a training that doesn't say its preset, and of what authors released.
PRESET, PUBLISHED = "toy", "paper"


@dataclass
class Planning:
    """A plan in the making. places: of the datasets, by label. seeds: of sampling. cells: by name, in order."""

    suite: Suite
    lined: Lined
    places: dict[str, Place]
    seeds: tuple[int, ...]
    cells: dict[str, Cell] = field(default_factory=dict)

    def add(self, cell: Cell) -> Cell:
        """The cell of that name, which is there once; raises UserError where another one is called so."""
        there = self.cells.setdefault(cell.name, cell)
        if (there.key, there.options) != (cell.key, cell.options):
            raise UserError(
                f"{self.lined.place(())}: two different cells would be called {cell.name}: in names, blanks and "
                "slashes of values become underscores; write one of them otherwise"
            )
        return there

    def data(self, found: Place) -> Cell:
        """The cell that renders or verifies a dataset."""
        return self.add(found.cell())

    def preset(self, label: str, name: str, preset: str, dataset: str) -> Preset:
        """A preset of the method `name`; raises UserError that names the suite's method `label`."""
        try:
            return _read_preset(name, preset, dataset)
        except UserError as error:
            raise UserError(f"{self.lined.place(('methods', label))}: methods.{label}: {error.message}") from error


def places_of(suite: Suite, roots: dict[str, Path]) -> dict[str, Place]:
    """Where the suite's datasets are; roots, in place of what it says; raises UserError for what doesn't fit."""
    unknown = roots.keys() - suite.datasets.keys()
    if unknown:
        known = ", ".join(suite.datasets)
        raise UserError(f"--data {', '.join(sorted(unknown))}: the suite's datasets are {known}")
    return {label: _place(label, data, roots.get(label)) for label, data in suite.datasets.items()}


def _place(label: str, data: Data, root: Path | None) -> Place:
    if root is not None and data.toy is not None:
        raise UserError(f"--data {label}: the suite renders toy scenes for it; expected no folder")
    given = root.absolute() if root is not None else Path(data.root).expanduser().absolute() if data.root else None
    if given is not None:
        refuse_unspellable(given, label)
    return place(label, data.dataset or label, given, data.toy)


@cache
def _read_preset(name: str, preset: str, dataset: str) -> Preset:
    return methods.preset(name, preset, dataset)


def spelled(chosen: tuple[tuple[str, Any], ...]) -> str:
    """Options as a part of a cell's name."""
    return ".".join(f"{option}-{value}".replace("/", "_").replace(" ", "_") for option, value in chosen)


def named(*parts: str) -> str:
    """A cell's name of its parts, of which some may be empty."""
    return ".".join(part for part in parts if part)
