"""A table with what stands above and below it, and its files in every format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from reports.cells import Cell, Column, Mark, Shown, digits_of
from reports.latex import latex
from reports.markdown import markdown
from reports.pages.tables import page
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_text

SPREAD = " spread"
# The rule of every table.
TRACKS = "track: labels, of label maps alone; text, with a text-to-image prior; the two are never ranked together"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
FORMATS = ("csv", "md", "tex", "html")
# Of numbers of which no column says how many.
DIGITS = 4


@dataclass(frozen=True)
class Table:
    """A table with its title, remarks that stand above it and notes below, which say what its numbers mean.

    frame: in full precision, as the CSV has it; a column "X spread" is the standard deviation of column "X". columns:
    how columns of the frame are shown that are not shown by their name. caption: what all numbers have in common. ids:
    of the results that stand in each line, by column, where they are kept. marks: the best numbers and the next, by
    line and column. blocks: the lines before which a rule stands. digits: by line, where lines have numbers of
    different metrics in one column.
    """

    name: str
    title: str
    frame: pd.DataFrame
    notes: Sequence[str]
    remarks: Sequence[str] = ()
    columns: Mapping[str, Column] = field(default_factory=dict)
    caption: str = ""
    ids: Sequence[Mapping[str, str]] = ()
    marks: Mapping[tuple[int, str], Mark] = field(default_factory=dict)
    blocks: Sequence[int] = ()
    digits: Sequence[int] = ()

    def files(self, formats: Sequence[str] = FORMATS) -> dict[str, str]:
        """The text of each file: `<name>.csv` in full precision, the others with the same rounded digits."""
        shown = self.shown()
        texts = {
            "csv": self.csv,
            "md": lambda: markdown(shown),
            "tex": lambda: latex(shown),
            "html": lambda: page(shown),
        }
        return {f"{self.name}.{each}": texts[each]() for each in formats}

    def write(self, folder: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
        """Writes the files below `folder`; returns their paths."""
        files = self.files(formats)
        for name, text in files.items():
            write_text(folder / name, text)
        return [folder / name for name in files]

    def csv(self) -> str:
        """The table as CSV, for programs: plain names, full precision."""
        frame = self.frame.map(harmless).rename(columns=harmless)
        return str(frame.to_csv(index=False, lineterminator="\n"))

    def markdown(self) -> str:
        """The table as Markdown."""
        return markdown(self.shown())

    def shown(self) -> Shown:
        """The table as the formats show it: numbers rounded, each with its spread."""
        names = [name for name in self.frame.columns if not name.endswith(SPREAD)]
        columns = [self.columns.get(name, Column(name)) for name in names]
        rows = [
            [self._cell(number, line, name, column) for name, column in zip(names, columns, strict=True)]
            for number, (_, line) in enumerate(self.frame.iterrows())
        ]
        return Shown(self.name, self.title, self.caption, self.remarks, columns, rows, self.notes, self.blocks)

    def _cell(self, number: int, line: pd.Series, name: str, column: Column) -> Cell:
        value = line[name]
        if not isinstance(value, float):
            return Cell(str(value))
        if pd.isna(value):
            return Cell("")
        digits = self.digits[number] if self.digits else DIGITS if column.digits is None else column.digits
        spread = line.get(f"{name}{SPREAD}")
        behind = "" if spread is None or pd.isna(spread) else digits_of(spread, digits)
        id_ = self.ids[number].get(name, "") if self.ids else ""
        return Cell(digits_of(value, digits, column.signed), behind, self.marks.get((number, name), ""), id_)


def harmless(cell: Any) -> Any:
    """A cell of a CSV; text that spreadsheet programs would run as a formula gets an apostrophe before it."""
    if not isinstance(cell, str) or not cell.startswith(FORMULA_STARTS):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


class NothingToShow(UserError):
    """There is no line for a table, though there are results."""


@dataclass(frozen=True)
class TableOptions:
    """How tables are made.

    average: one line for trainings that differ in their seed alone. comparable: refuse lines that are not. factors: of
    the ablation, none for those that the results have. accuracy: beside mean IoU in `table3`. beside: published numbers
    in columns of their own. folders: those of the runs, where what was recorded of their cost is.
    """

    average: bool = False
    comparable: bool = False
    factors: tuple[str, ...] = ()
    accuracy: bool = False
    beside: bool = False
    folders: Sequence[Path] = ()
