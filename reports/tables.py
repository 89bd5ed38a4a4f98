"""The tables by name: methods against each other, companions of FID, the ablation, protocols side by side.

What has a text-to-image prior was trained on other pictures and reads captions: it never stands in one table with what
knows label maps alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from reports.ablation import ablation
from reports.lines import ALWAYS, COLUMNS
from reports.sensitivity import sensitivity
from reports.table import NothingToShow, Table, TableOptions, chosen_lines, metric_table
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


TABLES: dict[str, Callable[[Sequence[ResultRow], TableOptions], Table]] = {
    "comparison": comparison,
    "companions": companions,
    "ablation": ablation,
    "sensitivity": sensitivity,
}


def make_table(name: str, rows: Sequence[ResultRow], options: TableOptions | None = None) -> Table:
    """The table called `name` from result rows of one track.

    Raises UserError where there is none, nothing for it, or rows of two tracks, which no table ranks.
    """
    _refuse_nothing(name, rows)
    found = tracks(rows)
    if len(found) > 1:
        raise UserError(f"table {name}: rows of the tracks {' and '.join(found)}; expected one, they are never ranked")
    return TABLES[name](rows, options or TableOptions())


def make_tables(name: str, rows: Sequence[ResultRow], options: TableOptions | None = None) -> list[Table]:
    """The table called `name`; of rows of two tracks one each, "<name>-<track>", each with its photographs.

    A track that has nothing for it is left out with a line. Raises UserError as `make_table` does, and where no track
    has anything for it.
    """
    _refuse_nothing(name, rows)
    found = tracks(rows)
    if len(found) < 2:
        return [make_table(name, rows, options)]
    made: list[Table] = []
    nothing: list[NothingToShow] = []
    for track in found:
        try:
            table = make_table(name, _of_track(rows, track), options)
        except NothingToShow as error:
            nothing.append(error)
            say(f"no table {name} of the track {track}: {error.message}")
        else:
            made.append(replace(table, name=f"{name}-{track}", title=f"{table.title}, track {track}"))
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
