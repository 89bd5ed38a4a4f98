"""What figures are drawn of: rows, folders of samples, trainings, and the user's choice among them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from reports.pictured import Pictured
from sdm_bench.results.rows import ResultRow


class ColumnChoice(NamedTuple):
    """A column of pictures. heading: empty for the usual one.

    run: a folder or its last part, or what somebody's pictures are called.
    """

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
    """rows: the results. places: the folders and files that they are from. pictured: the pictures that they are of.

    runs: all folders and files that were named, among them trainings. average: one point for trainings that differ in
    their seed alone. columns: those that are shown, in order; empty for all. folders: of
    runs with samples, where their cost is recorded. published: whether others' numbers stand beside ours.
    """

    rows: Sequence[ResultRow]
    places: Sequence[Path] = ()
    pictured: Sequence[Pictured] = ()
    runs: Sequence[Path] = ()
    average: bool = False
    examples: Examples = field(default_factory=Examples)
    columns: Sequence[ColumnChoice] = ()
    folders: Sequence[Path] = ()
    published: bool = False
