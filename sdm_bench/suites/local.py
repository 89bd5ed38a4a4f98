"""The local engine: processes forked from one that has imported everything, as many at once as there are slots.

A slot is a GPU; without GPUs there is one with all cores, or as many as are asked for, with a share each. A cell that
crashes takes its own process along and nothing else; an engine that is killed takes its cells along.
"""

import ctypes
import gc
import os
import signal
import subprocess
import sys
import time
import warnings
from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say
from sdm_bench.base.signals import SIGNALS, ending_on_signals, exit_code, say_at_once
from sdm_bench.suites.cells import LOG_FILE, Cell
from sdm_bench.suites.engine import Outcome, cell_command, ended_by
from sdm_bench.suites.estimate import Estimate, keep_rate, spelled_bytes, spelled_seconds
from sdm_bench.suites.execute import FAILED, environment, execute, last_lines
from sdm_bench.suites.machine import free_memory, gpus, resident_memory
from sdm_bench.suites.results import Claimed, Result, failed, read_result
from sdm_bench.suites.work import modules_of

LINUX = sys.platform.startswith("linux")
DIES_WITH_PARENT = 1  # prctl's PR_SET_PDEATHSIG
# What a process ends with whose cell another process is at.
BUSY = 75


@dataclass
class Job:
    """A cell at work, the GPUs that it has (none: the cores), and when it started."""

    cell: Cell
    gpus: tuple[str, ...]
    started: float


class Waiting:
    """Cells that have not started, and for each those that it waits for, which are of the same run."""

    def __init__(self, cells: Sequence[Cell]):
        by_id = {cell.id: cell.name for cell in cells}
        self.cells = {cell.name: cell for cell in cells}
        self.ahead = {
            cell.name: {by_id[each] for each in cell.inputs.values() if each in by_id} - {cell.name} for cell in cells
        }
        self.behind: dict[str, list[str]] = {}
        for name, ahead in self.ahead.items():
            for each in ahead:
                self.behind.setdefault(each, []).append(name)
        self.number = {name: number for number, name in enumerate(self.cells)}
        # in the order of the plan, in which what is wanted first comes first
        self.ready = [name for name, ahead in self.ahead.items() if not ahead]

    def take(self, name: str) -> Cell:
        """A cell that starts, or won't."""
        self.ready.remove(name)
        return self.cells.pop(name)

    def ended(self, name: str) -> None:
        """Nothing waits for the cell any more, whatever became of it."""
        for each in self.behind.get(name, ()):
            self.ahead[each].discard(name)
            if not self.ahead[each] and each in self.cells:
                insort(self.ready, each, key=self.number.__getitem__)


@dataclass
class LocalEngine:
    """Cells in processes of this machine.

    device: as `--device` takes it; `cpu` leaves GPUs alone. at_once: cells without GPUs, which share the cores.
    """

    device: str = "auto"
    at_once: int = 1

    def run(self, cells: Sequence[Cell], out: Path, estimates: dict[str, Estimate]) -> Outcome:
        """Has the cells done, each once those are that it needs; what fails stops nothing but what needs it."""
        slots = self._slots()
        import_for(cells)
        return _Run(self.device, slots, Waiting(cells), out, estimates).run()

    def _slots(self) -> list[str | None]:
        """The numbers of the GPUs; None stands for a share of the cores. Raises UserError for shares that can't be."""
        found = [] if self.device in ("cpu", "mps") else gpus()
        if self.device.startswith("cuda:"):
            found = found[int(self.device[5:]) :][:1]
        cores = os.cpu_count() or 1
        if self.at_once > 1 and found:
            raise UserError(f"--at-once {self.at_once}: with GPUs each has a cell; --device cpu leaves them alone")
        if self.at_once > cores:
            raise UserError(f"--at-once {self.at_once}: this machine has {cores} cores")
        return [each.number for each in found] or [None] * self.at_once


@dataclass
class _Run:
    """One run of the engine: the slots that are free, the cells at work by process, and what is left."""

    device: str
    slots: list[str | None]
    waiting: Waiting
    out: Path
    estimates: dict[str, Estimate]
    outcome: Outcome = field(default_factory=Outcome)
    jobs: dict[int, Job] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.free = list(self.slots)
        self.count, self.done = len(self.waiting.cells), 0
        self.left = sum(self.estimates[name].seconds or 0 for name in self.waiting.cells)

    def run(self) -> Outcome:
        with self._stoppable():
            while self.jobs or (self.waiting.ready and not self.outcome.stopped_by):
                if not self.outcome.stopped_by:
                    self._start_what_fits()
                if self.jobs:
                    self._wait()
        if not self.outcome.stopped_by:
            assert not self.waiting.cells, "every cell waits for cells of its run that end"
        return self.outcome

    def _start_what_fits(self) -> None:
        for name in list(self.waiting.ready):
            if not self.free:
                return
            cell = self.waiting.cells[name]
            lacking = self._lacking(cell)
            if lacking:
                self._give_up(name, lacking)
                continue
            needed = 1 if None in self.slots else cell.processes
            given, lacking = self.free[:needed], self._does_not_fit(cell, needed)
            if not lacking:
                self.waiting.take(name)
                self.free = self.free[needed:]
                self._start(cell, tuple(each for each in given if each is not None))
            elif not self.jobs:
                self._give_up(name, lacking)

    def _give_up(self, name: str, reason: str) -> None:
        self.outcome.not_started[name] = reason
        self.waiting.take(name)
        self.waiting.ended(name)
        self.done += 1

    def _lacking(self, cell: Cell) -> str:
        """The result that a cell needs and that isn't there; a report takes what is there."""
        if cell.kind == "report":
            return ""
        for each in cell.inputs.values():
            found = read_result(self.out, each)
            if found is None or found.result is None:
                return f"needs {each.partition('/')[0]}, which {'failed' if found else 'was not done'}"
        return ""

    def _does_not_fit(self, cell: Cell, needed: int) -> str:
        """Why the free slots aren't enough for a cell; empty where they are."""
        if needed > len(self.free):
            return f"needs {needed} GPUs; this machine has {len(self.slots)}"
        memory = self.estimates[cell.name].memory
        if memory is None:
            return ""
        there = min(free_memory(each) for each in self.free[:needed]) - self._spoken_for()
        return "" if memory <= there else f"needs {spelled_bytes(memory)} of memory; {spelled_bytes(there)} are free"

    def _spoken_for(self) -> int:
        """Bytes of the machine's memory that the cells at work beside GPUs' will still take."""
        expected = {process: self.estimates[job.cell.name].memory for process, job in self.jobs.items() if not job.gpus}
        return sum(max(0, memory - resident_memory(process)) for process, memory in expected.items() if memory)

    def _start(self, cell: Cell, given: tuple[str, ...]) -> None:
        environment = {"CUDA_VISIBLE_DEVICES": ",".join(given)} if given else {}
        if self.slots.count(None) > 1:
            environment["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // len(self.slots)))
        device = "cuda" if given else self.device
        if cell.processes > 1 or not LINUX:
            process = _separate(cell, self.out, device, environment)
        else:
            process = _forked(lambda: execute(cell, self.out, device), environment)
        self.jobs[process] = Job(cell, given, time.monotonic())

    def _wait(self) -> None:
        """Waits for a process to end, and says what became of its cell."""
        process, status = os.waitpid(-1, 0)
        job = self.jobs.pop(process, None)
        if job is None:
            return
        name, code = job.cell.name, os.waitstatus_to_exitcode(status)
        self.free += [*job.gpus] or [None]
        self.done += 1
        self.left -= self.estimates[name].seconds or 0
        self._say(job, self._became(job.cell, code))
        self.waiting.ended(name)

    def _became(self, cell: Cell, code: int) -> Result | None:
        """The result of a cell whose process ended with `code`; None where it has none yet."""
        found = read_result(self.out, cell.id)
        if code == 0 or (code == FAILED and found is not None and not self.outcome.stopped_by):
            return found
        if code == BUSY:
            self.outcome.not_started[cell.name] = "another process is at work on it"
        elif code == UserError.exit_code:
            self.outcome.not_started[cell.name] = "refused, as said above"
        elif self.outcome.stopped_by or code in map(exit_code, SIGNALS):
            self.outcome.not_started[cell.name] = "stopped by a signal"
        else:
            return failed(self.out, cell, ended_by(code))
        return None

    def _say(self, job: Job, found: Result | None) -> None:
        cell, log = job.cell, self.out / job.cell.folder / LOG_FILE
        state = "not done" if found is None else "failed" if found.result is None else "done"
        spent = spelled_seconds(time.monotonic() - job.started)
        known = all(self.estimates[name].seconds is not None for name in self.waiting.cells)
        left = f", about {spelled_seconds(self.left)} left" if known and self.left > 0 else ""
        say(f"[{self.done}/{self.count}] {cell.name}: {state} in {spent}{left}")
        if found is not None and found.result is not None:
            keep_rate(cell, found)
        elif found is not None:
            say("\n".join([f"  {found.reason}", f"  {log}", *(f"  | {line}" for line in last_lines(log, 3))]))

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """A signal goes on to the cells at work, which save; nothing new starts."""
        owner = os.getpid()

        def stop(number: int, frame: Any) -> None:
            if os.getpid() != owner:
                return
            if not self.outcome.stopped_by:
                say_at_once("stopping once the cells at work have saved; press Ctrl-C again to stop at once")
            self.outcome.stopped_by = number
            for process in list(self.jobs):
                with suppress(ProcessLookupError):
                    os.killpg(process, number)

        before = {number: signal.signal(number, stop) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            for process in list(self.jobs):
                with suppress(ProcessLookupError):
                    os.killpg(process, signal.SIGKILL)


def import_for(cells: Sequence[Cell]) -> None:
    """Has, once for all cells, what they all need; on other systems than Linux each cell starts from nothing."""
    if not LINUX:
        return
    for module in dict.fromkeys(each for cell in cells for each in modules_of(cell)):
        import_module(module)
    environment()
    # what is there stays: collections in the cells' processes would only copy its pages
    gc.freeze()


def _forked(work: Callable[[], int], environment: dict[str, str]) -> int:
    """Does `work` in a process of its own, in a process group of its own; returns its number."""
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        # Python 3.12 warns of the sleeping threads of a library that handles forks itself
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process:
        with suppress(OSError):
            os.setpgid(process, process)
        return process
    code = 1
    try:
        os.setpgid(0, 0)
        _die_with(parent)
        os.environ |= environment
        if "OMP_NUM_THREADS" in environment and "torch" in sys.modules:
            # it was loaded before, and heeds the variable no more
            sys.modules["torch"].set_num_threads(int(environment["OMP_NUM_THREADS"]))
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        with ending_on_signals():
            code = work()
    except Claimed:
        code = BUSY
    except click.ClickException as error:
        say(error.message)
        code = error.exit_code
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException as error:
        say(f"{type(error).__name__}: {error}")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _die_with(parent: int) -> None:
    """Has the system end this process when its parent ends, however that comes about."""
    if LINUX:
        ctypes.CDLL(None).prctl(DIES_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _separate(cell: Cell, out: Path, device: str, environment: dict[str, str]) -> int:
    """Starts a cell as a program: under torchrun where it has several processes."""
    parent = os.getpid()
    made = subprocess.Popen(
        cell_command(cell, out, device),
        env={**os.environ, **environment},
        process_group=0,
        preexec_fn=lambda: _die_with(parent),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    made.returncode = 0  # `run` waits for it by its number
    return made.pid
