"""The tables by name: as the paper has them, methods against each other, single classes, cost, protocols side by side.

What has a text-to-image prior was trained on other pictures and reads captions: it never stands in one table with what
knows label maps alone, but for `tracks`, where each track is a block of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from reports.ablation import ablation
from reports.by_dataset import table1, table3
from reports.classes import classes
from reports.cost import cost
from reports.editing import editing
from reports.lines import ALWAYS, COLUMNS
from reports.metric_table import chosen_lines, metric_table
from reports.sensitivity import sensitivity
from reports.table import NothingToShow, Table, TableOptions
from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.base.progress import say
from sdm_bench.evaluation.metric import Output, main_outputs, metric
from sdm_bench.results.rows import ResultRow

BEFORE = {name: COLUMNS[name] for name in ALWAYS[:-2]}
BEHIND = {name: COLUMNS[name] for name in ALWAYS[-2:]}


def comparison(rows: Sequence[ResultRow], options: TableOptions) -> Table:
    """One line a sample set and protocol, one column a main number."""
    return _table("comparison", "Comparison of methods", rows, main_outputs(), options)


def companions(rows: Sequence[ResultRow], options: TableOptions) -> Table:
    """The Fréchet distance with what else was computed of the same features."""
    outputs = {output.name: output for output in metric("fid").outputs}
    return _table("companions", "FID and its companions", rows, outputs, options)


def _table(
    name: str, title: str, rows: Sequence[ResultRow], outputs: dict[str, Output], options: TableOptions
) -> Table:
    chosen = chosen_lines(name, rows, outputs, options)
    return metric_table(name, title, chosen, outputs, BEFORE, BEHIND)


def by_track(rows: Sequence[ResultRow], options: TableOptions) -> Table:
    """As `comparison`, a block a track: labels, then text, then photographs; ranked within each."""
    lines, remarks = chosen_lines("tracks", rows, main_outputs(), options)
    places = {track: number for number, track in enumerate([*tracks(rows), ""])}
    lines = sorted(lines, key=lambda line: places[line.first.track])
    table = metric_table("tracks", "Methods by track", (lines, remarks), main_outputs(), BEFORE, BEHIND)
    starts = [number for number in range(1, len(lines)) if lines[number].first.track != lines[number - 1].first.track]
    return replace(table, blocks=starts)


TABLES: dict[str, Callable[[Sequence[ResultRow], TableOptions], Table | list[Table]]] = {
    "comparison": comparison,
    "table1": table1,
    "table3": table3,
    "table4": partial(ablation, name="table4"),
    "ablation": ablation,
    "classes": classes,
    "companions": companions,
    "sensitivity": sensitivity,
    "cost": cost,
    "tracks": by_track,
    "editing": editing,
}
# Tables that rows of two tracks may stand in.
OF_ALL_TRACKS = ("tracks",)


def make_table(name: str, rows: Sequence[ResultRow], options: TableOptions | None = None) -> Table:
    """The table called `name` from result rows of one track, where there is a single one.

    Raises UserError where there is none, nothing for it, or rows of two tracks, which no table ranks.
    """
    _refuse_nothing(name, rows)
    found = tracks(rows)
    if len(found) > 1 and name not in OF_ALL_TRACKS:
        raise UserError(f"table {name}: rows of the tracks {' and '.join(found)}; expected one, they are never ranked")
    (table,) = _made(name, rows, options)
    return table


def _made(name: str, rows: Sequence[ResultRow], options: TableOptions | None) -> list[Table]:
    made = TABLES[name](rows, options or TableOptions())
    return made if isinstance(made, list) else [made]


def make_tables(name: str, rows: Sequence[ResultRow], options: TableOptions | None = None) -> list[Table]:
    """The tables called `name`; of rows of two tracks one each, "<name>-<track>", each with its photographs.

    A track that has nothing for it is left out with a line. Raises UserError as `make_table` does, and where no track
    has anything for it.
    """
    _refuse_nothing(name, rows)
    found = tracks(rows)
    if len(found) < 2 or name in OF_ALL_TRACKS:
        return _made(name, rows, options)
    made: list[Table] = []
    nothing: list[NothingToShow] = []
    for track in found:
        try:
            of_track = _made(name, _of_track(rows, track), options)
        except NothingToShow as error:
            nothing.append(error)
            say(f"no table {name} of the track {track}: {error.message}")
        else:
            made += [
                replace(each, name=f"{each.name}-{track}", title=f"{each.title}, track {track}") for each in of_track
            ]
    if not made:
        raise nothing[0]
    return made


def tracks(rows: Sequence[ResultRow]) -> list[str]:
    """The tracks of rows, photographs aside, which are of none."""
    return sorted({row.track for row in rows} - {""})


def _of_track(rows: Sequence[ResultRow], track: str) -> list[ResultRow]:
    """The rows of a track, and those of photographs of the same datasets under the same protocols."""
    measured = {(row.dataset, row.protocol) for row in rows if row.track == track}
    return [row for row in rows if row.track == track or (not row.track and (row.dataset, row.protocol) in measured)]


def _refuse_nothing(name: str, rows: Sequence[ResultRow]) -> None:
    if name not in TABLES:
        raise unknown_name("table", name, TABLES)
    if not rows:
        raise UserError("no results to make a table of; `sdm-bench evaluate` measures them")
