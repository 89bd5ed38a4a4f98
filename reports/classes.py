"""Numbers of single classes: a table a dataset and protocol, a line a class, the methods side by side."""

from collections.abc import Mapping, Sequence

import pandas as pd

from reports.cells import text_columns
from reports.comparability import incomparable
from reports.lines import Line, short_titles
from reports.metric_table import cells, chosen_lines, column_of, ids_of, without_empty
from reports.notes import caption_of, notes_of
from reports.ranks import contenders, rank_notes, ranked
from reports.table import NothingToShow, Table, TableOptions
from sdm_bench.base.errors import UserError
from sdm_bench.evaluation.metric import all_outputs
from sdm_bench.results.rows import ResultRow

# The number of all classes whose measurement also has that of each.
OF_CLASSES = {"miou": "iou", "lpips": "class_lpips"}
# What lines of one table have in common.
TOGETHER = ("dataset", "protocol", "split", "image_size", "labels_sha256")


def classes(rows: Sequence[ResultRow], options: TableOptions) -> list[Table]:
    """IoU and LPIPS of each class, in the order of the dataset's classes; raises UserError where there are none."""
    if options.average:
        raise UserError("--mean-over-training-seeds: the table classes has no means over trainings; ask for it without")
    lines, _ = chosen_lines("classes", rows, {key: all_outputs()[key] for key in OF_CLASSES}, options)
    newest: dict[tuple, ResultRow] = {}
    for row in sorted((row for row in rows if row.class_name), key=lambda row: row.time):
        newest[row.key()] = row
    by_measurement: dict[tuple, list[ResultRow]] = {}
    for row in newest.values():
        by_measurement.setdefault(row.group(), []).append(row)
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        if any(row.group() in by_measurement for row in line.rows.values()):
            groups.setdefault(tuple(getattr(line.first, name) for name in TOGETHER), []).append(line)
    if not groups:
        raise NothingToShow("no results of single classes for the table classes")
    tables = []
    for identity, of in groups.items():
        differing = [name for name in range(len(TOGETHER)) if len({each[name] for each in groups}) > 1]
        name = "-".join(["classes", *(identity[number][:20] for number in differing)])
        tables.append(_table(name, of, by_measurement))
    return tables


def _table(name: str, lines: Sequence[Line], by_measurement: Mapping[tuple, Sequence[ResultRow]]) -> Table:
    outputs = {each: all_outputs()[each] for each in OF_CLASSES.values()}
    of_class = _of_class(lines, by_measurement)
    columns = text_columns(["class"])
    named: dict[tuple[int, str], str] = {}
    for number, title in enumerate(short_titles(lines)):
        for key, output in outputs.items():
            if any(key in numbers[number].rows for numbers in of_class.values() if number in numbers):
                named[number, key] = f"{title} {output.title}"
                columns[named[number, key]] = column_of(output, title)
    records, ids, found = [], [], []
    for place, (class_name, numbers) in enumerate(of_class.items()):
        record: dict[str, object] = {"class": class_name}
        for (number, key), column in named.items():
            record |= cells(column, numbers[number].rows.get(key) if number in numbers else None)
        records.append(record)
        kept: dict[str, str] = {}
        for number, line in numbers.items():
            places = {key: named[number, key] for key in line.rows}
            kept |= ids_of(line, places)
            found += contenders(place, line, outputs, places)
        ids.append(kept)
    marks = ranked(found)
    parents = {each: all_outputs()[each] for each in OF_CLASSES}
    every = [line for numbers in of_class.values() for line in numbers.values()]
    notes = [*notes_of(lines, parents), *rank_notes(every, outputs, marks)]
    title = f"Single classes of {lines[0].field('dataset')}"
    frame = without_empty(pd.DataFrame(records))
    return Table(name, title, frame, notes, incomparable(lines), columns, caption_of(lines), ids, marks)


def _of_class(lines: Sequence[Line], by_measurement: Mapping[tuple, Sequence[ResultRow]]) -> dict[str, dict[int, Line]]:
    """By class, and by the number of each line that has any of it: its numbers of the class."""
    found: dict[str, dict[int, dict[str, ResultRow]]] = {}
    for number, line in enumerate(lines):
        for parent in line.rows.values():
            for row in by_measurement.get(parent.group(), ()):
                found.setdefault(row.class_name, {}).setdefault(number, {})[row.metric] = row
    return {name: {number: Line(rows) for number, rows in numbers.items()} for name, numbers in found.items()}
