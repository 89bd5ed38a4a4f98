"""The table of what a training step spends where: its parts, and that none is counted twice. No speed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.benchmarks import training
from sdm_bench.benchmarks.stopwatch import Stopwatch
from sdm_bench.benchmarks.training import PARTS, training_shares
from tests.conftest import tiny_options


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
