"""Result rows pivoted into tables: methods against each other, and the ablation of condition and guidance."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pandas as pd

from sdm_bench.errors import UserError, unknown_name
from sdm_bench.files import write_text
from sdm_bench.models.catalog import METHODS
from sdm_bench.results import REAL, ResultRow

HEADINGS = {"fid": "FID", "lpips": "LPIPS", "miou": "mIoU"}
COMPANIONS = {
    "fid": "FID",
    "fd_infinity": "FD-infinity",
    "kid": "KID",
    "kid_standard_error": "KID error",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "inception_score": "IS",
}
"""Of the same features as FID, which stands beside them."""
DIGITS = {"fid": 2, "fd_infinity": 2, "lpips": 4, "miou": 4}
ARROWS = {"lower": "↓", "higher": "↑"}
EMBEDDINGS = {"sdm-concat": "concat", "sdm": "SPADE"}

TEMPLATE = """\
# {{ title }}

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
    """A table with its title and the lines that say what its numbers mean."""

    name: str
    title: str
    frame: pd.DataFrame
    notes: Sequence[str]

    def write(self, folder: Path) -> list[Path]:
        """Writes `<name>.csv` (full precision) and `<name>.md` (rounded); returns their paths."""
        paths = [folder / f"{self.name}.csv", folder / f"{self.name}.md"]
        write_text(paths[0], self.frame.to_csv(index=False, lineterminator="\n"))
        write_text(paths[1], self.markdown())
        return paths

    def markdown(self) -> str:
        """The table as Markdown, numbers rounded."""
        columns = list(self.frame.columns)
        rows = [
            [_cell(column, value) for column, value in zip(columns, row, strict=True)] for row in _values(self.frame)
        ]
        environment = jinja2.Environment(autoescape=False, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
        return environment.from_string(TEMPLATE).render(title=self.title, columns=columns, rows=rows, notes=self.notes)


def comparison(rows: Sequence[ResultRow]) -> Table:
    """One line a method (and variant, and guidance), one column a metric."""
    frame = _pivot(rows, ["dataset", "protocol", "method", "variant", "solver", "steps", "guidance"])
    order = [list(METHODS).index(name) if name in METHODS else len(METHODS) for name in frame["method"]]
    frame = frame.iloc[pd.Series(order).argsort(kind="stable")]
    frame["method"] = [METHODS[name].title if name in METHODS else name for name in frame["method"]]
    return Table("comparison", "Comparison of methods", _without_empty(_with_steps(frame)), _notes(rows))


def companions(rows: Sequence[ResultRow]) -> Table:
    """FID with what else was computed of the same features: one line a method, variant and guidance."""
    frame = _pivot(rows, ["dataset", "protocol", "method", "variant", "solver", "steps", "guidance"], COMPANIONS)
    frame["method"] = [METHODS[name].title if name in METHODS else name for name in frame["method"]]
    notes = _notes([row for row in rows if row.metric == "fid"])
    return Table("companions", "FID and its companions", _without_empty(_with_steps(frame)), notes)


def ablation(rows: Sequence[ResultRow]) -> Table:
    """How the label map enters (concatenated or through SPADE) against sampling without and with guidance."""
    chosen = [row for row in rows if row.method in EMBEDDINGS]
    if not chosen:
        raise UserError(f"no results of {' or '.join(EMBEDDINGS)} for the ablation table")
    frame = _with_steps(_pivot(chosen, ["dataset", "protocol", "method", "solver", "steps", "guidance"]))
    frame.insert(2, "condition", [EMBEDDINGS[name] for name in frame["method"]])
    frame["guidance"] = [f"{scale:g}" if scale > 1 else "without" for scale in frame["guidance"]]
    frame = frame.sort_values(["dataset", "condition", "guidance"], ascending=[True, False, False], kind="stable")
    notes = [*_notes(chosen), *_ceilings(rows)]
    return Table("ablation", "Ablation: condition embedding and guidance", frame.drop(columns="method"), notes)


def _ceilings(rows: Sequence[ResultRow]) -> list[str]:
    """Mean IoU of the real photographs, for tables that have no line for them."""
    found = {(row.dataset, row.protocol): row for row in rows if (row.method, row.metric) == (REAL, "miou")}
    return [f"mIoU of {REAL} ({dataset}, {name}): {row.value:.4f}" for (dataset, name), row in found.items()]


def sensitivity(rows: Sequence[ResultRow]) -> Table:
    """The same pictures under every protocol they were measured by: a column a protocol, and how far these differ."""
    headline = [row for row in rows if row.metric in HEADINGS]
    made_by = ["dataset", "metric", "method", "variant", "solver", "steps", "guidance"]
    frame = pd.DataFrame([row.model_dump() for row in headline]).sort_values("time", kind="stable")
    frame = frame.astype({"steps": float, "guidance": float}).fillna({"steps": 0})
    wide = frame.pivot_table("value", made_by, "protocol", "last", sort=False, dropna=False).dropna(how="all")
    protocols = sorted(wide.columns)
    wide = wide[protocols].assign(spread=wide.max(axis=1) - wide.min(axis=1)).reset_index()
    wide["metric"] = [HEADINGS[name] for name in wide["metric"]]
    return Table("sensitivity", "The same samples under each protocol", _without_empty(_with_steps(wide)), _notes(rows))


TABLES = {"comparison": comparison, "companions": companions, "ablation": ablation, "sensitivity": sensitivity}


def make_table(name: str, rows: Sequence[ResultRow]) -> Table:
    """The table called `name` from result rows; raises UserError where there is none or nothing for it."""
    if name not in TABLES:
        raise unknown_name("table", name, TABLES)
    if not rows:
        raise UserError("no results to make a table of; `sdm-bench evaluate` measures them")
    return TABLES[name](rows)


def _pivot(rows: Iterable[ResultRow], index: list[str], headings: Mapping[str, str] = HEADINGS) -> pd.DataFrame:
    """One line for each value of the `index` fields, one column a metric of `headings`, then N and seeds."""
    main = pd.DataFrame([row.model_dump() for row in rows if row.metric in headings])
    if main.empty:
        raise UserError(f"no results of {', '.join(headings)} for the table")
    main["guidance"] = main["guidance"].astype(float)
    main["steps"] = main["steps"].astype(float).fillna(0)
    groups = main.groupby(index, sort=False, dropna=False)
    lines = []
    for key, group in groups:
        line = dict(zip(index, key, strict=True))
        for metric, heading in headings.items():
            of_metric = group[group["metric"] == metric]
            if len(of_metric):
                newest = of_metric.sort_values("time").iloc[-1]
                line[f"{heading} {ARROWS[newest['direction']]}"] = newest["value"]
        line["images"] = int(group["num_images"].max())
        line["seeds"] = ", ".join(sorted(set(group["seeds"])))
        lines.append(line)
    return pd.DataFrame(lines)


def _with_steps(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with solver and steps in one column."""
    solvers = [f"{s}, {int(n)} steps" if s else "" for s, n in zip(frame["solver"], frame["steps"], strict=True)]
    return frame.assign(solver=solvers).drop(columns="steps")


def _notes(rows: Sequence[ResultRow]) -> list[str]:
    lines = []
    for metric, heading in HEADINGS.items():
        of_metric = [row for row in rows if row.metric == metric]
        for protocol, extractor, split in sorted({(row.protocol, row.extractor, row.split) for row in of_metric}):
            counts = sorted({row.num_images for row in of_metric})
            images = ", ".join(map(str, counts))
            lines.append(f"{heading}: protocol {protocol}, {extractor}, {split} split, N = {images} images a seed")
    lines += sorted({f"{row.method}, {HEADINGS[row.metric]}: {row.note}" for row in rows if _remarkable(row)})
    return lines


def _remarkable(row: ResultRow) -> bool:
    return row.metric in HEADINGS and bool(row.note) and not row.note.startswith("spread over")


def _without_empty(frame: pd.DataFrame) -> pd.DataFrame:
    empty = [name for name in ("variant", "solver") if (frame[name] == "").all()]
    return frame.drop(columns=empty)


def _values(frame: pd.DataFrame) -> Iterable[tuple]:
    return frame.itertuples(index=False, name=None)


def _cell(column: str, value: object) -> str:
    if isinstance(value, float):
        if pd.isna(value):
            return ""
        for metric, heading in {**COMPANIONS, **HEADINGS}.items():
            if column.startswith(f"{heading} "):
                return f"{value:.{DIGITS.get(metric, 4)}f}"
        return f"{value:.4g}"
    return str(value)
