"""Numbers that somebody states, measured again from the pictures, and in what the two differ."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from sdm_bench.evaluation.evaluate import Evaluation, evaluate
from sdm_bench.evaluation.metric import metric
from sdm_bench.results.rows import GROUP, REAL, ResultRow
from sdm_bench.weights.store import NOT_CACHED

# Processors round differently: numbers may differ by so many units of the last digit that tables show. Measured between
# instruction sets, one and the same pictures differ by far less than one; samples drawn anew by up to two (FID).
UNITS = 2
# Numbers that count pictures: rounding may move single pictures across a border.
COUNTED = ("precision", "recall", "density", "coverage")
PICTURES = 2
# What of a measurement may be another: the pictures that were never measured, which nobody handed on.
MAY_DIFFER = frozenset({"incomplete"})


class Again(NamedTuple):
    """What came of measuring again.

    differing: a line for each difference, and for pictures that can't be measured. absent: a line for what can't be
    measured here, for want of weights.
    """

    differing: list[str]
    absent: list[str]


def measure_again(asked: Evaluation, stated: Sequence[ResultRow]) -> Again:
    """Measures as `evaluate` does, without storing anything, and compares with the rows that somebody states.

    stated: rows of what is `asked`. Raises UserError as `evaluate` does.
    """
    rows, failures = evaluate(replace(asked, stored=False))
    measured = {row.measure for row in rows}
    found = Again(list(differences([row for row in stated if row.measure in measured], rows)), [])
    for name in asked.metrics:
        # other lines are of what could not be kept
        for line in (each for each in failures if each.startswith(f"{name}: ")):
            lacking = line.startswith(f"{name}: {NOT_CACHED}")
            (found.absent if lacking else found.differing).append(line)
    return found


def differences(stated: Sequence[ResultRow], found: Sequence[ResultRow]) -> Iterator[str]:
    """A line for each row that was not found again, says something else of its measurement, or has another number."""
    again = {_place(row): row for row in found}
    for row in stated:
        other = again.get(_place(row))
        if other is None:
            yield f"{_title(row)}: no such number when it was measured again"
            continue
        fields = [name for name in GROUP if name not in MAY_DIFFER and getattr(row, name) != getattr(other, name)]
        yield from (
            f"{_title(row)}: {name} {getattr(row, name)!r}; measured again {getattr(other, name)!r}" for name in fields
        )
        if not fields:
            yield from _differing_values(row, other)


def _differing_values(row: ResultRow, other: ResultRow) -> Iterator[str]:
    allowed = tolerance(row)
    for name in ("value", "spread"):
        one, two = getattr(row, name), getattr(other, name)
        absent = one is None or two is None
        if (one is not two) if absent else not abs(one - two) <= allowed:
            yield f"{_title(row)}: {name} {one}; measured again {two}, which may differ by {allowed:g}"


def tolerance(row: ResultRow) -> float:
    """By how much a number may differ between processors."""
    unit: float = 10.0 ** -metric(row.measure).output(row.metric).digits
    counted = row.metric.endswith(COUNTED)
    return max(UNITS * unit, PICTURES / row.num_images) if counted else UNITS * unit


def _place(row: ResultRow) -> tuple:
    return row.protocol, row.measure, row.metric, row.class_name, row.method == REAL


def _title(row: ResultRow) -> str:
    about = [row.id, row.metric, row.class_name, f"of {row.method}", f"under {row.protocol}"]
    return " ".join(part for part in about if part)
