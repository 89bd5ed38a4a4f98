"""What a training step spends on its network, and what on everything else: reading, noise, optimizer, average."""

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from torch import nn

from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import track
from sdm_bench.benchmarks.stopwatch import Stopwatch, shares
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
        stopwatch = Stopwatch(objective.accelerator.device, PARTS)
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
    return shares({"method": method, "preset": preset, "size": f"{height}x{width}", "batch": count}, found)
