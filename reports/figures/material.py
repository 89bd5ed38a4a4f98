"""What figures are drawn of: rows, folders of samples, trainings, and the user's choice among them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from sdm_bench.results.rows import ResultRow


class ColumnChoice(NamedTuple):
    """A column of pictures. run: a folder, or the last part of its path. heading: empty for the usual one."""

    run: str
    heading: str = ""


@dataclass(frozen=True)
class Examples:
    """Which label maps figures show.

    way: `evenly` over the set, `worst` or `best` by mean IoU of single pictures, or `class:NAME` for those that show
    most of a class. ids: these instead, in this order. count: how many, None for the figure's own number.
    """

    way: str = "evenly"
    ids: Sequence[str] = ()
    count: int | None = None


@dataclass(frozen=True)
class Material:
    """rows: the results. places: the folders and files that they are from. folders: those with samples.

    runs: all folders and files that were named, among them trainings. average: one point for trainings that differ in
    their seed alone. columns: the runs that pictures are shown of, in order; empty for all.
    """

    rows: Sequence[ResultRow]
    places: Sequence[Path] = ()
    folders: Sequence[Path] = ()
    runs: Sequence[Path] = ()
    average: bool = False
    examples: Examples = field(default_factory=Examples)
    columns: Sequence[ColumnChoice] = ()
