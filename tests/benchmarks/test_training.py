"""The table of what a training step spends where: its parts, and that none is counted twice. No speed."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.benchmarks import training
from sdm_bench.benchmarks.training import PARTS, Stopwatch, training_shares
from tests.conftest import tiny_options


def test_seconds_are_those_of_the_innermost_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rest 1 + 4, network 2, by a clock that is set by hand; the processor works half of the time."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "process_time", lambda: now[0] / 2)

    def wait(seconds: float) -> float:
        now[0] += seconds
        return seconds

    stopwatch = Stopwatch(torch.device("cpu"))
    wait(10)
    with stopwatch.part("rest"):
        wait(1)
        assert stopwatch.timed(wait, "network")(2) == 2
        wait(4)
    wait(20)
    found = {part: seconds for part, seconds in stopwatch.seconds.items() if seconds[0]}
    assert found == {"rest": (5.0, 2.5), "network": (2.0, 1.0)}
    stopwatch.reset()
    assert set(stopwatch.seconds.values()) == {(0.0, 0.0)}


@pytest.mark.parametrize(("method", "idle"), [("sdm", set()), ("spade", {"average"})])
def test_every_part_of_a_step_has_its_line(method: str, idle: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def tiny(method: str, dataset: str, data: Path, preset: str, size: None, overrides: dict[str, int]) -> object:
        assert overrides == {"batch_size": 2}
        made = tiny_options(method, data)
        return made.model_copy(update={"training": made.training.model_copy(update=overrides)})

    monkeypatch.setattr(training, "resolve", tiny)
    stepped: list[int] = []
    monkeypatch.setattr(training, "watch", _counting(training.watch, stepped))
    table = training_shares(method, batch_size=2, steps=2, device="cpu")
    assert stepped == [3], "one step more than is timed"
    assert table["part"].tolist() == list(PARTS)
    assert set(table["part"][table["seconds"] == 0]) == idle
    assert table["share"].sum() == pytest.approx(1)
    assert table["CPU share"].sum() == pytest.approx(1)
    assert set(table["size"]) == {"32x64"}
    assert set(table["batch"]) == {2}


def _counting(watch: Callable[..., None], counts: list[int]) -> Callable[..., None]:
    """`watch` that also counts the steps of what it watches."""

    def watched(objective: training.Objective, stopwatch: Stopwatch) -> None:
        watch(objective, stopwatch)
        step = objective.step
        counts.append(0)

        def counted(*arguments: object, **options: object) -> object:
            counts[-1] += 1
            return step(*arguments, **options)  # type: ignore[arg-type]

        objective.step = counted  # type: ignore[method-assign, assignment]

    return watched


def test_nothing_cannot_be_timed() -> None:
    with pytest.raises(UserError, match="--steps 0: expected at least 1"):
        training_shares("sdm", steps=0)
