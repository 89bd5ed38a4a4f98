"""Progress of long work, on stderr: a bar on a terminal, a plain line every so often elsewhere."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from sdm_bench.base.processes import is_first

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")
SECONDS_BETWEEN_LINES = 15.0
# From this on the time of day at which work ends is worth saying.
LONG = 60.0
# Asked for while work goes on: what there is to say of it, such as a loss; and the seconds left, None if unknown.
Tell = Callable[[], str]
Left = Callable[[], float | None]


def say(message: str) -> None:
    """One line of talk; stdout stays free for data."""
    print(message, file=sys.stderr, flush=True)


def spelled_seconds(seconds: float) -> str:
    """Hours and minutes as h:mm, below a minute seconds."""
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d} h"


def track(
    items: Iterable[T],
    what: str,
    total: int | None,
    done: int = 0,
    unit: str = "items",
    tell: Tell = str,
    left: Left | None = None,
) -> Iterator[T]:
    """Yields `items` and shows how many are through, of `total` if known; `done` were finished in an earlier run.

    tell: what else a line says. left: the seconds that are left at most, where a time ends the work, too. Of several
    processes the first alone shows it: all do equal shares.
    """
    if not is_first():
        yield from items
        return
    work = _Work(what, total, done, unit, tell, left or (lambda: None))
    yield from _bar(items, work) if sys.stderr.isatty() else _lines(items, work)


class _Work:
    """How far work is, and when it will be done."""

    def __init__(self, what: str, total: int | None, done: int, unit: str, tell: Tell, left: Left):
        self.what, self.total, self.before, self.unit, self.tell, self.limit = what, total, done, unit, tell, left
        self.count = done
        self.start = time.monotonic()

    def share(self) -> str:
        count = str(self.count) if self.total is None else f"{self.count}/{self.total}"
        return f"{self.what}: {count} {self.unit}"

    def told(self) -> str:
        said = self.tell()
        return f", {said}" if said else ""

    def left(self, now: float) -> str:
        """The time that is left and, of long work, the time of day at which it ends; "" where nobody knows."""
        known = [self.limit()]
        if self.total is not None and self.count > self.before:
            known.append((self.total - self.count) * (now - self.start) / (self.count - self.before))
        seconds = min((max(0.0, each) for each in known if each is not None), default=None)
        if seconds is None:
            return ""
        until = f" (until {_time_of_day(seconds)})" if seconds >= LONG else ""
        return f", {spelled_seconds(seconds)} left{until}"


def _time_of_day(seconds: float) -> str:
    """The local time in `seconds`, with its date unless that is today's."""
    now = datetime.now()
    then = now + timedelta(seconds=seconds)
    return then.strftime("%H:%M" if then.date() == now.date() else "%Y-%m-%d %H:%M")


def _bar(items: Iterable[T], work: _Work) -> Iterator[T]:
    with _drawn_bar() as progress:
        task = progress.add_task(work.what, total=work.total, completed=work.before, said="")
        for item in items:
            yield item
            work.count += 1
            said = f"{work.told()}{work.left(time.monotonic())}".removeprefix(", ")
            progress.update(task, advance=1, said=said)


def _drawn_bar() -> "Progress":
    """A bar without the time that rich estimates, since a budget may end the work before."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TextColumn("{task.fields[said]}"), console=Console(stderr=True))


def _lines(items: Iterable[T], work: _Work) -> Iterator[T]:
    last = work.start
    for item in items:
        yield item
        work.count += 1
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            say(f"{work.share()}{work.told()}{work.left(now)}")
            last = now
    say(f"{work.share()}{work.told()} in {_taken(time.monotonic() - work.start)}")


def _taken(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < LONG else spelled_seconds(seconds)
