"""Calls in threads: all are made, in bounds, and no error is lost."""

import threading

import pytest

from sdm_bench.base.background import in_background


def test_all_calls_are_made_before_the_block_ends() -> None:
    found: list[int] = []
    with in_background(threads=2, pending=3) as submit:
        for number in range(50):
            submit(found.append, number)
    assert sorted(found) == list(range(50))


def test_no_more_than_so_many_calls_wait() -> None:
    """The fourth call is taken only when the first has ended."""
    gate, taken = threading.Event(), threading.Event()

    def submitting() -> None:
        with in_background(threads=1, pending=3) as submit:
            for _ in range(3):
                submit(gate.wait)
            submit(int)
            taken.set()

    thread = threading.Thread(target=submitting)
    thread.start()
    assert not taken.wait(0.2)
    gate.set()
    thread.join(10)
    assert taken.is_set()


def test_an_error_is_raised_and_later_calls_are_made() -> None:
    found: list[int] = []

    def refuse() -> None:
        raise OSError("no space left")

    def work() -> None:
        with in_background(threads=1) as submit:
            submit(refuse)
            submit(found.append, 1)

    with pytest.raises(OSError, match="no space left"):
        work()
    assert found == [1]


def test_what_ends_the_block_waits_for_the_calls() -> None:
    found: list[int] = []

    def work() -> None:
        with in_background(threads=1) as submit:
            submit(found.append, 1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert found == [1]
