"""Result rows as tables: methods against each other, the ablation of condition and guidance, protocols side by side."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from reports.lines import (
    ALWAYS,
    Line,
    average_trainings,
    incomparable,
    make_lines,
    telling_columns,
)
from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.base.files import write_text
from sdm_bench.evaluation.metric import Output, main_outputs, metric
from sdm_bench.results.rows import REAL, ResultRow

ARROWS = {"lower": "↓", "higher": "↑"}
EMBEDDINGS = {"sdm-concat": "concat", "sdm": "SPADE"}
SPREAD = " spread"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# The condition and the guidance stand where other tables have method and variant.
ABLATION = ("dataset", "protocol", "condition", "solver", "guidance", "images", "seeds")

TEMPLATE = """\
# {{ title }}
{% for line in remarks %}
{{ line }}
{% endfor %}
| {{ columns | join(" | ") }} |
|{% for _ in columns %} --- |{% endfor %}
{% for row in rows -%}
| {{ row | join(" | ") }} |
{% endfor %}
{% for line in notes -%}
- {{ line }}
{% endfor %}"""


@dataclass(frozen=True)
class Table:
    """A table with its title, remarks that stand above it and notes below, which say what its numbers mean.

    frame: in full precision; a column "X spread" is the standard deviation of column "X". digits: after the point, by
    column.
    """

    name: str
    title: str
    frame: pd.DataFrame
    notes: Sequence[str]
    remarks: Sequence[str] = ()
    digits: dict[str, int] = field(default_factory=dict)

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
        """The table as Markdown: numbers rounded, each with its spread behind it."""
        columns = [name for name in self.frame.columns if not name.endswith(SPREAD)]
        rows = [[self._cell(line, name) for name in columns] for _, line in self.frame.iterrows()]
        environment = jinja2.Environment(autoescape=False, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
        return environment.from_string(TEMPLATE).render(
            title=self.title,
            remarks=self.remarks,
            columns=[escaped(name) for name in columns],
            rows=[[escaped(cell) for cell in row] for row in rows],
            notes=[escaped(note) for note in self.notes],
        )

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


def escaped(text: str) -> str:
    """Text that stays in its cell and is no markup, in Markdown."""
    plain = " ".join(text.split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def harmless(cell: Any) -> Any:
    """A cell of a CSV; text that spreadsheet programs would run as a formula gets an apostrophe before it."""
    if not isinstance(cell, str) or not cell.startswith(FORMULA_STARTS):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


@dataclass(frozen=True)
class TableOptions:
    """average: one line for trainings that differ in their seed alone. comparable: refuse lines that are not."""

    average: bool = False
    comparable: bool = False


def comparison(rows: Sequence[ResultRow], options: TableOptions) -> Table:
    """One line a sample set and protocol, one column a main number."""
    return _table("comparison", "Comparison of methods", rows, main_outputs(), options)


def companions(rows: Sequence[ResultRow], options: TableOptions) -> Table:
    """The Fréchet distance with what else was computed of the same features."""
    outputs = {output.name: output for output in metric("fid").outputs}
    return _table("companions", "FID and its companions", rows, outputs, options)


def ablation(rows: Sequence[ResultRow], options: TableOptions) -> Table:
    """How the label map enters (concatenated or through SPADE) against sampling without and with guidance."""
    chosen = [row for row in rows if row.method in EMBEDDINGS]
    if not chosen:
        raise UserError(f"no results of {' or '.join(EMBEDDINGS)} for the ablation table")
    title = "Ablation: condition embedding and guidance"
    table = _table("ablation", title, chosen, main_outputs(), options, order=_ablation_order)
    frame = table.frame.drop(columns=[name for name in ("variant",) if name in table.frame])
    lines = _lines(chosen, main_outputs(), options, _ablation_order)
    frame.insert(2, "condition", [EMBEDDINGS[line.first.method] for line in lines])
    frame["guidance"] = [_guidance(line) for line in lines]
    return Table(
        "ablation",
        title,
        frame.drop(columns="method"),
        [*table.notes, *_ceilings(rows)],
        table.remarks,
        table.digits,
    )


def _ablation_order(line: Line) -> tuple:
    row = line.first
    return row.dataset, row.protocol, row.method != "sdm-concat", row.variant, row.guidance or 0.0


def _guidance(line: Line) -> str:
    scale = line.first.guidance
    return f"{scale:g}" if scale is not None and scale > 1 else "without"


def _ceilings(rows: Sequence[ResultRow]) -> list[str]:
    """Mean IoU of the real photographs, for tables that have no line for them, each with all that it belongs to."""
    digits = main_outputs()["miou"].digits
    lines = make_lines([row for row in rows if row.method == REAL], ["miou"])
    return [
        f"mIoU of {REAL} ({line.first.dataset} {line.first.split}, {line.first.protocol}, {line.first.image_size}, "
        f"{line.field('segmenter')}): {line.first.value:.{digits}f}"
        for line in lines
    ]


def sensitivity(rows: Sequence[ResultRow], options: TableOptions) -> Table:
    """The same pictures under every protocol they were measured by: a column a protocol, and how far these differ."""
    outputs = main_outputs()
    lines = make_lines(rows, outputs)
    protocols = sorted({line.first.protocol for line in lines})
    if len(protocols) < 2:
        raise UserError(f"sensitivity compares protocols; the results are of {', '.join(protocols) or 'none'} alone")
    groups: dict[tuple, list[tuple[str, Line]]] = {}
    for line in lines:
        for name, row in line.rows.items():
            same = row.sample_set, row.method, name, row.extractor_sha256, row.incomplete
            groups.setdefault(same, []).append((name, line))
    apart = [name for name in telling_columns([group[0][1] for group in groups.values()]) if name != "protocol"]
    shown = ["dataset", "metric", *(name for name in ALWAYS if name not in ("dataset", "protocol")), *apart]
    records = []
    for group in sorted(groups.values(), key=lambda each: list(outputs).index(each[0][0])):
        metric_name, first = group[0]
        values = {line.first.protocol: line.rows[metric_name].value for _, line in group}
        about = {name: outputs[metric_name].title if name == "metric" else first.field(name) for name in shown}
        spread = max(values.values()) - min(values.values()) if len(values) > 1 else float("nan")
        records.append({**about, **{name: values.get(name, float("nan")) for name in protocols}, "spread": spread})
    frame = _without_empty(pd.DataFrame(records))
    return Table("sensitivity", "The same samples under each protocol", frame, _notes(lines, outputs))


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


def _lines(
    rows: Sequence[ResultRow],
    outputs: dict[str, Output],
    options: TableOptions,
    order: Callable[[Line], tuple] | None = None,
) -> list[Line]:
    lines = make_lines(rows, outputs)
    if options.average:
        lines = average_trainings(lines)
    return lines if order is None else sorted(lines, key=order)


def _table(
    name: str,
    title: str,
    rows: Sequence[ResultRow],
    outputs: dict[str, Output],
    options: TableOptions,
    order: Callable[[Line], tuple] | None = None,
) -> Table:
    lines = _lines(rows, outputs, options, order)
    if not lines:
        raise UserError(f"no results of {', '.join(outputs)} for the table {name}")
    remarks = incomparable(lines)
    if remarks and options.comparable:
        raise UserError("--comparable: " + "\n".join(remarks))
    present = {key: output for key, output in outputs.items() if any(key in line.rows for line in lines)}
    headings = {key: f"{output.title} {ARROWS[output.direction]}" for key, output in present.items()}
    apart = telling_columns(lines)
    records = [_record(line, headings, apart) for line in lines]
    columns = [*ALWAYS[:6], *apart, *_columns(headings, records), *ALWAYS[6:]]
    frame = _without_empty(pd.DataFrame(records)[columns])
    digits = {headings[key]: output.digits for key, output in present.items()}
    return Table(name, title, frame, _notes(lines, outputs), remarks, digits)


def _record(line: Line, headings: dict[str, str], apart: Sequence[str]) -> dict[str, Any]:
    record: dict[str, Any] = {name: line.field(name) for name in (*ALWAYS, *apart)}
    for key, heading in headings.items():
        row = line.rows.get(key)
        record[heading] = float("nan") if row is None else row.value
        over_seeds = row is not None and row.spread is not None and row.spread_over == "seeds"
        record[f"{heading}{SPREAD}"] = row.spread if row is not None and over_seeds else float("nan")
    return record


def _columns(headings: dict[str, str], records: Sequence[dict[str, Any]]) -> list[str]:
    """The headings, each with its spread behind it where any line has one."""
    columns = []
    for heading in headings.values():
        columns.append(heading)
        if any(not pd.isna(record[f"{heading}{SPREAD}"]) for record in records):
            columns.append(f"{heading}{SPREAD}")
    return columns


def _without_empty(frame: pd.DataFrame) -> pd.DataFrame:
    empty = [name for name in ("variant", "solver", "guidance") if name in frame and (frame[name] == "").all()]
    return frame.drop(columns=empty)


def _notes(lines: Sequence[Line], outputs: dict[str, Output]) -> list[str]:
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
    said: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        for note, of in _line_notes(line, outputs):
            said.setdefault((line.first.protocol, note), []).append(f"{line.title}{of}")
    remarks = [f"{protocol}: {'; '.join(dict.fromkeys(titles))}: {note}" for (protocol, note), titles in said.items()]
    averaged = [
        f"{line.title}: mean ± standard deviation over {len(line.trainings)} trainings "
        f"(seeds {', '.join(map(str, line.trainings))})"
        for line in lines
        if line.trainings
    ]
    return [*measured, *spread, *averaged, *remarks]


def _line_notes(line: Line, outputs: dict[str, Output]) -> Iterable[tuple[str, str]]:
    """Each note of a line, with the number it is of where it isn't of all."""
    parts: dict[str, list[str]] = {}
    for key, row in line.rows.items():
        for part in filter(None, row.note.split("; ")):
            parts.setdefault(part, []).append(outputs[key].title)
    for part, titles in parts.items():
        yield part, "" if len(titles) == len(line.rows) and len(titles) > 1 else f", {', '.join(titles)}"
