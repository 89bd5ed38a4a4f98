"""From result rows to the lines of tables: a line is a sample set under a protocol, and lines are never merged.

The one exception is the explicit mean over trainings that differ in their seed alone.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.models.methods import METHODS
from sdm_bench.results.rows import REAL, ResultRow

# What a line is of. Rows that differ in any of these never share one.
IDENTITY = (
    *("dataset", "split", "protocol", "method", "variant", "solver", "steps", "guidance", "training_steps"),
    *("training_seed", "weights_sha256", "sample_set", "image_size", "manifest_sha256", "incomplete"),
)
# Fields in which trainings of one method differ that are averaged.
OF_ONE_TRAINING = ("training_seed", "weights_sha256", "sample_set", "manifest_sha256")
SHORT_DIGEST = 8


@dataclass(frozen=True)
class Line:
    """The measurements of a sample set under a protocol, at most one of each metric. rows: by metric."""

    rows: dict[str, ResultRow]
    trainings: tuple[int, ...] = ()

    @property
    def first(self) -> ResultRow:
        """A row that speaks for what all of them share."""
        return next(iter(self.rows.values()))

    def field(self, name: str) -> str:
        """What a column called `name` says of the line; empty where there is nothing to say."""
        return COLUMNS[name](self)

    @property
    def title(self) -> str:
        """Who made the pictures, as notes name them."""
        parts = [self.field(name) for name in ("method", "variant", "solver")]
        guidance = self.field("guidance")
        return ", ".join(part for part in [*parts, f"guidance {guidance}" if guidance else ""] if part)


def _unique(line: Line, of: Callable[[ResultRow], object]) -> str:
    """What all rows of a line say, or the different things they do."""
    return ", ".join(dict.fromkeys(str(of(row)) for row in line.rows.values() if of(row) not in (None, "")))


def _segmenter(line: Line) -> str:
    rows = [row for row in line.rows.values() if row.measure == "miou"]
    return f"{rows[0].extractor} {rows[0].extractor_sha256[:SHORT_DIGEST]}" if rows else ""


COLUMNS: dict[str, Callable[[Line], str]] = {
    "dataset": lambda line: line.first.dataset,
    "protocol": lambda line: line.first.protocol,
    "method": lambda line: METHODS[line.first.method].title if line.first.method in METHODS else line.first.method,
    "variant": lambda line: line.first.variant,
    "solver": lambda line: f"{line.first.solver}, {line.first.steps} steps" if line.first.solver else "",
    "guidance": lambda line: "" if line.first.guidance is None else f"{line.first.guidance:g}",
    "images": lambda line: _unique(line, lambda row: row.num_images),
    "seeds": lambda line: _unique(line, lambda row: row.seeds),
    "incomplete": lambda line: line.first.incomplete,
    "split": lambda line: line.first.split,
    "size": lambda line: line.first.image_size,
    "training steps": lambda line: _unique(line, lambda row: row.training_steps),
    "training seed": lambda line: ", ".join(map(str, line.trainings)) or _unique(line, lambda row: row.training_seed),
    "weights": lambda line: line.first.weights_sha256[:SHORT_DIGEST],
    "segmenter": _segmenter,
    "photographs": lambda line: _unique(line, lambda row: row.num_real),
    "reference": lambda line: _unique(line, lambda row: row.reference_sha256[:SHORT_DIGEST]),
    "extractor": lambda line: _unique(line, lambda row: f"{row.extractor} {row.extractor_sha256[:SHORT_DIGEST]}"),
    "folder": lambda line: _unique(line, lambda row: row.folder),
    "sample set": lambda line: line.first.sample_set[:SHORT_DIGEST],
    "protocol content": lambda line: _unique(line, lambda row: row.protocol_sha256[:SHORT_DIGEST]),
}
# What tables show of every line, and what appears where lines would look alike without it, in this order.
ALWAYS = ("dataset", "protocol", "method", "variant", "solver", "guidance", "images", "seeds")
TELLING_APART = tuple(name for name in COLUMNS if name not in ALWAYS)


def make_lines(rows: Iterable[ResultRow], metrics: Iterable[str]) -> list[Line]:
    """The lines of rows of `metrics`, ordered by dataset, protocol, split, size and method, photographs last.

    A further measurement of one sample set under one protocol, such as by another segmenter, is a line of its own. Of
    two rows with one key the newer holds.
    """
    wanted = set(metrics)
    newest: dict[tuple, ResultRow] = {}
    for row in rows:
        if row.metric in wanted and not row.class_name:
            before = newest.get(row.key())
            if before is None or row.time >= before.time:
                newest[row.key()] = row
    groups: dict[tuple, dict[tuple, dict[str, ResultRow]]] = {}
    for row in newest.values():
        identity = tuple(getattr(row, name) for name in IDENTITY)
        groups.setdefault(identity, {}).setdefault(row.group(), {})[row.metric] = row
    lines = [line for measurements in groups.values() for line in _lines_of(measurements)]
    return sorted(lines, key=_order)


def _lines_of(measurements: dict[tuple, dict[str, ResultRow]]) -> list[Line]:
    """One line with the first measurement of each metric, and one for each further measurement."""
    together: dict[str, ResultRow] = {}
    further: list[Line] = []
    measured: set[str] = set()
    for rows in measurements.values():
        measure = next(iter(rows.values())).measure
        if measure in measured:
            further.append(Line(rows))
        else:
            measured.add(measure)
            together |= rows
    return [Line(together), *further]


def _order(line: Line) -> tuple:
    row, known = line.first, list(METHODS)
    place = known.index(row.method) if row.method in known else len(known)
    height_and_width = [int(side) for side in row.image_size.split("x")] if "x" in row.image_size else []
    guidance = row.guidance or 0.0
    real = row.method == REAL
    return row.dataset, row.protocol, row.split, height_and_width, real, place, row.method, row.variant, guidance


def average_trainings(lines: Sequence[Line]) -> list[Line]:
    """Lines whose trainings differ in their seed alone as one: the mean of each number, and its spread over trainings.

    Raises UserError for two trainings with one seed, which can't be told from a repetition.
    """
    groups: dict[tuple, list[Line]] = {}
    for line in lines:
        row = line.first
        kept = tuple(getattr(row, name) for name in IDENTITY if name not in OF_ONE_TRAINING)
        alone = () if row.training_seed is not None else (row.sample_set,)
        measured = tuple((name, each.extractor_sha256, each.reference_sha256) for name, each in line.rows.items())
        groups.setdefault((kept, alone, measured, line.field("images"), line.field("seeds")), []).append(line)
    return [_mean(group) if len(group) > 1 else group[0] for group in groups.values()]


def _mean(lines: Sequence[Line]) -> Line:
    seeds = [line.first.training_seed for line in lines]
    if len(set(seeds)) < len(seeds):
        folders = ", ".join(line.first.folder for line in lines)
        raise UserError(
            f"--mean-over-training-seeds: {lines[0].title}: trainings with the seeds {', '.join(map(str, seeds))} in "
            f"{folders}; expected one of each seed"
        )
    rows = {}
    for name, row in lines[0].rows.items():
        values = np.array([line.rows[name].value for line in lines])
        notes = dict.fromkeys(line.rows[name].note for line in lines if line.rows[name].note)
        spread = float(values.std(ddof=1))
        note = "; ".join(notes)
        rows[name] = row.model_copy(
            update={"value": float(values.mean()), "spread": spread, "spread_over": "seeds", "note": note}
        )
    return replace(lines[0], rows=rows, trainings=tuple(sorted(seed for seed in seeds if seed is not None)))


def telling_columns(lines: Sequence[Line]) -> list[str]:
    """The columns beyond ALWAYS without which two lines would look alike, and those for what no line may hide.

    Sizes and splits stand in the table wherever lines of one dataset and protocol differ in them.
    """
    shown = [name for name in ("incomplete",) if any(line.field(name) for line in lines)]
    shown += [name for name in ("split", "size") if any(_differs(name, group) for group in by_protocol(lines))]
    if any(line.trainings for line in lines):
        shown.append("training seed")
    for name in TELLING_APART:
        if name not in shown and any(_differs(name, alike) for alike in _alike(lines, shown)):
            shown.append(name)
    return [name for name in TELLING_APART if name in shown]


def _alike(lines: Sequence[Line], shown: Sequence[str]) -> list[list[Line]]:
    """Groups of two or more lines of which the columns ALWAYS and `shown` say the same."""
    groups: dict[tuple, list[Line]] = {}
    for line in lines:
        groups.setdefault(tuple(line.field(name) for name in (*ALWAYS, *shown)), []).append(line)
    return [group for group in groups.values() if len(group) > 1]


def _differs(name: str, lines: Sequence[Line]) -> bool:
    return len({line.field(name) for line in lines}) > 1


def by_protocol(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines of one dataset and protocol together: those that a reader compares."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.first.dataset, line.first.protocol), []).append(line)
    return list(groups.values())


def incomparable(lines: Sequence[Line]) -> list[str]:
    """A sentence for each dataset and protocol whose lines differ in what makes numbers comparable."""
    sentences = []
    for group in by_protocol(lines):
        generated = [line for line in group if line.first.method != REAL]
        differing = [text for text in (_difference(kind, generated) for kind in KINDS) if text]
        if differing:
            row = group[0].first
            sentences.append(
                f"Numbers of {row.dataset} under {row.protocol} are not comparable throughout: lines differ in "
                f"{'; '.join(differing)}."
            )
    return sentences


# What makes numbers comparable, in words, with the column that says it.
KINDS = (
    ("the number of pictures", "images"),
    ("their size", "size"),
    ("the split", "split"),
    ("the reference set", "reference"),
    ("the segmenter", "segmenter"),
    ("completeness", "incomplete"),
)


def _difference(kind: tuple[str, str], lines: Sequence[Line]) -> str:
    """What lines differ in, with what each says; empty where they agree as far as they say anything."""
    words, name = kind
    if name == "incomplete":
        said = [line.field(name) or "complete" for line in lines]
    else:
        said = [line.field(name) for line in lines if line.field(name)]
    found = list(dict.fromkeys(said))
    if not any(first != second for first, second in combinations(found, 2)):
        return ""
    return f"{words} ({', '.join(found)})"
