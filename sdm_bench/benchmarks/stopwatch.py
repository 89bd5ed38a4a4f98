"""Seconds by part of a piece of work, and the table of their shares."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd
import torch


class Stopwatch:
    """Seconds by part, by the clock and of this process's CPU time; inside another part only the inner one's go on."""

    def __init__(self, device: torch.device, parts: Sequence[str]):
        self.device = device
        self.parts = parts
        self.running: list[str] = []
        self.since = (0.0, 0.0)
        self.reset()

    def reset(self) -> None:
        """Forgets all seconds."""
        self.seconds = dict.fromkeys(self.parts, (0.0, 0.0))

    def start(self, part: str) -> None:
        """From now on the seconds are those of `part`."""
        self._charge()
        self.running.append(part)

    def stop(self) -> None:
        """From now on they are again those of the part that ran before."""
        self._charge()
        self.running.pop()

    def _charge(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        now = time.perf_counter(), time.process_time()
        if self.running:
            clock, cpu = self.seconds[self.running[-1]]
            self.seconds[self.running[-1]] = clock + now[0] - self.since[0], cpu + now[1] - self.since[1]
        self.since = now

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What the block takes is that of the part `name`."""
        self.start(name)
        try:
            yield
        finally:
            self.stop()

    def timed(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """The same function, whose calls are of the part `name`."""

        def call(*arguments: Any, **options: Any) -> Any:
            with self.part(name):
                return function(*arguments, **options)

        return call


def shares(what: Mapping[str, Any], found: Mapping[str, Sequence[tuple[float, float]]]) -> pd.DataFrame:
    """A line for each part, with the medians of its seconds and CPU seconds, and their shares in the sums over parts.

    what: the columns before. found: seconds and CPU seconds of every repetition by part.
    """
    table = pd.DataFrame({**what, "part": list(found)})
    for column, which in (("seconds", 0), ("CPU seconds", 1)):
        table[column] = [statistics.median(each[which] for each in times) for times in found.values()]
    for share, column in (("share", "seconds"), ("CPU share", "CPU seconds")):
        table[share] = table[column] / table[column].sum()
    return table
