"""The local engine: what a crash, a kill or a signal does, and that the same call goes on."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sdm_bench.base.errors import PartialFailure, UserError
from sdm_bench.suites import local
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.engine import Outcome
from sdm_bench.suites.estimate import Estimate
from sdm_bench.suites.local import LocalEngine
from sdm_bench.suites.machine import GPU
from sdm_bench.suites.plan import Plan
from sdm_bench.suites.run import Planned, run
from sdm_bench.suites.states import states
from tests.suites.small import NUMBERS, SUITE, planned, slow_stub, stub, use_stubs

TRAIN = "train.cityscapes.sdm.seed-0"


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setenv("SDM_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("sdm_bench.suites.run._note_missing_weights", lambda plan, found: None)
    use_stubs(monkeypatch)
    return planned(tmp_path)


def go(plan: Plan, out: Path, retry_failed: bool = False) -> None:
    """What `sdm-bench run` does, on the CPU."""
    estimates = dict.fromkeys(plan.cells, Estimate())
    run(Planned(plan, out, states(plan, out, retry_failed), estimates), LocalEngine("cpu"))


def done(plan: Plan, out: Path) -> set[str]:
    return {name for name, status in states(plan, out).items() if status.state == "done"}


def times(plan: Plan, out: Path) -> list[int]:
    """How often each cell's work was done."""
    return [len((out / cell.work_folder / NUMBERS).read_text().splitlines()) for cell in plan.cells.values()]


def test_everything_is_done_once_and_the_second_run_does_nothing(
    plan: Plan, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    go(plan, out)
    assert done(plan, out) == set(plan.cells)
    assert set(times(plan, out)) == {1}
    capfd.readouterr()
    go(plan, out)
    assert "nothing to do: 12 done" in capfd.readouterr().err
    assert set(times(plan, out)) == {1}


def test_a_failed_cell_stops_only_what_needs_it(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(cell: Cell, device: str) -> dict[str, Any]:
        raise UserError("no such thing")

    use_stubs(monkeypatch, train=fails)
    out = tmp_path / "out"
    with pytest.raises(PartialFailure) as error:
        go(plan, out)
    assert f"{TRAIN}: failed: no such thing (tried once)" in error.value.message
    assert f"needs {TRAIN}, which failed" in error.value.message
    assert error.value.exit_code == 1
    assert done(plan, out) == {name for name in plan.cells if ".sdm." not in name}
    use_stubs(monkeypatch)
    with pytest.raises(PartialFailure, match="tried once"):
        go(plan, out)
    go(plan, out, retry_failed=True)
    assert done(plan, out) == set(plan.cells)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "killed by SIGKILL; was there enough memory?"),
        (lambda: os.kill(os.getpid(), signal.SIGXCPU), "ended by SIGXCPU"),
        (lambda: os._exit(3), "ended with exit code 3 and no result"),
        (lambda: [][1], "IndexError: list index out of range"),
    ],
)
def test_a_crash_takes_one_cell_along_and_nothing_else(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: Callable[[], object], said: str
) -> None:
    def crashes(cell: Cell, device: str) -> dict[str, Any]:
        end()
        return {}

    use_stubs(monkeypatch, train=crashes)
    with pytest.raises(PartialFailure) as error:
        go(plan, tmp_path / "out")
    assert f"{TRAIN}: failed: {said}" in error.value.message
    assert done(plan, tmp_path / "out") == {name for name in plan.cells if ".sdm." not in name}


def forked(work: Callable[[], None]) -> int:
    process = os.fork()
    if process:
        return process
    try:
        work()
    except SystemExit as error:
        os._exit(int(error.code or 0))
    finally:
        os._exit(99)


def running(out: Path) -> set[int]:
    """The processes that hold cells."""
    return {int(file.read_text().split()[1]) for file in out.glob("cells/*/*/claim") if file.read_text()}


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def kill_after(count: int, plan: Plan, out: Path) -> None:
    """Kills an engine in the middle of a cell once so many are done, and sees that the cell's process ends too."""
    engine = forked(lambda: go(plan, out))
    until(lambda: len(done(plan, out)) >= count and running(out))
    (cell,) = running(out)
    os.kill(engine, signal.SIGKILL)
    os.waitpid(engine, 0)
    until(lambda: not Path(f"/proc/{cell}").exists() or Path(f"/proc/{cell}/stat").read_text().split()[2] == "Z")


def test_a_killed_engine_takes_its_cells_along_and_the_same_call_goes_on(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_stubs(monkeypatch, slow_stub)
    out = tmp_path / "out"
    for count in (2, 4):
        kill_after(count, plan, out)
    use_stubs(monkeypatch)
    go(plan, out)
    assert done(plan, out) == set(plan.cells)
    assert not list(out.glob("cells/*/*/claim"))


def test_a_signal_stops_after_the_work_in_hand_and_the_same_call_goes_on(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def saves(cell: Cell, device: str) -> dict[str, Any]:
        try:
            time.sleep(30)
        except SystemExit:
            (Path(cell.folder) / "saved").touch()
            raise
        return {}

    use_stubs(monkeypatch, train=saves)
    engine = forked(lambda: go(plan, out))
    folder = out / plan.cells[TRAIN].folder
    until(lambda: (folder / "log.txt").is_file() and (folder / "log.txt").stat().st_size)
    os.kill(engine, signal.SIGINT)
    _, status = os.waitpid(engine, 0)
    assert os.waitstatus_to_exitcode(status) == 130
    assert (folder / "saved").is_file()
    assert not (folder / "result.json").exists()
    use_stubs(monkeypatch)
    go(plan, out)
    assert done(plan, out) == set(plan.cells)


def test_a_cell_that_another_process_is_at_is_left_to_it(plan: Plan, tmp_path: Path) -> None:
    out = tmp_path / "out"
    folder = out / plan.cells[TRAIN].folder
    folder.mkdir(parents=True)
    (folder / "claim").write_text("elsewhere 1")
    with pytest.raises(PartialFailure) as error:
        go(plan, out)
    assert f"{TRAIN}: running: process 1 on elsewhere" in error.value.message
    # no sign of life: whoever it was is gone
    os.utime(folder / "claim", (0, 0))
    go(plan, out)
    assert done(plan, out) == set(plan.cells)


def memory_of(patch: pytest.MonkeyPatch, free: int) -> None:
    patch.setattr(local, "free_memory", lambda gpu: free)


def test_a_cell_that_needs_more_memory_than_is_free_does_not_start(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory_of(monkeypatch, 10**9)
    out = tmp_path / "out"
    estimates = dict.fromkeys(plan.cells, Estimate(1.0, 10**6, 0)) | {TRAIN: Estimate(1.0, 2 * 10**9, 0)}
    with pytest.raises(PartialFailure, match=r"needs 2\.0 GB of memory; 1\.0 GB are free"):
        run(Planned(plan, out, states(plan, out), estimates), LocalEngine("cpu"))
    assert done(plan, out) == {name for name in plan.cells if ".sdm." not in name and name != "report"}


def outcome(plan: Plan, out: Path) -> Outcome:
    for cell in plan.cells.values():
        cell.write(out)
    return LocalEngine().run(list(plan.cells.values()), out, dict.fromkeys(plan.cells, Estimate()))


def test_each_gpu_is_a_slot(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def notes(cell: Cell, device: str) -> dict[str, Any]:
        time.sleep(0.2)
        stub(cell, device)
        return {
            "gpu": os.environ["CUDA_VISIBLE_DEVICES"],
            "device": device,
            "from": time.time() - 0.2,
            "to": time.time(),
        }

    monkeypatch.setattr(local, "gpus", lambda: [GPU("0", "a", 1, 1), GPU("3", "b", 1, 1)])
    use_stubs(monkeypatch, notes)
    assert outcome(plan, tmp_path / "out") == Outcome()
    found = [status.result for status in states(plan, tmp_path / "out").values()]
    made = [each.result for each in found if each is not None and each.result is not None and "gpu" in each.result]
    assert {each["gpu"] for each in made} == {"0", "3"}
    assert {each["device"] for each in made} == {"cuda"}
    assert any(one["gpu"] < two["gpu"] and overlap(one, two) for one in made for two in made)
    same = [(one, two) for one in made for two in made if one is not two and one["gpu"] == two["gpu"]]
    assert not any(overlap(one, two) for one, two in same)


def overlap(one: dict[str, Any], two: dict[str, Any]) -> bool:
    """Whether two pieces of work were done at one time."""
    return bool(one["from"] < two["to"] and two["from"] < one["to"])


@pytest.mark.parametrize("at_once", [1, 2])
def test_cells_at_once_share_the_cores(
    at_once: int, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A single cell has this process's threads, of two each has half of the four cores."""
    threads = torch.get_num_threads() if at_once == 1 else 2

    def notes(cell: Cell, device: str) -> dict[str, Any]:
        start = time.time()
        time.sleep(0.2)
        stub(cell, device)
        return {"from": start, "to": time.time(), "threads": torch.get_num_threads()}

    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    use_stubs(monkeypatch, notes, report=stub)
    out = tmp_path / "out"
    for cell in plan.cells.values():
        cell.write(out)
    cells = list(plan.cells.values())
    assert LocalEngine("cpu", at_once).run(cells, out, dict.fromkeys(plan.cells, Estimate())) == Outcome()
    found = [status.result for status in states(plan, out).values()]
    made = [each.result for each in found if each is not None and each.result is not None and "from" in each.result]
    assert {each["threads"] for each in made} == {threads}
    most = max(sum(overlap(one, two) for two in made) for one in made)
    assert most >= 2 if at_once > 1 else most == 1


def test_cells_at_once_that_can_not_be_are_refused(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    with pytest.raises(UserError, match="--at-once 3: this machine has 2 cores"):
        LocalEngine("cpu", 3).run([], tmp_path, {})
    monkeypatch.setattr(local, "gpus", lambda: [GPU("0", "a", 1, 1)])
    with pytest.raises(UserError, match="--at-once 2: with GPUs each has a cell; --device cpu leaves them alone"):
        LocalEngine("auto", 2).run([], tmp_path, {})


def test_memory_that_cells_at_work_will_take_is_spoken_for(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def notes(cell: Cell, device: str) -> dict[str, Any]:
        start = time.time()
        time.sleep(0.1)
        stub(cell, device)
        return {"from": start, "to": time.time()}

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    memory_of(monkeypatch, 10**13)
    use_stubs(monkeypatch, notes, report=stub)
    out = tmp_path / "out"
    for cell in plan.cells.values():
        cell.write(out)
    # one fits beside nothing, two don't fit together
    estimates = dict.fromkeys(plan.cells, Estimate(1.0, 6 * 10**12, 0))
    assert LocalEngine("cpu", 2).run(list(plan.cells.values()), out, estimates) == Outcome()
    found = [status.result for status in states(plan, out).values()]
    made = [each.result for each in found if each is not None and each.result is not None and "from" in each.result]
    assert made
    assert not any(overlap(one, two) for one in made for two in made if one is not two)


def test_a_cell_of_more_gpus_than_there_are_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plan: Plan
) -> None:
    monkeypatch.setattr(local, "gpus", lambda: [GPU("0", "a", 1, 1)])
    many = planned(tmp_path, SUITE.replace("sdm: {train", "sdm: {processes: 2, train"))
    assert outcome(many, tmp_path / "out").not_started[TRAIN] == "needs 2 GPUs; this machine has 1"
