"""The same pictures under every protocol that they were measured by, and how far these differ."""

from collections.abc import Container, Iterable, Sequence
from typing import Any

import pandas as pd

from reports.cells import text_columns
from reports.lines import ALWAYS, COLUMNS, IDENTITY, Line, Says, telling_columns
from reports.metric_table import cells, chosen_lines, ids_of, without_empty
from reports.names import column_name
from reports.notes import caption_of, notes_of
from reports.table import NothingToShow, Table, TableOptions
from sdm_bench.evaluation.metric import main_outputs
from sdm_bench.results.rows import ResultRow

# What numbers have in common that differ by their protocol alone.
SAME = (*(name for name in IDENTITY if name != "protocol"), "metric", "extractor_sha256")
# In the note of a number whose real side was read from a file.
OF_STATISTICS = "real: statistics"
SHOWN: dict[str, Says] = {
    "dataset": COLUMNS["dataset"],
    "metric": lambda reading: column_name(main_outputs()[reading.first.metric].title),
    **{name: COLUMNS[name] for name in ALWAYS if name not in ("dataset", "protocol")},
}


def sensitivity(rows: Sequence[ResultRow], options: TableOptions) -> Table:
    """A line a number of a sample set, a column a protocol, and how far these differ."""
    outputs = main_outputs()
    lines, remarks = chosen_lines("sensitivity", rows, outputs, options)
    protocols = sorted({line.first.protocol for line in lines})
    if len(protocols) < 2:
        raise NothingToShow(f"sensitivity compares protocols; the results are of {', '.join(protocols)} alone")
    readings = sorted(readings_of(lines, outputs), key=lambda reading: list(outputs).index(reading.first.metric))
    apart = [name for name in telling_columns(readings, SHOWN.values()) if name != "protocol"]
    columns = {**SHOWN, **{name: COLUMNS[name] for name in apart}}
    frame = without_empty(pd.DataFrame([_record(reading, columns, protocols) for reading in readings]))
    return Table(
        "sensitivity",
        "The same samples under each protocol",
        frame,
        notes_of(lines, outputs),
        remarks,
        text_columns(frame),
        caption_of(lines),
        [ids_of(reading, {name: name for name in protocols}) for reading in readings],
        digits=[outputs[reading.first.metric].digits for reading in readings],
    )


def readings_of(lines: Iterable[Line], outputs: Container[str]) -> list[Line]:
    """A line for each number that was measured of one sample set by several protocols, with its rows by protocol."""
    groups: dict[tuple[tuple[int, ...], tuple], list[ResultRow]] = {}
    for line in lines:
        for row in (row for key, row in line.rows.items() if key in outputs):
            same = *(getattr(row, name) for name in SAME), _statistics(row)
            groups.setdefault((line.trainings, same), []).append(row)
    return [Line(rows, trainings) for (trainings, _), group in groups.items() for rows in _one_of_each_protocol(group)]


def _statistics(row: ResultRow) -> str:
    """The statistics of photographs that a number compares with; empty for the photographs of the split themselves.

    These are one reference set, though protocols resize them differently and digests say so.
    """
    return row.reference_sha256 if OF_STATISTICS in row.note else ""


def _one_of_each_protocol(group: Sequence[ResultRow]) -> list[dict[str, ResultRow]]:
    """Rows by protocol: all together, or where a protocol has several, those of each reference set and then in turn."""
    if len({row.protocol for row in group}) == len(group):
        return [{row.protocol: row for row in group}]
    found: dict[str, list[dict[str, ResultRow]]] = {}
    for row in group:
        readings = found.setdefault(row.reference_sha256, [])
        if all(row.protocol in reading for reading in readings):
            readings.append({})
        next(reading for reading in readings if row.protocol not in reading)[row.protocol] = row
    return [reading for readings in found.values() for reading in readings]


def _record(reading: Line, columns: dict[str, Says], protocols: Sequence[str]) -> dict[str, Any]:
    values = [row.value for row in reading.rows.values()]
    record: dict[str, Any] = {heading: says(reading) for heading, says in columns.items()}
    for name in protocols:
        record |= cells(name, reading.rows.get(name))
    return {**record, "spread": max(values) - min(values) if len(values) > 1 else float("nan")}
