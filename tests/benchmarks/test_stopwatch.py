"""Seconds by part: none is counted twice."""

import time

import pytest
import torch

from sdm_bench.benchmarks.stopwatch import Stopwatch, shares


def test_seconds_are_those_of_the_innermost_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rest 1 + 4, network 2, by a clock that is set by hand; the processor works half of the time."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "process_time", lambda: now[0] / 2)

    def wait(seconds: float) -> float:
        now[0] += seconds
        return seconds

    stopwatch = Stopwatch(torch.device("cpu"), ("network", "rest"))
    wait(10)
    with stopwatch.part("rest"):
        wait(1)
        assert stopwatch.timed(wait, "network")(2) == 2
        wait(4)
    wait(20)
    assert stopwatch.seconds == {"rest": (5.0, 2.5), "network": (2.0, 1.0)}
    stopwatch.reset()
    assert set(stopwatch.seconds.values()) == {(0.0, 0.0)}


def test_shares_are_of_the_medians() -> None:
    """Medians 3 and 1 of 4 seconds, 1 and 1 of 2 of the processor."""
    found = {"network": [(9.0, 9.0), (3.0, 1.0), (2.0, 0.0)], "rest": [(1.0, 1.0)] * 3}
    table = shares({"method": "spade"}, found)
    assert table["part"].tolist() == ["network", "rest"]
    assert table["share"].tolist() == [0.75, 0.25]
    assert table["CPU share"].tolist() == [0.5, 0.5]
