"""Trainings by CPU time: what is counted, where they end, what is recorded, and what trainings of one budget share."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_json, write_json
from sdm_bench.checkpoints.runs import TrainingRun
from sdm_bench.checkpoints.weights_file import WeightsAbout
from sdm_bench.training.loop import LoopOptions, Spent
from sdm_bench.training.recipes import run_training
from sdm_bench.training.schedule import progress
from tests.conftest import tiny_options
from tests.training.test_loop import equal, weights

FOUR_SECONDS = 4 / 60
LOOP = LoopOptions(None, core_budget_minutes=FOUR_SECONDS, log_every=1, save_every=1, grid_every=100, device="cpu")


def tick(patch: pytest.MonkeyPatch, seconds: float = 1.0) -> None:
    """Each look at the CPU's clock, of which there is one a step, finds it so much later."""
    shown = [0.0]

    def clock() -> float:
        shown[0] += seconds
        return shown[0]

    patch.setattr(time, "process_time", clock)


def test_the_cpus_clock_ends_a_run_and_earlier_runs_count(
    toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tick(monkeypatch)
    options = tiny_options("sdm", toy_cityscapes)
    assert run_training(options, LOOP, tmp_path / "whole") == 4
    assert TrainingRun(tmp_path / "whole").state()["core_seconds"] == 4.0
    stated = options.model_copy(update={"schedule_core_minutes": FOUR_SECONDS})
    assert run_training(stated, replace(LOOP, steps=1), tmp_path / "parts") == 1
    assert TrainingRun(tmp_path / "parts").weights()[1].budget == "", "it is not spent"
    assert run_training(options, LOOP, tmp_path / "parts") == 4
    # the rate falls over the same share of it
    assert equal(weights(tmp_path / "whole"), weights(tmp_path / "parts"))
    assert run_training(options, LOOP, tmp_path / "parts") == 4


def test_all_threads_of_the_process_count(toy_cityscapes: Path, tmp_path: Path) -> None:
    before = time.process_time()
    run_training(tiny_options("sdm", toy_cityscapes), replace(LOOP, core_budget_minutes=0.2 / 60), tmp_path)
    spent = time.process_time() - before
    assert 0.2 <= TrainingRun(tmp_path).state()["core_seconds"] <= spent


def test_a_decaying_rate_follows_the_share_of_the_core_minutes(
    toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tick(monkeypatch)
    options = tiny_options("sdm", toy_cityscapes)
    run_training(options, LOOP, tmp_path)
    recorded = TrainingRun(tmp_path).options()
    schedule = (recorded.schedule_steps, recorded.schedule_minutes, recorded.schedule_core_minutes)
    assert schedule == (None, None, FOUR_SECONDS)
    assert [progress(recorded, Spent(9, 99.0, seconds)) for seconds in (0.0, 2.0, 8.0)] == [0.0, 0.5, 1.0]
    with pytest.raises(UserError, match=r"--core-budget 1: .*zero at core-minute 0\.0666667.*expected --core-budget"):
        run_training(options, replace(LOOP, core_budget_minutes=1), tmp_path)


def test_what_would_not_be_counted_is_refused(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("sdm", toy_cityscapes)
    with pytest.raises(UserError, match=r"--core-budget with --workers 1: .*expected --workers 0"):
        run_training(options, replace(LOOP, workers=1), tmp_path / "workers")
    run_training(options, replace(LOOP, core_budget_minutes=None, steps=1), tmp_path / "older")
    latest = TrainingRun(tmp_path / "older").latest()
    assert latest is not None
    state = read_json(latest / "state.json")
    del state["core_seconds"]
    write_json(latest / "state.json", state)
    with pytest.raises(UserError, match=r"an older version started .*older without counting its CPU time"):
        run_training(options, LOOP, tmp_path / "older")


def test_trainings_of_one_budget_are_repetitions_however_many_steps_fit_in(
    toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(name: str, pace: float, budget: float, **options: object) -> WeightsAbout:
        tick(monkeypatch, pace)
        loop = replace(LOOP, core_budget_minutes=budget)
        # of a constant rate, whose schedule says no budget
        run_training(tiny_options("spade", toy_cityscapes, **options), loop, tmp_path / name)
        return TrainingRun(tmp_path / name).weights()[1]

    one, other = (trained(f"{seed}", 4.0 / (seed + 1), FOUR_SECONDS, seed=seed) for seed in (0, 1))
    longer = trained("longer", 8.0, 2 * FOUR_SECONDS)
    assert (one.steps, other.steps, longer.steps) == (1, 2, 1)
    assert (one.budget, one.core_seconds) == ("0.0666667 core-minutes", 4.0)
    assert one.configuration_sha256 == other.configuration_sha256 != longer.configuration_sha256
    # so are those that go on from them
    ones, others = (trained(f"{seed}-on", 4.0, FOUR_SECONDS, seed=seed, init=tmp_path / f"{seed}") for seed in (0, 1))
    assert [each.stages[0]["steps"] for each in (ones, others)] == [1, 2]
    assert ones.configuration_sha256 == others.configuration_sha256
