"""Pictures that are numbered in the order of the split, which nothing can check."""

from collections.abc import Sequence
from pathlib import Path

from sdm_bench.base.errors import UserError
from sdm_bench.results.frames import Match, Reading


def in_order(place: Path, readings: Sequence[Reading], ids: Sequence[str]) -> tuple[list[Reading], list[str]]:
    """The readings with ids in place of numbers, counted from 0, or from 1 to as many as there are ids; and the rest.

    ids: in their order. Raises UserError where the numbers begin elsewhere.
    """
    numbers = sorted({int(reading.id) for reading in readings})
    if not numbers:
        raise UserError(f"--by-order: no numbers in the names in {place}")
    first = 1 if numbers[0] == 1 and numbers[-1] == len(ids) else 0
    if numbers[0] != first:
        raise UserError(
            f"--by-order: numbers {numbers[0]} to {numbers[-1]} in {place}; expected 0 to {len(ids) - 1}, or 1 to "
            f"{len(ids)}"
        )
    known = [each for each in readings if int(each.id) - first < len(ids)]
    surplus = [each.file.name for each in readings if int(each.id) - first >= len(ids)]
    return [each._replace(id=ids[int(each.id) - first]) for each in known], surplus


def order_hint(numbered: Match, count: int) -> list[str]:
    """That the names may be numbers in the order of the split, where they are as many as its label maps."""
    found = sorted({int(name) for name in numbered.ids})
    if len(found) != count or found[-1] - found[0] != count - 1 or found[0] > 1:
        return []
    return [
        f"names {numbered.frame.text} hold the numbers {found[0]} to {found[-1]}: --by-order takes them in the order "
        "of the split's sorted ids, if that is how they were made"
    ]
