"""A table with what stands above and below it, and what tables of result rows share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from reports.averages import average_trainings
from reports.comparability import incomparable
from reports.lines import Line, Says, make_lines, telling_columns
from reports.markdown import markdown
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_text
from sdm_bench.evaluation.metric import Output
from sdm_bench.results.rows import ResultRow

ARROWS = {"lower": "↓", "higher": "↑"}
SPREAD = " spread"
# The rule of every table.
TRACKS = "track: labels, of label maps alone; text, with a text-to-image prior; the two are never ranked together"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# Columns that are left out where no line says anything in them.
OPTIONAL = ("variant", "solver", "guidance")


@dataclass(frozen=True)
class Table:
    """A table with its title, remarks that stand above it and notes below, which say what its numbers mean.

    frame: in full precision; a column "X spread" is the standard deviation of column "X". digits: after the point, by
    column. ids: of the results that stand in each line, by column, where they are kept.
    """

    name: str
    title: str
    frame: pd.DataFrame
    notes: Sequence[str]
    remarks: Sequence[str] = ()
    digits: dict[str, int] = field(default_factory=dict)
    ids: Sequence[Mapping[str, str]] = ()

    def files(self) -> dict[str, str]:
        """`<name>.csv` (full precision) and `<name>.md` (rounded): the text of each."""
        csv = self.frame.map(harmless).rename(columns=harmless).to_csv(index=False, lineterminator="\n")
        return {f"{self.name}.csv": csv, f"{self.name}.md": self.markdown()}

    def write(self, folder: Path) -> list[Path]:
        """Writes the files below `folder`; returns their paths."""
        for name, text in self.files().items():
            write_text(folder / name, text)
        return [folder / name for name in self.files()]

    def markdown(self) -> str:
        """The table as Markdown."""
        return markdown(self.title, self.remarks, self.columns, self.rounded(), self.notes)

    @property
    def columns(self) -> list[str]:
        """The headings of what is shown: a spread stands behind its number."""
        return [name for name in self.frame.columns if not name.endswith(SPREAD)]

    def rounded(self) -> list[list[str]]:
        """The text of each line's cells: numbers rounded, each with its spread behind it."""
        return [[self._cell(line, name) for name in self.columns] for _, line in self.frame.iterrows()]

    def _cell(self, line: pd.Series, name: str) -> str:
        value = line[name]
        if not isinstance(value, float):
            return str(value)
        if pd.isna(value):
            return ""
        digits = self.digits.get(name, 4)
        spread = line.get(f"{name}{SPREAD}")
        behind = "" if spread is None or pd.isna(spread) else f" ± {spread:.{digits}f}"
        return f"{value:z.{digits}f}{behind}"


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
    """average: one line for trainings that differ in their seed alone. comparable: refuse lines that are not."""

    average: bool = False
    comparable: bool = False


def chosen_lines(
    name: str, rows: Iterable[ResultRow], outputs: Mapping[str, Output], options: TableOptions
) -> tuple[list[Line], list[str]]:
    """The lines of the table called `name`, and the remarks that stand above them.

    Raises UserError where there are none, and for lines that don't compare if these are to be refused.
    """
    lines = make_lines(rows, outputs)
    remarks: list[str] = []
    if not lines:
        raise NothingToShow(f"no results of {', '.join(outputs)} for the table {name}")
    if options.average:
        lines, remarks = average_trainings(lines)
    differing = incomparable(lines)
    if differing and options.comparable:
        raise UserError("--comparable: " + "\n".join(differing))
    return lines, [*differing, *remarks]


def metric_table(
    name: str,
    title: str,
    chosen: tuple[list[Line], list[str]],
    outputs: Mapping[str, Output],
    before: Mapping[str, Says],
    behind: Mapping[str, Says],
) -> Table:
    """A table with a column a metric; `before` and `behind` them stand columns that say what each line is of."""
    lines, remarks = chosen
    present = {key: output for key, output in outputs.items() if any(key in line.rows for line in lines)}
    headings = {key: f"{output.title} {ARROWS[output.direction]}" for key, output in present.items()}
    apart = telling_columns(lines, [*before.values(), *behind.values()])
    records: list[dict[str, Any]] = []
    # a mean over trainings stands in no results file
    kept = [{} if line.trainings else {headings[key]: row.id for key, row in line.rows.items()} for line in lines]
    for line in lines:
        numbers = [cells(heading, line.rows.get(key)) for key, heading in headings.items()]
        records.append(
            {heading: says(line) for heading, says in before.items()}
            | {heading: line.field(heading) for heading in apart}
            | {heading: number for each in numbers for heading, number in each.items()}
            | {heading: says(line) for heading, says in behind.items()}
        )
    digits = {headings[key]: output.digits for key, output in present.items()}
    return Table(name, title, without_empty(pd.DataFrame(records)), notes_of(lines, outputs), remarks, digits, kept)


def cells(heading: str, row: ResultRow | None) -> dict[str, float]:
    """A number under its heading and its spread over seeds beside it, NaN for what there isn't."""
    spread = row.spread if row is not None and row.spread_over == "seeds" else None
    return {
        heading: float("nan") if row is None else row.value,
        f"{heading}{SPREAD}": float("nan") if spread is None else spread,
    }


def without_empty(frame: pd.DataFrame) -> pd.DataFrame:
    """The table without optional columns in which no line says anything, and without spreads where there is none."""
    empty = [name for name in OPTIONAL if name in frame and (frame[name] == "").all()]
    spreads = [name for name in frame if str(name).endswith(SPREAD) and frame[name].isna().all()]
    return frame.drop(columns=[*empty, *spreads])


def notes_of(lines: Sequence[Line], outputs: Mapping[str, Output]) -> list[str]:
    """How each number was measured, by dataset and protocol; then what single lines have to say."""
    measured = dict.fromkeys(
        f"{output.title} on {row.dataset} ({row.split}), {row.protocol}: {row.extractor}"
        for key, output in outputs.items()
        if output.main
        for line in lines
        if (row := line.rows.get(key)) is not None
    )
    over_seeds = any(row.spread_over == "seeds" and not line.trainings for line in lines for row in line.rows.values())
    spread = ["±: standard deviation over seeds"] if over_seeds else []
    titles = _titles(lines)
    said: dict[tuple[str, str], list[str]] = {}
    for line, title in zip(lines, titles, strict=True):
        for note, of in _line_notes(line, outputs):
            said.setdefault((line.first.protocol, note), []).append(f"{title}{of}")
    remarks = [f"{protocol}: {'; '.join(dict.fromkeys(whose))}: {note}" for (protocol, note), whose in said.items()]
    averaged = dict.fromkeys(
        f"{title}: mean ± standard deviation over {len(line.trainings)} trainings "
        f"(seeds {', '.join(map(str, line.trainings))})"
        for line, title in zip(lines, titles, strict=True)
        if line.trainings
    )
    return [*measured, TRACKS, *spread, *averaged, *remarks]


def _titles(lines: Sequence[Line]) -> list[str]:
    """Who made the pictures of each line, with what tells it apart where another line is called so too."""
    apart = ["dataset", *telling_columns(lines)]
    titles = []
    for line in lines:
        alike = [each for each in lines if (each.title, each.first.protocol) == (line.title, line.first.protocol)]
        telling = [name for name in apart if len({each.told(name) for each in alike}) > 1 and line.field(name)]
        titles.append(", ".join([line.title, *(f"{name} {line.field(name)}" for name in telling)]))
    return titles


def _line_notes(line: Line, outputs: Mapping[str, Output]) -> Iterable[tuple[str, str]]:
    """Each note of a line, with the number it is of where it isn't of all."""
    parts: dict[str, list[str]] = {}
    for key, row in line.rows.items():
        for part in filter(None, row.note.split("; ")):
            parts.setdefault(part, []).append(outputs[key].title)
    for part, titles in parts.items():
        yield part, "" if len(titles) == len(line.rows) and len(titles) > 1 else f", {', '.join(titles)}"
