"""From result rows to the lines of tables: a line is a sample set under a protocol, and lines are never merged.

The one exception is the explicit mean over trainings that differ in their seed alone, see averages.py.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from reports.names import dataset_name, method_name
from sdm_bench.models.methods import METHODS
from sdm_bench.results.rows import REAL, ResultRow

# What a line is of. Rows that differ in any of these never share one.
IDENTITY = (
    *("dataset", "split", "protocol", "method", "track", "variant", "solver", "steps", "guidance", "training_steps"),
    *("training_seed", "weights_sha256", "configuration_sha256", "sample_set", "labels_sha256", "image_size"),
    *("manifest_sha256", "incomplete"),
)
SHORT_DIGEST = 8


@dataclass(frozen=True)
class Line:
    """The measurements of a sample set under a protocol, at most one of each metric.

    rows: by metric. trainings: the seeds of those that the numbers are means over, empty for one training.
    """

    rows: dict[str, ResultRow]
    trainings: tuple[int, ...] = ()

    @property
    def first(self) -> ResultRow:
        """A row that speaks for what all of them share."""
        return next(iter(self.rows.values()))

    def field(self, name: str) -> str:
        """What a column called `name` says of the line; empty where there is nothing to say."""
        return COLUMNS[name](self)

    def told(self, name: str) -> str:
        """What the line is told from others by in a column called `name`."""
        return TOLD_BY.get(name, COLUMNS[name])(self)

    @property
    def title(self) -> str:
        """Who made the pictures, as notes name them."""
        parts = [self.field(name) for name in ("method", "variant", "solver")]
        guidance = self.field("guidance")
        return ", ".join(part for part in [*parts, f"guidance {guidance}" if guidance else ""] if part)


def _unique(line: Line, of: Callable[[ResultRow], object]) -> str:
    """What all rows of a line say, or the different things they do."""
    return ", ".join(dict.fromkeys(str(of(row)) for row in line.rows.values() if of(row) not in (None, "")))


def network(row: ResultRow) -> str:
    """The network behind a number: what it is called, and its digest's first digits."""
    return f"{row.extractor} {row.extractor_sha256[:SHORT_DIGEST]}"


def _segmenter(line: Line) -> str:
    return _unique(line, lambda row: network(row) if row.measure == "miou" else "")


# What tells lines of one dataset and protocol apart before anything else does.
SHORT = ("variant", "solver", "guidance", "images", "seeds")
# What a column says of a line.
Says = Callable[[Line], str]
COLUMNS: dict[str, Says] = {
    "dataset": lambda line: dataset_name(line.first.dataset),
    "protocol": lambda line: line.first.protocol,
    "track": lambda line: line.first.track,
    "method": lambda line: method_name(line.first.method),
    "variant": lambda line: line.first.variant,
    "solver": lambda line: f"{line.first.solver}, {line.first.steps} steps" if line.first.solver else "",
    "guidance": lambda line: "" if line.first.guidance is None else f"{line.first.guidance:g}",
    "images": lambda line: _unique(line, lambda row: row.num_images),
    "seeds": lambda line: _unique(line, lambda row: row.seeds),
    "incomplete": lambda line: line.first.incomplete,
    "split": lambda line: line.first.split,
    "size": lambda line: line.first.image_size,
    "labels": lambda line: line.first.labels_sha256[:SHORT_DIGEST],
    "training steps": lambda line: _unique(line, lambda row: row.training_steps),
    "training seed": lambda line: ", ".join(map(str, line.trainings)) or _unique(line, lambda row: row.training_seed),
    "configuration": lambda line: line.first.configuration_sha256[:SHORT_DIGEST],
    "weights": lambda line: line.first.weights_sha256[:SHORT_DIGEST],
    "segmenter": _segmenter,
    "reference": lambda line: _unique(line, lambda row: row.reference_sha256[:SHORT_DIGEST]),
    "photographs": lambda line: _unique(line, lambda row: row.num_real),
    "extractor": lambda line: _unique(line, network),
    "folder": lambda line: _unique(line, lambda row: row.folder),
    "sample set": lambda line: line.first.sample_set[:SHORT_DIGEST],
    "protocol content": lambda line: _unique(line, lambda row: row.protocol_sha256[:SHORT_DIGEST]),
}
# Networks are told apart by their tensors, whatever they are called.
TOLD_BY: dict[str, Says] = {
    "segmenter": lambda line: _unique(line, lambda row: row.extractor_sha256 if row.measure == "miou" else ""),
    "extractor": lambda line: _unique(line, lambda row: row.extractor_sha256),
}
# What tables show of every line, and what appears where lines would look alike without it, in this order.
ALWAYS = ("dataset", "protocol", "track", "method", "variant", "solver", "guidance", "images", "seeds")
TELLING_APART = tuple(name for name in COLUMNS if name not in ALWAYS)
# What stands in the table wherever lines of one dataset and protocol say different things of it: a ceiling belongs to
# lines of the same.
WHEREVER_DIFFERENT = ("split", "size", "labels", "segmenter")


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
    return lines_of(newest.values())


def lines_of(rows: Iterable[ResultRow], trainings: tuple[int, ...] = ()) -> list[Line]:
    """The lines of rows with different keys, ordered as `make_lines` says."""
    groups: dict[tuple, dict[tuple, dict[str, ResultRow]]] = {}
    for row in rows:
        identity = tuple(getattr(row, name) for name in IDENTITY)
        groups.setdefault(identity, {}).setdefault(row.group(), {})[row.metric] = row
    lines = [line for measurements in groups.values() for line in _lines_of(measurements, trainings)]
    return sorted(lines, key=order)


def _lines_of(measurements: dict[tuple, dict[str, ResultRow]], trainings: tuple[int, ...]) -> list[Line]:
    """One line with the first measurement of each metric, and one for each further measurement."""
    together: dict[str, ResultRow] = {}
    further: list[Line] = []
    measured: set[str] = set()
    for rows in measurements.values():
        measure = next(iter(rows.values())).measure
        if measure in measured:
            further.append(Line(rows, trainings))
        else:
            measured.add(measure)
            together |= rows
    return [Line(together, trainings), *further]


def order(line: Line) -> tuple:
    """A key to sort by: lines that are compared stand together, the photographs below those that they belong to."""
    row = line.first
    height_and_width = [int(side) for side in row.image_size.split("x")] if "x" in row.image_size else []
    compared = row.dataset, row.protocol, row.split, height_and_width, row.labels_sha256
    made = row.variant, row.guidance or 0.0, row.solver, row.steps or 0
    return *compared, row.method == REAL, place(row.method), row.method, *made


def place(method: str) -> int:
    """The place of a method among others: that of the catalog, those of others behind it."""
    known = list(METHODS)
    return known.index(method) if method in known else len(known)


def telling_columns(lines: Sequence[Line], shown: Iterable[Says] | None = None) -> list[str]:
    """The columns without which two lines would look alike, and those for what no line may hide.

    shown: the columns that the table has anyway, by default those of ALWAYS.
    """
    always = [COLUMNS[name] for name in ALWAYS] if shown is None else list(shown)
    chosen = ["incomplete"] if any(line.field("incomplete") for line in lines) else []
    chosen += [name for name in WHEREVER_DIFFERENT if any(_differs(name, group) for group in by_protocol(lines))]
    if any(line.trainings for line in lines):
        chosen.append("training seed")
    for name in TELLING_APART:
        same = alike(lines, always, chosen)
        if name not in chosen and any(len({line.told(name) for line in group}) > 1 for group in same):
            chosen.append(name)
    return [name for name in TELLING_APART if name in chosen]


def _differs(name: str, lines: Sequence[Line]) -> bool:
    """Whether lines say different things, as far as they say anything."""
    return len({line.told(name) for line in lines} - {""}) > 1


def short_titles(lines: Sequence[Line]) -> list[str]:
    """What each line is called beside the others: its method, and what tells it apart where that isn't enough."""
    chosen = ["method"]
    for name in (*SHORT, *TELLING_APART):
        if any(len({line.told(name) for line in same}) > 1 for same in alike(lines, [], chosen)):
            chosen.append(name)
    return [", ".join(name_and_value(name, line) for name in chosen if line.field(name)) for line in lines]


def name_and_value(name: str, line: Line) -> str:
    """What a line says in a column, with the column's name where that isn't clear without it."""
    return line.field(name) if name in ("method", "variant", "solver") else f"{name} {line.field(name)}"


def alike(lines: Sequence[Line], shown: Sequence[Says], chosen: Sequence[str]) -> list[list[Line]]:
    """Groups of two or more lines that a table with the columns `shown` and `chosen` doesn't tell apart."""
    groups: dict[tuple, list[Line]] = {}
    for line in lines:
        said = *(says(line) for says in shown), *(line.told(name) for name in chosen)
        groups.setdefault(said, []).append(line)
    return [group for group in groups.values() if len(group) > 1]


def by_protocol(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines of one dataset and protocol together: those that a reader compares."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.first.dataset, line.first.protocol), []).append(line)
    return list(groups.values())
