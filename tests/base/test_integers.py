"""Whole numbers in ranges and lists, never more than fit the memory."""

import pytest

from sdm_bench.base.integers import MOST, integers_in


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0", [0]),
        ("0-2", [0, 1, 2]),
        ("4,0", [4, 0]),
        ("0-2,7,1", [0, 1, 2, 7]),
        (f"1-{MOST}", list(range(1, MOST + 1))),
    ],
)
def test_ranges_and_lists_become_numbers_each_once(text: str, numbers: list[int]) -> None:
    assert integers_in(text) == numbers


@pytest.mark.parametrize("text", ["", "x", "2-0", "0,", "-1", "0 1", "1\n", "²", f"0-{MOST}", f"0,{MOST}-{2 * MOST}"])
def test_other_text_and_too_many_numbers_are_none(text: str) -> None:
    assert integers_in(text) is None
