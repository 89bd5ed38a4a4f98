"""The local engine: processes forked from one that has imported everything, as many at once as there are slots.

A slot is a GPU; without GPUs there is one with all cores, or as many as are asked for, with a share each. A cell that
crashes takes its own process along and nothing else; an engine that is killed takes its cells along.
"""

import gc
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say, spelled_seconds
from sdm_bench.base.signals import SIGNALS, exit_code, say_at_once
from sdm_bench.suites.cells import LOG_FILE, Cell
from sdm_bench.suites.engine import Outcome, ended_by
from sdm_bench.suites.estimate import Estimate, keep_rate, spelled_bytes
from sdm_bench.suites.execute import FAILED, environment, last_lines
from sdm_bench.suites.machine import free_memory, gpus, resident_memory
from sdm_bench.suites.results import Result, failed, read_result
from sdm_bench.suites.waiting import Waiting
from sdm_bench.suites.work import modules_of
from sdm_bench.suites.workers import BUSY, LINUX, Worker, start_worker


@dataclass
class Job:
    """A cell at work, who does it, the GPUs that it has (none: the cores), and when it started."""

    cell: Cell
    worker: Worker
    gpus: tuple[str, ...]
    started: float


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
    """One run of the engine: the slots that are free, the cells at work by their workers' lines, and what is left.

    idle: workers without GPUs that ask for another cell.
    """

    device: str
    slots: list[str | None]
    waiting: Waiting
    out: Path
    estimates: dict[str, Estimate]
    outcome: Outcome = field(default_factory=Outcome)
    jobs: dict[Connection, Job] = field(default_factory=dict)
    idle: list[Worker] = field(default_factory=list)

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
        beside = [job for job in self.jobs.values() if not job.gpus]
        expected = [(job.worker.process, self.estimates[job.cell.name].memory) for job in beside]
        return sum(max(0, memory - resident_memory(process)) for process, memory in expected if memory)

    def _start(self, cell: Cell, given: tuple[str, ...]) -> None:
        environment = {"CUDA_VISIBLE_DEVICES": ",".join(given)} if given else {}
        if self.slots.count(None) > 1:
            environment["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // len(self.slots)))
        device = "cuda" if given else self.device
        worker = self._idle_one(cell) or start_worker(cell, self.out, device, environment, keep=not given)
        self.jobs[worker.line] = Job(cell, worker, given, time.monotonic())

    def _idle_one(self, cell: Cell) -> Worker | None:
        """A worker that is there already and has been given the cell."""
        while self.idle and cell.processes == 1:
            worker = self.idle.pop()
            if worker.give(cell):
                return worker
        return None

    def _wait(self) -> None:
        """Waits for what becomes of cells at work, and says it."""
        for line in wait([*self.jobs]):
            assert isinstance(line, Connection)
            self._end(self.jobs.pop(line))

    def _end(self, job: Job) -> None:
        name = job.cell.name
        code, asks = job.worker.result()
        if asks:
            self.idle.append(job.worker)
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
            for job in list(self.jobs.values()):
                job.worker.signal(number)

        before = {number: signal.signal(number, stop) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            for job in self.jobs.values():
                job.worker.signal(signal.SIGKILL)
            for worker in self.idle:
                worker.dismiss()


def import_for(cells: Sequence[Cell]) -> None:
    """Has, once for all cells, what they all need; on other systems than Linux each cell starts from nothing."""
    if not LINUX:
        return
    for module in dict.fromkeys(each for cell in cells for each in modules_of(cell)):
        import_module(module)
    environment()
    # what is there stays: collections in the cells' processes would only copy its pages
    gc.freeze()
