"""What a job of Slurm does with its cell when a signal comes or the cell dies; a script stands for scontrol."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sdm_bench.suites.cells import Cell
from sdm_bench.suites.results import read_result
from sdm_bench.suites.slurm_job import NO_PROGRESS
from sdm_bench.suites.slurm_queue import write_array
from tests.several import Ended, ended, start
from tests.suites.test_slurm_options import program


def cell(pieces: int, seconds: float) -> Cell:
    options = {"pieces": pieces, "seconds": seconds}
    return Cell("data", "data.a", options, {"options": options})


def job(folder: Path, task: Cell) -> subprocess.Popen:
    """The second task of array 7."""
    out = folder / "out"
    task.write(out)
    array = write_array(out, "data", [task, task])
    program(folder, "scontrol", f'echo "$@" >> {folder}/asked')
    return start(
        ["-m", "sdm_bench.suites.slurm_job", str(array), "cpu", "tests.suites.slurm_stubs"],
        PATH=f"{folder}:{os.environ['PATH']}", SLURM_ARRAY_JOB_ID="7", SLURM_ARRAY_TASK_ID="1",
    )  # fmt: skip


def signalled(process: subprocess.Popen, number: signal.Signals, holds: Callable[[], bool]) -> Ended:
    end = time.monotonic() + 100
    while not holds():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(number)
    return ended([process], 100)[0]


def test_before_its_time_limit_a_cell_saves_and_its_job_is_queued_again(tmp_path: Path) -> None:
    task = cell(20, 0.1)
    folder = tmp_path / "out" / task.work_folder
    found = signalled(job(tmp_path, task), signal.SIGUSR1, (folder / "1.txt").is_file)
    assert found.code == 143
    assert "its time is up; the cell saves\n" in found.err
    # of an array's tasks this one alone
    assert (tmp_path / "asked").read_text() == "requeue 7_1\n"
    assert read_result(tmp_path / "out", task.id) is None
    assert not (folder / "19.txt").exists()
    assert ended([job(tmp_path, task)], 100)[0].code == 0
    assert (folder / "19.txt").is_file()


def test_a_cell_that_saved_nothing_in_its_time_fails(tmp_path: Path) -> None:
    task = cell(1, 60)
    folder = tmp_path / "out" / task.work_folder
    found = signalled(job(tmp_path, task), signal.SIGUSR1, folder.is_dir)
    assert found.code == 1
    result = read_result(tmp_path / "out", task.id)
    assert result is not None
    assert result.result is None
    assert result.reason == NO_PROGRESS
    assert not (tmp_path / "asked").exists()


def test_a_cancelled_job_is_not_queued_again(tmp_path: Path) -> None:
    task = cell(1, 60)
    folder = tmp_path / "out" / task.work_folder
    found = signalled(job(tmp_path, task), signal.SIGTERM, folder.is_dir)
    assert found.code == 143
    assert found.err.splitlines()[-1] == "not done: ended with exit code 143"
    assert read_result(tmp_path / "out", task.id) is None
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    ("pieces", "reason"), [(0, "killed by SIGKILL; was there enough memory?"), (-1, "no such number of pieces")]
)
def test_a_cell_that_dies_or_fails_says_why(tmp_path: Path, pieces: int, reason: str) -> None:
    task = cell(pieces, 0.1)
    assert ended([job(tmp_path, task)], 100)[0].code != 0
    result = read_result(tmp_path / "out", task.id)
    assert result is not None
    assert result.reason == reason
