"""Published numbers beside measured ones: in columns of their own, marked, each with why it compares or doesn't."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reports.cells import Column
from reports.lines import Line, place
from reports.metric_table import column_of
from reports.names import method_name
from reports.published.numbers import DATASETS, UNKNOWN, PublishedNumber, published
from sdm_bench.evaluation.metric import Output
from sdm_bench.results.rows import REAL

LEGEND = "published: not measured by this program, and never ranked with what is; the number in brackets is its note's"
COMPARES = "compares with lines of its protocol, size and number of pictures"


@dataclass
class Beside:
    """What others published of the datasets of a table.

    found: by column group, metric, method and variant, as they are called. notes: what marks mean, each once.
    """

    found: dict[tuple[str, str, str, str], list[tuple[PublishedNumber, int]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def unmeasured(self, lines: Sequence[Line]) -> list[tuple[str, str]]:
        """Methods and variants of which there are published numbers alone."""
        ours = {(line.field("method"), line.field("variant")) for line in lines}
        numbers = {(method, variant): each[0][0] for (_, _, method, variant), each in self.found.items()}
        theirs = sorted(numbers, key=lambda key: (numbers[key].method == REAL, place(numbers[key].method), key))
        return [key for key in theirs if key not in ours]

    def cells(
        self, group: str, metric: str, column: str, key: Sequence[tuple[str, str]], line: Line | None
    ) -> dict[str, str]:
        """The cell beside the number in `column`; none where nothing of the column is published."""
        if not self._has(group, metric):
            return {}
        said = dict(key)
        numbers = self.found.get((group, metric, said["method"], said.get("variant", "")), [])
        return {f"{column} published": "; ".join(f"{_digits(each)} [{mark}]" for each, mark in numbers)}

    def columns(self, group: str, metric: str, column: str, output: Output) -> dict[str, Column]:
        """How that column is shown."""
        heading = f"{column_of(output).title} published"
        return {f"{column} published": Column(heading, group)} if self._has(group, metric) else {}

    def _has(self, group: str, metric: str) -> bool:
        return any(key[:2] == (group, metric) for key in self.found)


def find_beside(groups: Sequence[tuple[str, Sequence[Line]]], outputs: Mapping[str, Output]) -> Beside:
    """What is published of the datasets of column groups, by heading, of the tracks that their lines are of."""
    beside = Beside()
    marks: dict[str, int] = {}
    for heading, lines in groups:
        dataset = lines[0].first.dataset
        tracks = {line.first.track for line in lines}
        for number in published(dataset) if dataset in DATASETS else []:
            if number.metric in outputs and (number.track in tracks or not number.track):
                note = f"{number.source}: {comparison_of(number, lines)}"
                mark = marks.setdefault(note, len(marks) + 1)
                key = heading, number.metric, method_name(number.method), number.variant
                beside.found.setdefault(key, []).append((number, mark))
    if marks:
        beside.notes = [LEGEND, *(f"[{mark}] {note}" for note, mark in marks.items())]
    return beside


def _digits(number: PublishedNumber) -> str:
    return f"{number.value:.{number.output.digits}f}"


def comparison_of(number: PublishedNumber, lines: Sequence[Line]) -> str:
    """Why a number compares with those of `lines`, or doesn't."""
    of = [line for line in lines if number.metric in line.rows] or lines
    rows = [line.rows.get(number.metric, line.first) for line in of]
    protocols = list(dict.fromkeys(row.protocol for row in rows))
    sizes = list(dict.fromkeys(row.image_size for row in rows))
    counts = list(dict.fromkeys(str(row.num_images) for row in rows))
    size = f"{number.size[1]}x{number.size[0]}" if number.size else ""
    reasons = []
    if number.protocol == UNKNOWN:
        reasons.append(f"its protocol is not known, {number.note}")
    elif number.protocol not in protocols:
        reasons.append(f"under {number.protocol}, ours under {', '.join(protocols)}")
    for words, theirs, ours in (("size", size, sizes), ("number of pictures", str(number.num_images or ""), counts)):
        if not theirs:
            reasons.append(f"its {words} is not stated")
        elif theirs not in ours:
            reasons.append(f"{words} {theirs}, ours {', '.join(ours)}")
    if reasons:
        return f"does not compare: {'; '.join(reasons)}"
    return COMPARES
