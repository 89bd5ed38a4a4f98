"""The one training loop: steps until a number or a time is reached, resumable at any checkpoint."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import torch

from sdm_bench.errors import UserError
from sdm_bench.files import write_png
from sdm_bench.progress import say, track
from sdm_bench.training.batches import Batch, Draws, stream
from sdm_bench.training.objective import Objective
from sdm_bench.training.runs import TrainingRun

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch.utils.tensorboard import SummaryWriter

MakeGrid = Callable[[Objective], np.ndarray]
"""A picture (H, W, 3) of what the objective makes at present."""


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


def make_accelerator(device: str, precision: str, adversarial: bool = False) -> "Accelerator":
    """The processes and device of this run; under torchrun, one of several.

    adversarial: some parameters have no part in some steps (encoders, layers that the authors never use), and a
    discriminator may run several times before its gradients are taken.
    """
    from accelerate import Accelerator, DistributedDataParallelKwargs

    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: no CUDA device here; expected cpu or auto")
    on_cpu = device == "cpu" or not torch.cuda.is_available()
    parallel = DistributedDataParallelKwargs(find_unused_parameters=adversarial, broadcast_buffers=not adversarial)
    accelerator = Accelerator(cpu=on_cpu, mixed_precision=precision, kwargs_handlers=[parallel])
    assert accelerator.num_processes == int(os.environ.get("WORLD_SIZE", "1"))
    return accelerator


def train(
    run: TrainingRun,
    objective: Objective,
    draws: Draws,
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
    latest = run.latest()
    state = run.state()
    if latest is not None:
        objective.restore(latest)
        say(f"resuming {run.folder} at step {state['step']}")

    def refresh(step: int) -> None:
        last = objective.statistics_batches
        start = max(0, step * accumulate - last)
        batches = stream(draws, batch_size, start, rank=0, world_size=1, workers=0)
        objective.refresh(batch.to(accelerator.device) for batch in islice(batches, last))

    loop = _Loop(run, objective, options, accelerator, make_grid, refresh, state["step"], state["seconds"])
    if loop.finished():
        return loop.step
    batches = stream(
        draws,
        batch_size,
        start=loop.step * accumulate,
        rank=accelerator.process_index,
        world_size=accelerator.num_processes,
        workers=options.workers,
    )
    with _stop_requests() as stop:
        for _ in track(loop.steps(batches, accumulate, stop), "training", options.steps, loop.step, "steps"):
            pass
    loop.save()
    if stop.requested:
        raise Interrupted(f"stopped at step {loop.step}; the same command resumes")
    return loop.step


class _Loop:
    """The changing part of a training: step count, time, sums since the last line of statistics."""

    def __init__(
        self,
        run: TrainingRun,
        objective: Objective,
        options: LoopOptions,
        accelerator: "Accelerator",
        make_grid: MakeGrid | None,
        refresh: Callable[[int], None],
        step: int,
        seconds: float,
    ):
        self.run, self.objective, self.options = run, objective, options
        self.accelerator, self.make_grid, self.refresh = accelerator, make_grid, refresh
        self.step, self.seconds, self.before = step, seconds, seconds
        self.started = time.monotonic()
        self.sums: dict[str, float] = {}
        self.counted, self.counted_from = 0, self.started
        self.saved = step
        run.forget_after(step)
        self.writer = _summary_writer(run, step) if accelerator.is_main_process else None

    def finished(self) -> bool:
        options = self.options
        enough = options.steps is not None and self.step >= options.steps
        return enough or (options.budget_minutes is not None and self.seconds >= 60 * options.budget_minutes)

    def steps(self, batches: Iterator[Batch], accumulate: int, stop: "_Stop") -> Iterator[int]:
        while not self.finished() and not stop.requested:
            micro = [next(batches).to(self.accelerator.device) for _ in range(accumulate)]
            figures = self.objective.step(micro, self.step / (self.options.steps or float("inf")))
            self.step += 1
            # read once a step, so that the budget ends by the very number that is saved
            self.seconds = self.before + time.monotonic() - self.started
            self._count(figures)
            if self.step % self.options.log_every == 0:
                self._log()
            if self.step % self.options.save_every == 0:
                self.save()
            if self.step % self.options.grid_every == 0:
                self._draw()
            yield self.step

    def _count(self, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.counted += 1

    def _log(self) -> None:
        mine = torch.tensor([value / self.counted for value in self.sums.values()], device=self.accelerator.device)
        means = dict(zip(self.sums, self.accelerator.reduce(mine, "mean").tolist(), strict=True))
        rate = self.counted / (time.monotonic() - self.counted_from)
        self.sums, self.counted, self.counted_from = {}, 0, time.monotonic()
        if self.writer is None:
            return
        self.run.log(
            {"step": self.step, "seconds": round(self.seconds, 1), "steps_per_second": round(rate, 3), **means}
        )
        for name, value in means.items():
            self.writer.add_scalar(name, value, self.step)

    def save(self) -> None:
        if self.step > self.saved and self.accelerator.is_main_process:
            if self.objective.statistics_batches:
                self.refresh(self.step)
            self.objective.save(self.run.checkpoints, self.step, {"seconds": self.seconds})
        self.saved = self.step
        self.accelerator.wait_for_everyone()

    def _draw(self) -> None:
        if self.make_grid is None or self.writer is None:
            return
        picture = self.make_grid(self.objective)
        write_png(self.run.folder / "grids" / f"step-{self.step:08d}.png", picture)
        self.writer.add_image("samples", picture, self.step, dataformats="HWC")


def _summary_writer(run: TrainingRun, step: int) -> "SummaryWriter":
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(run.folder / "tensorboard"), purge_step=step)


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
