"""Processes that do cells: which are used again, and what becomes of the others when one dies."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from sdm_bench.suites import workers
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.engine import Outcome
from sdm_bench.suites.estimate import Estimate
from sdm_bench.suites.local import LocalEngine
from sdm_bench.suites.plan import Plan
from sdm_bench.suites.results import read_result
from sdm_bench.suites.workers import start_worker
from tests.suites.small import planned, stub, use_stubs

SAMPLES = "generate.cityscapes.spade"


def noting(cell: Cell, device: str) -> dict[str, Any]:
    return {**stub(cell, device), "process": os.getpid()}


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setenv("SDM_BENCH_CACHE", str(tmp_path / "cache"))
    use_stubs(monkeypatch, noting, report=noting)
    found = planned(tmp_path)
    for cell in found.cells.values():
        cell.write(tmp_path)
    return found


def ran(plan: Plan, out: Path) -> Outcome:
    return LocalEngine("cpu").run(list(plan.cells.values()), out, dict.fromkeys(plan.cells, Estimate()))


def processes(plan: Plan, out: Path) -> dict[str, int]:
    """Which process did each cell that is done."""
    found = {name: read_result(out, cell.id) for name, cell in plan.cells.items()}
    return {name: each.result["process"] for name, each in found.items() if each is not None and each.result}


def test_one_process_does_cells_that_are_done_at_once(plan: Plan, tmp_path: Path) -> None:
    assert ran(plan, tmp_path) == Outcome()
    found = processes(plan, tmp_path)
    assert found.keys() == plan.cells.keys()
    assert len(set(found.values())) == 1
    assert os.getpid() not in found.values()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, 0)


def test_a_cell_that_takes_longer_has_its_process_end_with_it(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "AT_ONCE", -1.0)
    assert ran(plan, tmp_path) == Outcome()
    found = processes(plan, tmp_path)
    assert len(set(found.values())) == len(plan.cells)


@pytest.mark.parametrize("dies", [True, False])
def test_after_a_cell_that_fails_another_process_goes_on(
    dies: bool, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(cell: Cell, device: str) -> dict[str, Any]:
        if cell.name != SAMPLES:
            return noting(cell, device)
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)
        raise ValueError("wrong")

    use_stubs(monkeypatch, breaks, report=noting)
    outcome = ran(plan, tmp_path)
    found = processes(plan, tmp_path)
    wanting = {name for name in plan.cells if name.startswith("evaluate.cityscapes.spade")}
    assert found.keys() == plan.cells.keys() - wanting - {SAMPLES}
    assert outcome.not_started.keys() == wanting
    failed = read_result(tmp_path, plan.cells[SAMPLES].id)
    assert failed is not None
    assert failed.reason == ("killed by SIGKILL; was there enough memory?" if dies else "ValueError: wrong")
    assert len(set(found.values())) == 2


def test_a_worker_that_died_while_it_had_nothing_to_do_takes_no_cell(plan: Plan, tmp_path: Path) -> None:
    first, second = list(plan.cells.values())[:2]
    worker = start_worker(first, tmp_path, "cpu", {}, keep=True)
    assert worker.result() == (0, True)
    os.kill(worker.process, signal.SIGKILL)
    os.waitid(os.P_PID, worker.process, os.WEXITED | os.WNOWAIT)
    assert not worker.give(second)
    with pytest.raises(ChildProcessError):
        os.waitpid(worker.process, 0)


def test_a_worker_that_died_before_it_read_its_cell_is_one_that_was_killed(plan: Plan, tmp_path: Path) -> None:
    first, second = list(plan.cells.values())[:2]
    worker = start_worker(first, tmp_path, "cpu", {}, keep=True)
    assert worker.result() == (0, True)
    os.kill(worker.process, signal.SIGSTOP)
    assert worker.give(second)
    os.kill(worker.process, signal.SIGKILL)
    assert worker.result() == (-signal.SIGKILL, False)
