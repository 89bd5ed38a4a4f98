"""How the label map enters (concatenated or through SPADE) against sampling without and with guidance."""

from collections.abc import Sequence
from dataclasses import replace

from reports.lines import COLUMNS, Line, Says, make_lines, telling_columns
from reports.table import NothingToShow, Table, TableOptions, chosen_lines, metric_table
from sdm_bench.evaluation.metric import main_outputs
from sdm_bench.results.rows import REAL, ResultRow

EMBEDDINGS = {"sdm-concat": "concat", "sdm": "SPADE"}


def _guidance(line: Line) -> str:
    scale = line.first.guidance
    return f"{scale:g}" if scale is not None and scale > 1 else "without"


# The condition and whether there is guidance stand where other tables have method and scale.
BEFORE: dict[str, Says] = {
    "dataset": COLUMNS["dataset"],
    "protocol": COLUMNS["protocol"],
    "track": COLUMNS["track"],
    "condition": lambda line: EMBEDDINGS[line.first.method],
    "variant": COLUMNS["variant"],
    "solver": COLUMNS["solver"],
    "guidance": _guidance,
}
BEHIND = {name: COLUMNS[name] for name in ("images", "seeds")}
# What a note of a ceiling always says that it belongs to.
CEILING = ("dataset", "split", "protocol", "size", "segmenter")


def ablation(rows: Sequence[ResultRow], options: TableOptions) -> Table:
    """A line a condition, guidance and protocol, one column a main number."""
    of_both = [row for row in rows if row.method in EMBEDDINGS]
    if not of_both:
        raise NothingToShow(f"no results of {' or '.join(EMBEDDINGS)} for the ablation table")
    lines, remarks = chosen_lines("ablation", of_both, main_outputs(), options)
    chosen = sorted(lines, key=_order), remarks
    title = "Ablation: condition embedding and guidance"
    table = metric_table("ablation", title, chosen, main_outputs(), BEFORE, BEHIND)
    return replace(table, notes=[*table.notes, *_ceilings(rows)])


def _order(line: Line) -> tuple:
    row = line.first
    return row.dataset, row.protocol, row.method != "sdm-concat", row.variant, row.guidance or 0.0


def _ceilings(rows: Sequence[ResultRow]) -> list[str]:
    """Mean IoU of the real photographs, for tables that have no line for them, each with all that it belongs to."""
    digits = main_outputs()["miou"].digits
    lines = make_lines([row for row in rows if row.method == REAL], ["miou"])
    apart = [name for name in telling_columns(lines, [COLUMNS[name] for name in CEILING]) if name not in CEILING]
    notes = []
    for line in lines:
        of = {name: line.field(name) for name in CEILING}
        about = [f"{of['dataset']} {of['split']}", of["protocol"], of["size"], of["segmenter"]]
        about += [f"{name} {line.field(name)}" for name in apart]
        notes.append(f"mIoU of {REAL} ({', '.join(about)}): {line.first.value:.{digits}f}")
    return notes
