"""Which numbers are the best and the next among those that compare, no better than the noise allows."""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from reports.cells import Mark, digits_of
from reports.lines import Line
from sdm_bench.evaluation.metric import Output
from sdm_bench.results.rows import REAL, ResultRow

ERROR = "_standard_error"
# Numbers that differ in any of these are not ranked with each other.
COMPARED = (
    *("dataset", "split", "protocol", "protocol_sha256", "track", "image_size", "labels_sha256", "num_images"),
    *("incomplete", "extractor_sha256", "num_real", "reference_sha256", "metric", "class_name"),
)
NOTE = (
    "bold: the best, with all that is no further from it than the noise; underlined: the next; ranked are numbers of "
    "one dataset, protocol, track, size, number of pictures, reference set and network"
)
NOISE = {
    "seeds": "the standard deviation over seeds",
    "label maps": "LPIPS' standard error over label maps",
    ERROR: "KID's standard error",
}


class Contender(NamedTuple):
    """A number to be ranked. place: its line and column. noise: by which it would change, None where not known."""

    place: tuple[int, str]
    row: ResultRow
    output: Output
    noise: float | None


def contenders(number: int, line: Line, outputs: Mapping[str, Output], columns: Mapping[str, str]) -> list[Contender]:
    """The numbers of a line that are ranked: not those of photographs, no errors of numbers, none by construction.

    number: of the line in its table. columns: by metric, those that the table has.
    """
    if line.first.method == REAL:
        return []
    return [
        Contender((number, columns[key]), row, outputs[key], noise_of(line, key)[0])
        for key, row in line.rows.items()
        if key in columns and not key.endswith(ERROR) and not _by_construction(row)
    ]


def _by_construction(row: ResultRow) -> bool:
    """Whether a number was not measured: the diversity of a method that makes one picture a label map is 0."""
    return row.measure == "lpips" and row.value == 0 and not row.extractor_sha256


def noise_of(line: Line, key: str) -> tuple[float | None, str]:
    """By how much a number of a line would change from measurement to measurement, and which of NOISE says so."""
    row, error = line.rows[key], line.rows.get(f"{key}{ERROR}")
    found: list[tuple[float, str]] = []
    if row.spread is not None and row.spread_over == "seeds":
        found.append((row.spread, "seeds"))
    if row.spread is not None and row.spread_over == "label maps":
        found.append((row.spread / math.sqrt(row.num_images), "label maps"))
    if error is not None:
        found.append((error.value, ERROR))
    return max(found) if found else (None, "")


def ranked(found: Iterable[Contender]) -> dict[tuple[int, str], Mark]:
    """The marks of numbers by their place; of a number that compares with no other than itself there is none."""
    groups: dict[tuple, list[Contender]] = {}
    for each in found:
        if not math.isnan(each.row.value):
            groups.setdefault(tuple(getattr(each.row, name) for name in COMPARED), []).append(each)
    marks: dict[tuple[int, str], Mark] = {}
    for group in groups.values():
        if len({each.row.key() for each in group}) > 1:
            marks |= _marks(group)
    return marks


def _marks(group: list[Contender]) -> dict[tuple[int, str], Mark]:
    sign = 1 if group[0].output.direction == "lower" else -1
    order = sorted(group, key=lambda each: sign * each.row.value)
    best = [each for each in order if _alike(each, order[0]) or _within_noise(each, order[0])]
    rest = [each for each in order if each not in best]
    marks: dict[tuple[int, str], Mark] = {each.place: "best" for each in best}
    return marks | {each.place: "second" for each in rest if _alike(each, rest[0])}


def _alike(first: Contender, second: Contender) -> bool:
    """Whether two numbers print alike."""
    digits = first.output.digits
    return digits_of(first.row.value, digits) == digits_of(second.row.value, digits)


def _within_noise(first: Contender, second: Contender) -> bool:
    return abs(first.row.value - second.row.value) <= math.hypot(first.noise or 0, second.noise or 0)


def rank_notes(
    lines: Iterable[Line], outputs: Mapping[str, Output], marks: Mapping[tuple[int, str], Mark]
) -> list[str]:
    """What bold and underlined mean, and what noise is; nothing where nothing is marked."""
    if not marks:
        return []
    noises = [
        noise_of(line, key) for line in lines if line.first.method != REAL for key in line.rows
        if key in outputs and not key.endswith(ERROR)
    ]  # fmt: skip
    said = [words for name, words in NOISE.items() if any(name == kind for _, kind in noises)]
    parts = [NOTE]
    if said:
        parts.append(f"noise: of a difference, the root of the summed squares of {', or '.join(said)}")
    if any(value is None for value, _ in noises):
        parts.append("numbers without one, such as of a single seed, count as exact")
    return ["; ".join(parts)]
