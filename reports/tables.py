"""The tables by name: methods against each other, companions of FID, the ablation, protocols side by side."""

from collections.abc import Callable, Sequence

from reports.ablation import ablation
from reports.lines import ALWAYS, COLUMNS
from reports.sensitivity import sensitivity
from reports.table import Table, TableOptions, chosen_lines, metric_table
from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.evaluation.metric import Output, main_outputs, metric
from sdm_bench.results.rows import ResultRow

BEFORE = {name: COLUMNS[name] for name in ALWAYS[:6]}
BEHIND = {name: COLUMNS[name] for name in ALWAYS[6:]}


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
    """The table called `name` from result rows; raises UserError where there is none or nothing for it."""
    if name not in TABLES:
        raise unknown_name("table", name, TABLES)
    if not rows:
        raise UserError("no results to make a table of; `sdm-bench evaluate` measures them")
    return TABLES[name](rows, options or TableOptions())
