"""What factors do: a line for each of their combinations, and by how much its numbers differ from the first one's."""

import math
from collections.abc import Sequence
from dataclasses import replace

from reports.cells import Column
from reports.lines import COLUMNS, Line, Says, make_lines, order, telling_columns
from reports.metric_table import chosen_lines, column_of, metric_table, present_in
from reports.names import column_name
from reports.ranks import COMPARED
from reports.table import SPREAD, NothingToShow, Table, TableOptions
from sdm_bench.base.errors import unknown_name
from sdm_bench.evaluation.metric import Output, main_outputs
from sdm_bench.results.rows import REAL, ResultRow

EMBEDDINGS = {"sdm-concat": "concat", "sdm": "SPADE"}
DIFFERENCE = " difference"
# Behind the scale of guidance by a segmenter; such lines stand behind those of guidance without a classifier.
BY_ONE = " by a segmenter"


def _guidance(line: Line) -> str:
    scale = line.first.guidance
    if not line.first.solver and scale is None:
        return ""
    if not line.first.guided:
        return "without"
    return f"{scale:g}{BY_ONE}" if line.first.by_segmenter else f"{scale:g}"


# What can be a factor. A line of which a factor says nothing isn't in the table.
FACTORS: dict[str, Says] = {
    "conditioning": lambda line: EMBEDDINGS.get(line.first.method, ""),
    "method": COLUMNS["method"],
    "variant": lambda line: line.field("variant") or "plain",
    "guidance": _guidance,
    "solver": COLUMNS["solver"],
    **{name: COLUMNS[name] for name in ("training steps", "training seed", "configuration", "size", "split")},
}
# Of the paper's Table 4.
PUBLISHED = ("conditioning", "guidance")
BEFORE = ("dataset", "protocol", "track")
BETWEEN = ("variant", "solver")
BEHIND = ("images", "seeds")
# What a note of a ceiling always says that it belongs to.
CEILING = ("dataset", "split", "protocol", "size", "segmenter")


def ablation(rows: Sequence[ResultRow], options: TableOptions, name: str = "ablation") -> Table:
    """A line a combination of factors and protocol; for each main number a column, and one of its differences.

    The factors are those of `options`, by default the paper's, or where no result has both of them all in which results
    differ. Differences are to the first line that a number compares with.
    """
    made = [row for row in rows if row.method != REAL]
    if not make_lines(made, main_outputs()):
        raise NothingToShow(f"no results of {', '.join(main_outputs())} for the table {name}")
    lines, remarks = chosen_lines(name, made, main_outputs(), options)
    factors = _factors(name, lines, options)
    chosen = [line for line in lines if all(FACTORS[factor](line) for factor in factors)]
    if not chosen:
        raise NothingToShow(f"no results that differ in {' and '.join(factors)} for the table {name}")
    if len(chosen) < len(lines):
        lines, remarks = chosen_lines(
            name, [row for line in chosen for row in line.rows.values()], main_outputs(), options
        )
        lines = [line for line in lines if all(FACTORS[factor](line) for factor in factors)]
    lines = sorted(lines, key=lambda line: _order(line, factors))
    before = {each: COLUMNS[each] for each in BEFORE} | {factor: FACTORS[factor] for factor in factors}
    between = [] if {"conditioning", "method"} & set(factors) else ["method"]
    between += [each for each in BETWEEN if each not in factors]
    before |= {each: COLUMNS[each] for each in between}
    outputs = present_in(lines, main_outputs())
    behind = {each: COLUMNS[each] for each in BEHIND}
    table = metric_table(name, f"Ablation: {' and '.join(factors)}", (lines, remarks), outputs, before, behind)
    return replace(
        _with_differences(table, lines, outputs), notes=[*table.notes, *_said(lines, before), *_ceilings(rows)]
    )


def _factors(name: str, lines: Sequence[Line], options: TableOptions) -> tuple[str, ...]:
    for each in options.factors:
        if each not in FACTORS:
            raise unknown_name("factor", each, FACTORS)
    if options.factors:
        return tuple(dict.fromkeys(options.factors))
    if any(line.first.method in EMBEDDINGS for line in lines):
        return PUBLISHED
    found = tuple(each for each, says in FACTORS.items() if len({says(line) for line in lines} - {""}) > 1)
    if not found:
        raise NothingToShow(f"no results of {' or '.join(EMBEDDINGS)} for the table {name}, nor others that differ")
    return found


def _order(line: Line, factors: Sequence[str]) -> tuple:
    """Lines that compare together; within them by the factors, numbers as such, what is off or plain first."""
    first = (line.first.dataset, line.first.protocol, *order(line)[2:5])
    return *first, *(_place(FACTORS[factor](line)) for factor in factors), order(line)


def _place(value: str) -> tuple[float, str]:
    if value in ("without", "plain"):
        return -math.inf, ""
    if value in EMBEDDINGS.values():
        return list(EMBEDDINGS.values()).index(value), ""
    try:
        return float(value), ""
    except ValueError:
        return math.inf, value


def _with_differences(table: Table, lines: Sequence[Line], outputs: dict[str, Output]) -> Table:
    """The table with a column of differences behind each number, and its spread where both numbers have one."""
    frame, columns = table.frame, dict(table.columns)
    for key, output in outputs.items():
        found = _differences(lines, key)
        if all(math.isnan(value) for value, _ in found):
            continue
        name = f"{output.title}{DIFFERENCE}"
        spread = f"{output.title}{SPREAD}"
        after = list(frame).index(spread if spread in frame else output.title) + 1
        frame.insert(after, name, [value for value, _ in found])
        if not all(math.isnan(value) for _, value in found):
            frame.insert(after + 1, f"{name}{SPREAD}", [value for _, value in found])
        columns[name] = Column(f"Δ {column_of(output).title}", digits=output.digits, signed=True)
    return replace(table, frame=frame, columns=columns)


def _differences(lines: Sequence[Line], key: str) -> list[tuple[float, float]]:
    """Each line's difference to the first that compares with it, and its spread; NaN for what there isn't."""
    bases: dict[tuple, ResultRow] = {}
    found = []
    for line in lines:
        row = line.rows.get(key)
        if row is None:
            found.append((math.nan, math.nan))
            continue
        base = bases.setdefault(tuple(getattr(row, name) for name in COMPARED), row)
        spreads = [each.spread for each in (row, base) if each.spread is not None and each.spread_over == "seeds"]
        if base is row:
            found.append((math.nan, math.nan))
        else:
            found.append((row.value - base.value, math.hypot(*spreads) if len(spreads) == 2 else math.nan))
    return found


def _said(lines: Sequence[Line], before: dict[str, Says]) -> list[str]:
    first = ", ".join(said for says in list(before.values())[len(BEFORE) :] if (said := says(lines[0])))
    return [
        f"Δ: difference to the first line of the same dataset, protocol, size and number of pictures ({first} in the "
        "first of them); ± behind it: the root of the summed squares of both spreads"
    ]


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
        title = column_name(main_outputs()["miou"].title)
        notes.append(f"{title} of {REAL} ({', '.join(about)}): {line.first.value:.{digits}f}")
    return notes
