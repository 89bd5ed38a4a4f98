"""What tables of result rows share: their lines, a column a metric, the marks of the best."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from reports.averages import average_trainings
from reports.cells import Column, text_columns
from reports.comparability import incomparable
from reports.lines import Line, Says, make_lines, telling_columns
from reports.names import column_name
from reports.notes import caption_of, notes_of
from reports.ranks import ERROR, contenders, rank_notes, ranked
from reports.table import SPREAD, NothingToShow, Table, TableOptions
from sdm_bench.base.errors import UserError
from sdm_bench.evaluation.metric import Output, all_outputs
from sdm_bench.results.rows import ResultRow

# Columns that are left out where no line says anything in them.
OPTIONAL = ("variant", "solver", "guidance")


def chosen_lines(
    name: str, rows: Iterable[ResultRow], outputs: Mapping[str, Output], options: TableOptions
) -> tuple[list[Line], list[str]]:
    """The lines of the table called `name`, and the remarks that stand above them.

    Lines also hold the standard errors of their numbers. Raises UserError where there are none, and for lines that
    don't compare if these are to be refused.
    """
    errors = [f"{key}{ERROR}" for key in outputs if f"{key}{ERROR}" in all_outputs()]
    lines = [line for line in make_lines(rows, [*outputs, *errors]) if not line.rows.keys().isdisjoint(outputs)]
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
    present = present_in(lines, outputs)
    titles = {key: output.title for key, output in present.items()}
    apart = telling_columns(lines, [*before.values(), *behind.values()])
    records: list[dict[str, Any]] = []
    for line in lines:
        numbers = [cells(title, line.rows.get(key)) for key, title in titles.items()]
        records.append(
            {heading: says(line) for heading, says in before.items()}
            | {heading: line.field(heading) for heading in apart}
            | {heading: number for each in numbers for heading, number in each.items()}
            | {heading: says(line) for heading, says in behind.items()}
        )
    frame = without_empty(pd.DataFrame(records))
    marks = ranked(each for number, line in enumerate(lines) for each in contenders(number, line, present, titles))
    notes = [*notes_of(lines, present), *rank_notes(lines, present, marks)]
    columns = text_columns(frame) | {output.title: column_of(output) for output in present.values()}
    ids = [ids_of(line, titles) for line in lines]
    return Table(name, title, frame, notes, remarks, columns, caption_of(lines), ids, marks)


def present_in(lines: Sequence[Line], outputs: Mapping[str, Output]) -> dict[str, Output]:
    """Those of `outputs` that any line has."""
    return {key: output for key, output in outputs.items() if any(key in line.rows for line in lines)}


def column_of(output: Output, group: str = "") -> Column:
    """The column of a metric's number."""
    return Column(column_name(output.title), group, output.direction, output.digits)


def ids_of(line: Line, columns: Mapping[str, str]) -> dict[str, str]:
    """The ids of a line's numbers by column; none of a mean over trainings, which stands in no results file.

    columns: by metric.
    """
    return {} if line.trainings else {columns[key]: row.id for key, row in line.rows.items() if key in columns}


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
