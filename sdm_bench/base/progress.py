"""Progress of long work, on stderr: a bar on a terminal, a plain line every so often elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from sdm_bench.base.processes import is_first

T = TypeVar("T")
SECONDS_BETWEEN_LINES = 15.0


def say(message: str) -> None:
    """One line of talk; stdout stays free for data."""
    print(message, file=sys.stderr, flush=True)


def track(items: Iterable[T], what: str, total: int | None, done: int = 0, unit: str = "items") -> Iterator[T]:
    """Yields `items` and shows how many are through, of `total` if known; `done` were finished in an earlier run.

    Of several processes the first alone shows it: all do equal shares.
    """
    if not is_first():
        yield from items
    elif sys.stderr.isatty():
        yield from _bar(items, what, total, done)
    else:
        yield from _lines(items, what, total, done, unit)


def _bar(items: Iterable[T], what: str, total: int | None, done: int) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total, completed=done)
        for item in items:
            yield item
            progress.advance(task)


def _lines(items: Iterable[T], what: str, total: int | None, done: int, unit: str) -> Iterator[T]:
    start = last = time.monotonic()
    count = done
    for item in items:
        yield item
        count += 1
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            say(f"{what}: {_share(count, total)} {unit}{_left(count, done, total, now - start)}")
            last = now
    say(f"{what}: {_share(count, total)} {unit} in {time.monotonic() - start:.1f} s")


def _share(count: int, total: int | None) -> str:
    return str(count) if total is None else f"{count}/{total}"


def _left(count: int, done: int, total: int | None, seconds: float) -> str:
    return "" if total is None else f", {(total - count) * seconds / (count - done):.0f} s left"
