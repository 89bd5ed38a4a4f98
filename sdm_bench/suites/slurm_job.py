"""What runs in a job of Slurm: `python -m sdm_bench.suites.slurm_job ARRAY-FOLDER DEVICE PROGRAM`, a task a cell.

The cell is a process of its own. Before the time limit Slurm sends SIGUSR1: the cell saves and ends, and its job is
queued again. On SIGTERM, of a preemption or of scancel, it saves and ends; Slurm itself queues a preempted job again.
"""

import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say
from sdm_bench.base.signals import SIGNALS, exit_code, say_at_once
from sdm_bench.suites.cells import read_cell
from sdm_bench.suites.engine import cell_command, ended_by
from sdm_bench.suites.results import BETWEEN_SIGNS, WITHOUT_SIGN, claimant, failed, read_result
from sdm_bench.suites.slurm_queue import cells_of

NO_PROGRESS = "its time limit came before anything was saved; give it more time"


class Job:
    """A task of an array, and what has been asked of it. code: what the process ends with."""

    def __init__(self, folder: Path, device: str, program: str):
        self.out = folder.parent.parent
        self.cell = read_cell(self.out, cells_of(folder)[int(os.environ["SLURM_ARRAY_TASK_ID"])])
        self.id = f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
        self.command = cell_command(self.cell, self.out, device, program)
        self.process: subprocess.Popen[bytes] | None = None
        self.time_is_up = self.stopped = False
        signal.signal(signal.SIGUSR1, self._stop)
        signal.signal(signal.SIGTERM, self._stop)

    def run(self) -> int:
        """Does the cell; returns the exit code: of the cell, or 0 where another job has done it."""
        restarts = int(os.environ.get("SLURM_RESTART_COUNT", "0"))
        say(f"{time.strftime('%Y-%m-%d %H:%M:%S')} job {self.id} on {_node()}, start {restarts + 1}")
        self._wait_for_claims()
        before = read_result(self.out, self.cell.id)
        if before is not None and before.result is not None and restarts:
            say("done already")
            return 0
        marks = self._marks()
        code = self._do()
        after = read_result(self.out, self.cell.id)
        if after is not None and (before is None or after.ended != before.ended):
            return code
        if self.time_is_up:
            if self._marks() == marks:
                failed(self.out, self.cell, NO_PROGRESS)
                return 1
            self._queue_again()
        elif self.stopped or code in map(exit_code, SIGNALS):
            say(f"not done: ended with exit code {code}")
        elif code != UserError.exit_code:  # which the cell has explained
            failed(self.out, self.cell, ended_by(code))
        return code or 1

    def _do(self) -> int:
        if self.time_is_up or self.stopped:
            return exit_code(signal.SIGTERM)
        self.process = subprocess.Popen(self.command)
        if self.time_is_up or self.stopped:
            self.process.terminate()
        return self.process.wait()

    def _stop(self, number: int, frame: Any) -> None:
        say_at_once(f"{'its time is up' if number == signal.SIGUSR1 else 'asked to end'}; the cell saves")
        self.time_is_up |= number == signal.SIGUSR1
        self.stopped |= number == signal.SIGTERM
        if self.process is not None:
            self.process.terminate()

    def _wait_for_claims(self) -> None:
        """Waits until a process on a node that died no longer counts as being at work on the cell."""
        end = time.monotonic() + WITHOUT_SIGN + BETWEEN_SIGNS
        while claimant(self.out, self.cell.id) and time.monotonic() < end and not (self.time_is_up or self.stopped):
            time.sleep(1)

    def _marks(self) -> tuple[int, int]:
        """How many files the cell has, and when one was last written."""
        times = [each.stat().st_mtime_ns for each in (self.out / self.cell.work_folder).rglob("*") if each.is_file()]
        return len(times), max(times, default=0)

    def _queue_again(self) -> None:
        # the number of the first task alone would mean the whole array
        asked = subprocess.run(["scontrol", "requeue", self.id], capture_output=True, text=True, check=False)
        say("queued again" if asked.returncode == 0 else f"not queued again: {asked.stderr.strip()}")


def _node() -> str:
    return os.environ.get("SLURMD_NODENAME", platform.node())


if __name__ == "__main__":
    sys.exit(Job(Path(sys.argv[1]), *sys.argv[2:4]).run())
