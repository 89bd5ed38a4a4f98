"""What a training step spends on its network, and what on everything else: reading, noise, optimizer, average."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import track
from sdm_bench.datasets.base import size_at
from sdm_bench.datasets.known_datasets import dataset_class, open_dataset
from sdm_bench.toy import write_toy
from sdm_bench.training.batches import TrainingStream
from sdm_bench.training.objective import Objective
from sdm_bench.training.recipes import make_accelerator, make_objective, resolve

# network: forward and backward passes of all trained modules, and of a perceptual loss. rest: noise, timesteps, losses.
NETWORK = "network"
PARTS = (NETWORK, "reading", "optimizer", "average", "rest")
FEWEST_SCENES = 8


class Stopwatch:
    """Seconds by part, by the clock and of this process's CPU time; inside another part only the inner one's go on."""

    def __init__(self, device: torch.device):
        self.device = device
        self.running: list[str] = []
        self.since = (0.0, 0.0)
        self.reset()

    def reset(self) -> None:
        """Forgets all seconds."""
        self.seconds = dict.fromkeys(PARTS, (0.0, 0.0))

    def start(self, part: str) -> None:
        """From now on the seconds are those of `part`."""
        self._charge()
        self.running.append(part)

    def stop(self) -> None:
        """From now on they are again those of the part that ran before."""
        self._charge()
        self.running.pop()

    def _charge(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        now = time.perf_counter(), time.process_time()
        if self.running:
            clock, cpu = self.seconds[self.running[-1]]
            self.seconds[self.running[-1]] = clock + now[0] - self.since[0], cpu + now[1] - self.since[1]
        self.since = now

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What the block takes is that of the part `name`."""
        self.start(name)
        try:
            yield
        finally:
            self.stop()

    def timed(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """The same function, whose calls are of the part `name`."""

        def call(*arguments: Any, **options: Any) -> Any:
            with self.part(name):
                return function(*arguments, **options)

        return call


def watch(objective: Objective, stopwatch: Stopwatch) -> None:
    """Has a prepared objective's step tell the stopwatch what it does."""
    for module in (*objective.modules.values(), getattr(objective, "perceptual", None)):
        if isinstance(module, nn.Module):
            module.register_forward_pre_hook(lambda *_: stopwatch.start(NETWORK))
            module.register_forward_hook(lambda *_: stopwatch.stop())
    # of this objective alone, which is used for nothing else
    put: Any = setattr
    put(objective.accelerator, "backward", stopwatch.timed(objective.accelerator.backward, NETWORK))
    put(objective, "optimize", stopwatch.timed(objective.optimize, "optimizer"))
    for average in objective.averages.values():
        put(average, "update_parameters", stopwatch.timed(average.update_parameters, "average"))


def training_shares(
    method: str,
    preset: str = "toy",
    dataset: str = "cityscapes",
    image_size: int | None = None,
    batch_size: int | None = None,
    steps: int = 5,
    device: str = "auto",
) -> pd.DataFrame:
    """A line for each part of a training step on toy scenes; PyTorch's threads compute, this process reads.

    image_size, batch_size: by default the preset's. Columns: method, preset, size (height x width), batch, part,
    seconds and CPU seconds (medians over `steps`, after one that is not counted), and the share of each in the sum over
    parts. The scenes are new to the reader in every step, and have the size that is trained. Raises UserError as
    training does, and for less than one step.
    """
    if steps < 1:
        raise UserError(f"--steps {steps}: expected at least 1")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        overrides = {} if batch_size is None else {"batch_size": batch_size}
        size = size_at(dataset_class(dataset).native_size, image_size or 32)
        write_toy(dataset, data, {"train": FEWEST_SCENES}, size)
        options = resolve(method, dataset, data, preset, image_size, overrides=overrides)
        count = options.training.batch_size
        scenes = max(FEWEST_SCENES, count * (steps + 1))
        write_toy(dataset, data / "scenes", {"train": scenes}, options.image_size)
        objective = make_objective(options)
        objective.prepare(make_accelerator(device, "no"))
        stopwatch = Stopwatch(objective.accelerator.device)
        watch(objective, stopwatch)
        stream = TrainingStream.of(open_dataset(dataset, data / "scenes", "train"), options)
        batches = stream.batches(count, start=0, device=objective.accelerator.device)
        found: dict[str, list[tuple[float, float]]] = {part: [] for part in PARTS}
        for step in track(range(steps + 1), f"timing {method}", steps + 1, unit="steps"):
            stopwatch.reset()
            with stopwatch.part("reading"):
                batch = next(batches)
            with stopwatch.part("rest"):
                objective.step([batch], progress=0.0)
            for part, seconds in stopwatch.seconds.items() if step else ():
                found[part].append(seconds)
    height, width = options.image_size
    table = pd.DataFrame({"method": method, "preset": preset, "size": f"{height}x{width}", "batch": count}, PARTS)
    table.insert(4, "part", PARTS)
    for column, which in (("seconds", 0), ("CPU seconds", 1)):
        table[column] = [statistics.median(each[which] for each in found[part]) for part in PARTS]
    for share, column in (("share", "seconds"), ("CPU share", "CPU seconds")):
        table[share] = table[column] / table[column].sum()
    return table.reset_index(drop=True)
