"""The one training loop: steps until a number or a time is reached, resumable at any checkpoint."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import torch

from sdm_bench.base.files import write_png, write_text
from sdm_bench.base.progress import say, track
from sdm_bench.checkpoints.runs import TrainingRun
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

    steps: total number of steps. budget_minutes: total training time, resumed runs added up. At least one is given.
    """

    steps: int | None
    budget_minutes: float | None = None
    log_every: int = 50
    save_every: int = 1000
    grid_every: int = 1000
    workers: int = 0
    device: str = "auto"
    gradient_checkpointing: bool = False


class Interrupted(click.ClickException):
    """Training stopped early on the user's wish, after saving. Exit code 130, as shells have it for Ctrl-C."""

    exit_code = 130


def train(
    run: TrainingRun,
    objective: Objective,
    stream: TrainingStream,
    batch_size: int,
    accumulate: int,
    options: LoopOptions,
    accelerator: "Accelerator",
    make_grid: MakeGrid | None = None,
) -> int:
    """Trains from the newest checkpoint of `run` on; returns the number of steps done in all.

    Raises Interrupted after saving when the user stops it (Ctrl-C finishes the step in hand first).
    """
    objective.prepare(accelerator)
    latest, state = run.latest(), run.state()
    if latest is not None:
        objective.restore(latest)
        say(f"resuming {run.folder} at step {state['step']}")
    loop = _Loop(
        run, objective, stream, batch_size, accumulate, options, accelerator, make_grid, state["step"], state["seconds"]
    )
    if loop.finished():
        return loop.step
    with _stop_requests() as stop:
        for _ in track(loop.steps(stop), "training", options.steps, loop.step, "steps"):
            pass
    loop.save()
    if stop.requested:
        raise Interrupted(f"stopped at step {loop.step}; the same command resumes")
    return loop.step


@dataclass
class _Loop:
    """The changing part of a training: steps and seconds done, and the scalars since the last line of statistics."""

    run: TrainingRun
    objective: Objective
    stream: TrainingStream
    batch_size: int
    accumulate: int
    options: LoopOptions
    accelerator: "Accelerator"
    make_grid: MakeGrid | None
    step: int
    seconds: float
    sums: dict[str, float] = field(default_factory=dict)
    counted: int = 0

    def __post_init__(self) -> None:
        self.saved, self.before = self.step, self.seconds
        self.started = self.counted_from = time.monotonic()
        self.writer: SummaryWriter | None = None
        if self.accelerator.is_main_process:
            from torch.utils import tensorboard

            _forget_after(self.run.folder / STATS_FILE, self.step)
            self.writer = tensorboard.SummaryWriter(str(self.run.folder / "tensorboard"), purge_step=self.step)

    def finished(self) -> bool:
        options = self.options
        enough = options.steps is not None and self.step >= options.steps
        return enough or (options.budget_minutes is not None and self.seconds >= 60 * options.budget_minutes)

    def steps(self, stop: "_Stop") -> Iterator[int]:
        options, accelerator = self.options, self.accelerator
        batches = self.stream.batches(
            self.batch_size,
            start=self.step * self.accumulate,
            rank=accelerator.process_index,
            world_size=accelerator.num_processes,
            workers=options.workers,
            device=accelerator.device,
        )
        while not self.finished() and not stop.requested:
            accumulated = [next(batches) for _ in range(self.accumulate)]
            scalars = self.objective.step(accumulated, self.step / (options.steps or float("inf")))
            self.step += 1
            # read once a step, so that the budget ends by the very number that is saved
            self.seconds = self.before + time.monotonic() - self.started
            for name, value in scalars.items():
                self.sums[name] = self.sums.get(name, 0.0) + value
            self.counted += 1
            if self.step % options.log_every == 0:
                self._log()
            if self.step % options.save_every == 0:
                self.save()
            if self.step % options.grid_every == 0:
                self._draw()
            yield self.step

    def _log(self) -> None:
        mine = torch.tensor([value / self.counted for value in self.sums.values()], device=self.accelerator.device)
        means = dict(zip(self.sums, self.accelerator.reduce(mine, "mean").tolist(), strict=True))
        rate = self.counted / (time.monotonic() - self.counted_from)
        self.sums, self.counted, self.counted_from = {}, 0, time.monotonic()
        if self.writer is None:
            return
        line = {"step": self.step, "seconds": round(self.seconds, 1), "steps_per_second": round(rate, 3), **means}
        with (self.run.folder / STATS_FILE).open("a", encoding="utf-8") as stats:
            stats.write(json.dumps(line) + "\n")
        for name, value in means.items():
            self.writer.add_scalar(name, value, self.step)

    def save(self) -> None:
        if self.step > self.saved and self.accelerator.is_main_process:
            count = self.objective.batch_norm_batches
            if count:
                start = max(0, self.step * self.accumulate - count)
                batches = self.stream.batches(self.batch_size, start, device=self.accelerator.device)
                self.objective.recalibrate_batch_norm(islice(batches, count))
            self.objective.save(self.run.checkpoints, self.step, {"seconds": self.seconds})
        self.saved = self.step
        self.accelerator.wait_for_everyone()

    def _draw(self) -> None:
        if self.make_grid is None or self.writer is None:
            return
        picture = self.make_grid(self.objective)
        write_png(self.run.folder / "grids" / f"step-{self.step:08d}.png", picture)
        self.writer.add_image("samples", picture, self.step, dataformats="HWC")


def _forget_after(stats: Path, step: int) -> None:
    """Removes statistics of steps that a kill has undone, and a line that it cut short."""
    if not stats.is_file():
        return

    def step_of(line: str) -> float:
        try:
            return json.loads(line)["step"]
        except (json.JSONDecodeError, KeyError):
            return float("inf")

    lines = [line for line in stats.read_text(encoding="utf-8").splitlines() if step_of(line) <= step]
    write_text(stats, "".join(f"{line}\n" for line in lines))


@dataclass
class _Stop:
    requested: bool = False


@contextmanager
def _stop_requests() -> Iterator[_Stop]:
    """Turns the first Ctrl-C or SIGTERM into a request that the loop sees between steps; a second one interrupts."""
    stop = _Stop()

    def request(number: int, frame: Any) -> None:
        if stop.requested:
            raise KeyboardInterrupt
        stop.requested = True
        say("stopping after this step; press Ctrl-C again to stop at once")

    previous = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
