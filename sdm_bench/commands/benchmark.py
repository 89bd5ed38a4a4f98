"""Measure what sampling costs, and what fewer steps of a solver cost in quality."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from sdm_bench.benchmarks.sampling import random_condition, step_costs
from sdm_bench.commands.evaluate import evaluate_samples
from sdm_bench.commands.generate import Source, Where, generate_samples
from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.catalog import dataset_class
from sdm_bench.datasets.toy import write_toy
from sdm_bench.devices import pick_device
from sdm_bench.errors import UserError
from sdm_bench.models import catalog
from sdm_bench.models.unet import UNet
from sdm_bench.synthesizers import SamplingOptions, Speed
from sdm_bench.trained import SHIPPED

MIB = 2**20
TOY_DATASET = "cityscapes"
TOY_SHORT_SIDE = 64
REFERENCE = ("ddpm", 1000)


def random_network(
    method: str, preset_name: str, dataset: str, changes: dict[str, Any] | None = None
) -> tuple[UNet, int]:
    """The preset's network with random weights, those that start as zero included, and the preset's image size.

    changes: replace fields of the network's configuration.
    """
    preset = catalog.preset(method, preset_name, dataset)
    if catalog.method(method).kind != "diffusion":
        raise UserError(f"--method {method}: expected a diffusion model, such as sdm")
    fields = {**preset.network, "num_classes": len(ClassTable.shipped(dataset)), **(changes or {})}
    network = catalog.build_network(method, catalog.network_config(method, fields))
    for parameter in network.parameters():
        if parameter.dim() > 1 and not parameter.any():
            torch.nn.init.kaiming_uniform_(parameter, generator=torch.Generator().manual_seed(0))
    return network, preset.image_size


def benchmark_steps(
    network: UNet,
    size: tuple[int, int],
    batch_size: int,
    guidance: float,
    pairs: int,
    steps: Sequence[int],
    device: str = "auto",
    precision: str = "no",
    speed: Speed | None = None,
) -> pd.DataFrame:
    """A line each for the plain and the fast path: time, operations, memory, and images a second at so many `steps`."""
    condition = random_condition(network, size, batch_size)
    costs = step_costs(network, condition, guidance, pairs, pick_device(device), precision, speed)
    lines = [
        {
            "path": cost.path,
            "s/step": round(cost.seconds, 4),
            "times faster": round(cost.ratio, 2),
            "TFLOP/step": round(cost.flop / 1e12, 4),
            "TFLOP first": round(cost.first_flop / 1e12, 4),
            "kept MiB": round(cost.kept_bytes / MIB, 1),
            "peak MiB": round(cost.peak_bytes / MIB, 1),
            "largest difference": f"{cost.difference:.1e}",
            **{f"images/s at {n}": f"{batch_size / (n * cost.seconds):.3g}" for n in steps},
        }
        for cost in costs
    ]
    return pd.DataFrame(lines)


def benchmark_solvers(
    source: Source,
    solvers: Sequence[str],
    steps: Sequence[int],
    out: Path,
    command: str,
    scenes: int,
    seeds: Sequence[int],
    guidance: float | None = None,
    reference: bool = False,
    batch_size: int = 16,
    device: str = "auto",
    speed: Speed | None = None,
) -> pd.DataFrame:
    """Quality of the toy Cityscapes by solver and steps: FID against the real toy scenes, and mIoU.

    reference: also with 1,000 steps of ancestral sampling. Samples and results are kept in `out`; the same call
    resumes.
    """
    data = out / "data"
    write_toy(TOY_DATASET, data, {"val": scenes}, dataset_class(TOY_DATASET).size(TOY_SHORT_SIDE))
    cells = [(solver, count) for solver in solvers for count in steps] + ([REFERENCE] if reference else [])
    lines = []
    for solver, count in dict.fromkeys(cells):
        run = out / f"{solver}-{count}"
        options = SamplingOptions(solver=solver, solver_steps=count, guidance=guidance)
        where = Where(TOY_DATASET, data, "val")
        generate_samples(source, where, run, seeds, options, command, "", batch_size, device=device, speed=speed)
        rows, failures = evaluate_samples(["fid", "miou"], run, segmenter=SHIPPED, device=device)
        if failures:
            raise UserError("\n".join(failures))
        values = {row.metric: row.value for row in rows if not row.class_name}
        lines.append({"solver": solver, "steps": count, "FID": values["fid"], "mIoU": values["miou"]})
    return pd.DataFrame(lines)
