"""Estimates come from what was measured, and are silent where nothing was."""

from dataclasses import replace
from pathlib import Path

import pytest

from sdm_bench.suites.cells import Cell
from sdm_bench.suites.estimate import (
    Estimate,
    estimate,
    keep_rate,
    measured_rate,
    rates,
    spelled_bytes,
    total,
)
from sdm_bench.suites.results import Result

CELL = Cell("generate", "a", {}, {}, size=100.0, rate="generate sdm toy cityscapes")
DONE = Result(CELL.key, {}, {}, seconds=50.0, share=1.0, peak_memory=10**9, written=2000, device="cpu")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDM_BENCH_CACHE", str(tmp_path))


def test_without_a_measurement_nothing_is_estimated() -> None:
    assert estimate(CELL, rates([CELL], {}, "cpu")) == Estimate()


def test_a_cell_takes_what_its_work_took_before() -> None:
    keep_rate(CELL, DONE)
    known = rates([CELL], {}, "cpu")
    # 0.5 s and 20 bytes a unit, twice as many units
    assert estimate(replace(CELL, size=200.0), known) == Estimate(100.0, 10**9, 4000.0)
    assert rates([CELL], {}, "another device") == {}


def test_of_a_resumed_cell_only_what_was_done_counts() -> None:
    rate = measured_rate(CELL, replace(DONE, share=0.5))
    assert rate is not None
    assert rate.seconds == 1.0
    assert measured_rate(CELL, replace(DONE, share=0.0)) is None
    assert measured_rate(CELL, replace(DONE, result=None)) is None


def test_a_resumed_training_counts_as_a_whole() -> None:
    training = replace(CELL, kind="train")
    rate = measured_rate(training, replace(DONE, result={"training_seconds": 400.0}))
    assert rate is not None
    assert rate.seconds == 4.0
    # a checkpoint is as large after more steps
    assert estimate(replace(training, size=1000.0), {training.rate: rate}) == Estimate(4000.0, 10**9, 2000.0)


def test_another_dataset_takes_as_long_and_a_budget_what_it_says() -> None:
    keep_rate(CELL, DONE)
    other = replace(CELL, rate="generate sdm toy ade20k")
    known = rates([CELL, other], {}, "cpu")
    assert estimate(other, known).seconds == 50.0
    training = replace(CELL, kind="train", rate="train budget oasis toy ade20k", size=600.0)
    assert estimate(training, {}).seconds == 600.0
    keep_rate(training, replace(DONE, result={"training_seconds": 700.0}))
    assert estimate(training, rates([training], {}, "cpu")).seconds == 600.0


def test_a_budget_of_cpu_time_takes_that_on_one_core_or_what_it_took() -> None:
    training = replace(CELL, kind="train", rate="train core-budget oasis toy ade20k", size=600.0)
    assert estimate(training, {}).seconds == 600.0
    keep_rate(training, replace(DONE, result={"training_seconds": 400.0}))
    other = replace(training, rate="train core-budget oasis toy cityscapes", size=300.0)
    assert estimate(other, rates([training, other], {}, "cpu")).seconds == 200.0


def test_the_suites_own_results_come_before_older_ones() -> None:
    keep_rate(CELL, DONE)
    known = rates([CELL], {"a": replace(DONE, seconds=200.0)}, "cpu")
    assert known[CELL.rate].seconds == 2.0


def test_a_small_cell_does_not_replace_the_rate_of_a_large_one() -> None:
    keep_rate(CELL, DONE)
    keep_rate(replace(CELL, size=1.0), DONE)
    assert rates([CELL], {}, "cpu")[CELL.rate].seconds == 0.5
    keep_rate(replace(CELL, size=60.0), DONE)
    assert rates([CELL], {}, "cpu")[CELL.rate].units == 60.0


def test_totals_say_how_much_is_not_known() -> None:
    assert total([Estimate(1.0, 5, 2.0), Estimate(), Estimate(2.0, 3, 0.0)]) == {
        "seconds": 3.0, "memory": 5, "written": 2.0, "unknown": 1,
    }  # fmt: skip
    assert [spelled_bytes(each) for each in (5, 2500, 3e6, 1.25e9)] == ["5 B", "2.5 kB", "3.0 MB", "1.2 GB"]
