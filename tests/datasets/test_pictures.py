"""Pictures are read ahead, in order."""

import threading

import pytest

from sdm_bench.datasets.pictures import ahead


def test_items_are_computed_ahead_and_come_in_order() -> None:
    started = threading.Event()

    def square(index: int) -> int:
        if index == 3:
            started.set()
        return index * index

    items = ahead(square, 6, lookahead=3)
    assert next(items) == 0
    assert started.wait(10)
    assert list(items) == [1, 4, 9, 16, 25]
    assert list(ahead(square, 0)) == []


def test_an_error_comes_where_its_item_would() -> None:
    items = ahead(lambda index: 1 // (1 - index), 3)
    assert next(items) == 1
    with pytest.raises(ZeroDivisionError):
        next(items)
