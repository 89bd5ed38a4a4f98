"""The one training loop: steps until a number or a time is reached, resumable at any checkpoint.

On several processes all take the same steps: after each they agree on whether to go on, the first process's clock being
the one that counts, and what one raises in between all raise. CPU time is that of all of them.
"""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_png, write_text
from sdm_bench.base.finite import NotFinite, named
from sdm_bench.base.processes import agreed, decided, exchanged, is_first, losses_named, rank_and_count
from sdm_bench.base.progress import say, track
from sdm_bench.base.signals import StopRequest, exit_code, stop_requests
from sdm_bench.checkpoints.runs import TrainingRun, last_good
from sdm_bench.training.batches import TrainingStream
from sdm_bench.training.objective import Objective

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch.utils.tensorboard import SummaryWriter

STATS_FILE = "stats.jsonl"

# A picture (H, W, 3) of what the objective makes at present.
MakeGrid = Callable[[Objective], np.ndarray]


@dataclass(frozen=True)
class LoopOptions:
    """How long a run goes on, and how often it writes; none of it changes what a step does.

    steps: total number of steps. budget_minutes: total training time, resumed runs added up. core_budget_minutes: the
    same of CPU time, over all threads and processes. At least one is given, and one budget at most.
    """

    steps: int | None
    budget_minutes: float | None = None
    core_budget_minutes: float | None = None
    log_every: int = 50
    save_every: int = 1000
    grid_every: int = 1000
    workers: int = 0
    device: str = "auto"
    gradient_checkpointing: bool = False


class Interrupted(click.ClickException):
    """Training stopped early on the user's wish, after saving. Exit code 130 after Ctrl-C, 143 after SIGTERM."""

    def __init__(self, message: str, signal_number: int):
        super().__init__(message)
        self.exit_code = exit_code(signal_number)  # type: ignore[misc]


@dataclass
class Spent:
    """What a training has taken so far, resumed runs added up.

    core_seconds: CPU time of all threads and processes, loaders' excepted; None of a run that an older version started
    without counting it.
    """

    step: int
    seconds: float
    core_seconds: float | None


# What was spent at the start of a step -> the share of the learning rate's schedule that is over.
Progress = Callable[[Spent], float]


def train(
    run: TrainingRun,
    objective: Objective,
    stream: TrainingStream,
    batch_size: int,
    accumulate: int,
    options: LoopOptions,
    accelerator: "Accelerator",
    progress: Progress,
    make_grid: MakeGrid | None = None,
) -> int:
    """Trains from the newest whole checkpoint of `run` on; returns the number of steps done in all.

    Raises Interrupted after saving when the user stops it (Ctrl-C finishes the step in hand first), NotFinite without
    saving when a loss or a weight is NaN or Inf, and UserError where CPU time that is asked for can't be counted.
    """
    objective.prepare(accelerator)
    latest, state = decided(run.resume)
    if latest is not None:
        objective.restore(latest)
        if is_first():
            say(f"resuming {run.folder} at step {state['step']}")
    spent = Spent(state["step"], state["seconds"], state.get("core_seconds"))
    _refuse_uncounted(options, spent, run)
    loop = _Loop(
        run,
        objective,
        stream,
        batch_size,
        accumulate,
        options,
        accelerator,
        progress,
        make_grid,
        spent,
    )
    with losses_named(), stop_requests() as stop:
        loop.draw_missing()
        if loop.finished():
            return spent.step
        steps = loop.steps(stop)
        for _ in track(steps, "training", options.steps, spent.step, "steps", loop.losses, loop.seconds_left):
            pass
        loop.save()
    if loop.stopped_by:
        raise Interrupted(f"stopped at step {spent.step}; the same command resumes", loop.stopped_by)
    return spent.step


def _refuse_uncounted(options: LoopOptions, spent: Spent, run: TrainingRun) -> None:
    """Raises UserError where a budget of CPU time is asked for that leaves some of it uncounted."""
    if options.core_budget_minutes is None:
        return
    if options.workers:
        raise UserError(
            f"--core-budget with --workers {options.workers}: the CPU time of loader processes is not counted; "
            "expected --workers 0"
        )
    if spent.core_seconds is None:
        raise UserError(
            f"--core-budget: an older version started {run.folder} without counting its CPU time; expected --budget"
        )


@dataclass
class _Loop:
    """The changing part of a training: what was spent, and the scalars since the last line of statistics."""

    run: TrainingRun
    objective: Objective
    stream: TrainingStream
    batch_size: int
    accumulate: int
    options: LoopOptions
    accelerator: "Accelerator"
    progress: Progress
    make_grid: MakeGrid | None
    spent: Spent
    sums: dict[str, float] = field(default_factory=dict)
    counted: int = 0
    means: dict[str, float] = field(default_factory=dict)
    stopped_by: int = 0

    def __post_init__(self) -> None:
        self.saved, self.before = self.spent.step, replace(self.spent)
        self.started = self.counted_from = time.monotonic()
        self.core_started = time.process_time()
        self.steps_from = self.spent.step
        self.writer: SummaryWriter | None = None
        decided(self._open_statistics)

    def _open_statistics(self) -> None:
        from torch.utils import tensorboard

        _forget_after(self.run.folder / STATS_FILE, self.spent.step)
        self.writer = tensorboard.SummaryWriter(str(self.run.folder / "tensorboard"), purge_step=self.spent.step)

    def finished(self) -> bool:
        """By what all processes have agreed on last, or have from the checkpoint."""
        options, spent = self.options, self.spent
        limits = (
            (spent.step, options.steps, 1),
            (spent.seconds, options.budget_minutes, 60),
            (spent.core_seconds or 0.0, options.core_budget_minutes, 60),
        )
        return any(limit is not None and there >= unit * limit for there, limit, unit in limits)

    def losses(self) -> str:
        """The losses of the newest line of statistics; before there is one, their means so far in this process."""
        means = self.means or {name: value / self.counted for name, value in self.sums.items()}
        return ", ".join(f"{name} {value:.4g}" for name, value in means.items())

    def seconds_left(self) -> float | None:
        """Until the first budget ends, at the rate so far; None without one."""
        options, spent, before = self.options, self.spent, self.before
        left = []
        if options.budget_minutes is not None:
            left.append(60 * options.budget_minutes - spent.seconds)
        if options.core_budget_minutes is not None and spent.core_seconds and before.core_seconds is not None:
            used = max(spent.core_seconds - before.core_seconds, 1e-6)
            more = 60 * options.core_budget_minutes - spent.core_seconds
            left.append(more * (spent.seconds - before.seconds) / used)
        return min(left, default=None)

    def steps(self, stop: StopRequest) -> Iterator[int]:
        options, accelerator = self.options, self.accelerator
        batches = self.stream.batches(
            self.batch_size,
            start=self.spent.step * self.accumulate,
            rank=accelerator.process_index,
            world_size=accelerator.num_processes,
            workers=options.workers,
            device=accelerator.device,
        )
        while not self.finished() and not self.stopped_by:
            accumulated = [next(batches) for _ in range(self.accumulate)]
            scalars = self.objective.step(accumulated, self.progress(self.spent))
            self.spent.step += 1
            self._agree(stop, scalars)
            for name, value in scalars.items():
                self.sums[name] = self.sums.get(name, 0.0) + value
            self.counted += bool(scalars)
            if self.spent.step % options.log_every == 0:
                self._log()
            if self.spent.step % options.save_every == 0:
                self.save()
            if self.spent.step % options.grid_every == 0:
                decided(self._draw)
            yield self.spent.step

    def _agree(self, stop: StopRequest, scalars: dict[str, float]) -> None:
        """What all processes must know alike after a step: time, stop requests, and whether a loss was NaN or Inf.

        Raises NotFinite. Clocks are read once a step, so that a budget ends by the very number that is saved.
        """
        wrong = {name: value for name, value in scalars.items() if not math.isfinite(value)}
        seconds = self.before.seconds + time.monotonic() - self.started if is_first() else 0.0
        rank, processes = rank_and_count()
        # the largest of each place, where every process has one of its own, is what each of them has used
        used = [0.0] * processes
        used[rank] = time.process_time() - self.core_started
        self.spent.seconds, number, diverged, *everywhere_used = agreed([seconds, stop.number, bool(wrong), *used])
        if self.before.core_seconds is not None:
            self.spent.core_seconds = self.before.core_seconds + sum(everywhere_used)
        self.stopped_by = int(number)
        if diverged:
            everywhere = exchanged((wrong, self.objective.suspects if wrong else []))
            losses = {name: value for found, _ in everywhere for name, value in found.items()}
            values = ", ".join(f"{name} {value}" for name, value in losses.items())
            suspects = named([each for _, suspected in everywhere for each in suspected])
            raise NotFinite(
                f"step {self.spent.step}: {values}, with the examples {suspects}; nothing of it is kept, "
                f"{last_good(self.run.checkpoints)}"
            )

    def _log(self) -> None:
        means: dict[str, float] = {}
        if self.sums:
            mine = torch.tensor([value / self.counted for value in self.sums.values()], device=self.accelerator.device)
            means = dict(zip(self.sums, self.accelerator.reduce(mine, "mean").tolist(), strict=True))
        self.means = means
        step = self.spent.step
        rate = (step - self.steps_from) / (time.monotonic() - self.counted_from)
        self.sums, self.counted, self.counted_from, self.steps_from = {}, 0, time.monotonic(), step
        if self.writer is None:
            return
        line = {"step": step, "seconds": round(self.spent.seconds, 1), "steps_per_second": round(rate, 3), **means}
        with (self.run.folder / STATS_FILE).open("a", encoding="utf-8") as stats:
            stats.write(json.dumps(line) + "\n")
        for name, value in means.items():
            self.writer.add_scalar(name, value, step)

    def save(self) -> None:
        """Saves what is not saved yet, while the other processes wait."""
        if self.spent.step > self.saved:
            decided(self._save)
        self.saved = self.spent.step

    def _save(self) -> None:
        count = self.objective.batch_norm_batches
        if count:
            start = max(0, self.spent.step * self.accumulate - count)
            batches = self.stream.batches(self.batch_size, start, device=self.accelerator.device)
            self.objective.recalibrate_batch_norm(islice(batches, count))
        counted = {} if self.spent.core_seconds is None else {"core_seconds": self.spent.core_seconds}
        self.objective.save(self.run.checkpoints, self.spent.step, {"seconds": self.spent.seconds, **counted})

    def draw_missing(self) -> None:
        """Draws the grid of the step that is resumed, where a kill came between saving and drawing it."""
        if self.spent.step and self.spent.step % self.options.grid_every == 0:
            decided(lambda: None if self._grid_file().is_file() else self._draw())

    def _grid_file(self) -> Path:
        return self.run.folder / "grids" / f"step-{self.spent.step:08d}.png"

    def _draw(self) -> None:
        if self.make_grid is None or self.writer is None:
            return
        picture = self.make_grid(self.objective)
        write_png(self._grid_file(), picture)
        self.writer.add_image("samples", picture, self.spent.step, dataformats="HWC")


def _forget_after(stats: Path, step: int) -> None:
    """Removes statistics of steps that a kill has undone, and a last line that it cut short; says which others go."""
    if not stats.is_file():
        return
    lines = stats.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [_step_of(line) for line in lines]
    unreadable = [str(number) for number, each in enumerate(found[:-1], 1) if each is None]
    if unreadable:
        say(f"{stats}: not the statistics of a step, and removed: line {', '.join(unreadable)}")
    kept = [line for line, each in zip(lines, found, strict=True) if each is not None and each <= step]
    write_text(stats, "".join(f"{line}\n" for line in kept))


def _step_of(line: str) -> float | None:
    """The step that a line of statistics is of; None where it is no such line."""
    try:
        found = json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, int | float) else None
