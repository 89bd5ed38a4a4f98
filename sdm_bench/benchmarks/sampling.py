"""What a sampling step costs: the plain and the fast path of one network, side by side in one run."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from sdm_bench.base.devices import pick_device
from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import track
from sdm_bench.conditioning import Condition
from sdm_bench.datasets.base import ClassTable
from sdm_bench.diffusion.gaussian_diffusion import make_schedule
from sdm_bench.diffusion.solvers import Solver
from sdm_bench.models import methods
from sdm_bench.models.unet import UNet
from sdm_bench.sampling.synthesizers import DiffusionSynthesizer, Speed

MIB = 2**20
PATHS = ("plain", "fast")
Step = Callable[[], Tensor]


@dataclass(frozen=True)
class StepCost:
    """A step of one batch.

    seconds: median. ratio: median over pairs of the plain path's time by this one's. flop: floating-point operations of
    convolutions, products and attention; first_flop: of the first step, which computes what is kept: kept_bytes.
    peak_bytes: memory of a further step beyond that. difference: largest, from the plain path's output.
    """

    path: str
    seconds: float
    ratio: float
    flop: int
    first_flop: int
    kept_bytes: int
    peak_bytes: int
    difference: float


def random_condition(network: UNet, size: tuple[int, int], batch_size: int) -> Condition:
    """Label maps of random classes and instances; what a step costs doesn't depend on them."""
    config, generator = network.config, torch.Generator().manual_seed(0)
    label = torch.randint(config.num_classes, (batch_size, *size), generator=generator)
    instance = torch.randint(2, (batch_size, *size), generator=generator).int() if config.edges else None
    return Condition(label, instance, config.num_classes, torch.ones(batch_size, dtype=torch.bool))


def step_costs(
    network: UNet,
    condition: Condition,
    guidance: float,
    pairs: int,
    device: torch.device,
    precision: str = "no",
    speed: Speed | None = None,
) -> list[StepCost]:
    """The cost of a step on the plain path and on the fast one, timed in turn `pairs` times."""

    def fresh() -> dict[str, Step]:
        return {name: _step(network, condition, guidance, device, precision, speed, name) for name in PATHS}

    with torch.inference_mode():
        kept = {name: _memory(step, device).held for name, step in fresh().items()}
        steps = fresh()
        first = {name: _flop(step) for name, step in steps.items()}
        outputs = {name: step() for name, step in steps.items()}
        times: dict[str, list[float]] = {name: [] for name in PATHS}
        for _ in track(range(pairs), "timing", pairs, 0, "pairs"):
            for name, step in steps.items():
                times[name].append(_seconds(step, device))
        return [
            StepCost(
                path=name,
                seconds=statistics.median(times[name]),
                ratio=statistics.median(a / b for a, b in zip(times["plain"], times[name], strict=True)),
                flop=_flop(step),
                first_flop=first[name],
                kept_bytes=kept[name],
                peak_bytes=_memory(step, device).peak,
                difference=float((outputs[name] - outputs["plain"]).abs().max()),
            )
            for name, step in steps.items()
        ]


def _step(
    network: UNet, condition: Condition, guidance: float, device: torch.device, precision: str, speed: Any, path: str
) -> Step:
    speed = replace(speed or Speed(), path=path)
    solver, schedule = Solver("ddpm", 1000), make_schedule("linear", 1000)
    synthesizer = DiffusionSynthesizer(
        network, schedule, solver, guidance, network.config.edges, device, precision, speed
    )
    with torch.inference_mode():
        denoise = synthesizer.denoiser(condition.to(device))
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(len(condition), 3, *condition.size, generator=generator).to(device)
    t = torch.full((1,), 500, device=device)
    return lambda: denoise(x, t)


def _seconds(step: Step, device: torch.device) -> float:
    started = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def _flop(step: Step) -> int:
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


@dataclass(frozen=True)
class _Memory:
    """Bytes beyond what was there before: at most, and held afterwards, the output aside."""

    peak: int
    held: int


def _memory(step: Step, device: torch.device) -> _Memory:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        output = step()
        held = torch.cuda.memory_allocated(device) - before - output.nbytes
        return _Memory(torch.cuda.max_memory_allocated(device) - before, held)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        output = step()
    held = peak = 0
    for event in profiler.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return _Memory(peak, held - output.nbytes)


def random_network(
    method: str, preset_name: str, dataset: str, changes: dict[str, Any] | None = None
) -> tuple[UNet, int]:
    """The preset's network with random weights, those that start as zero included, and the preset's image size.

    changes: replace fields of the network's configuration.
    """
    preset = methods.preset(method, preset_name, dataset)
    if methods.method(method).kind != "diffusion":
        raise UserError(f"--method {method}: expected a diffusion model, such as sdm")
    fields = {**preset.network, "num_classes": len(ClassTable.shipped(dataset)), **(changes or {})}
    network = methods.build_network(method, methods.network_config(method, fields))
    for parameter in network.parameters():
        if parameter.dim() > 1 and not parameter.any():
            torch.nn.init.kaiming_uniform_(parameter, generator=torch.Generator().manual_seed(0))
    assert preset.image_size is not None, "published datasets have one"
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
