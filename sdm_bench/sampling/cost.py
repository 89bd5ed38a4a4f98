"""What a folder's samples cost, in cost.json beside run.json: no part of what they are, and of one machine."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import perf_counter

import torch
from torch.utils.flop_counter import FlopCounterMode

from sdm_bench.base.files import locked, read_object, write_json
from sdm_bench.base.sections import Section, parsed, unless_default
from sdm_bench.checkpoints.generators import TrainedNetwork
from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import Generator
from sdm_bench.models.unet import UNet
from sdm_bench.sampling.classifier import GuidingSegmenter
from sdm_bench.sampling.folders import SampleOptions

COST_FILE = "cost.json"


class Timing(Section):
    """How many pictures were computed on a device, in batches of a size, and in how many seconds altogether."""

    device: str
    batch_size: int
    pictures: int
    seconds: float


class Cost(Section):
    """What is known of the cost of a folder's samples; None for what isn't.

    parameters: of the network. evaluations: of it for a sample, with guidance two a step, but one where a segmenter
    guides; segmenter_evaluations: of that one, each with its gradient. flop: floating-point operations of convolutions,
    products and attention for a sample by plain evaluations, the segmenter's included; the fast path needs fewer.
    training_seconds: wall-clock time of the training, and of those that it started from. timings: of sampling.
    """

    parameters: int | None = None
    evaluations: int | None = None
    segmenter_evaluations: int | None = unless_default(None)
    flop: int | None = None
    training_seconds: float | None = None
    timings: tuple[Timing, ...] = ()

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds a sample by device and batch size, in words."""
        return {f"{each.device}, batch {each.batch_size}": each.seconds / each.pictures for each in self.timings}


def read_cost(folder: Path) -> Cost:
    """What is recorded in a folder, empty where nothing is; raises UserError for a damaged file."""
    path = folder / COST_FILE
    return parsed(Cost, read_object(path), path) if path.is_file() else Cost()


def record_network(
    folder: Path, trained: TrainedNetwork, options: SampleOptions, segmenter: GuidingSegmenter | None = None
) -> None:
    """Records the cost of a network's training and of one sample, unless it is recorded; `segmenter` guides it."""
    if read_cost(folder).flop is not None:
        return
    assert isinstance(trained.network, Generator | UNet)
    about = trained.about
    steps = options.solver_steps or 1
    evaluations = steps * (2 if segmenter is None and (options.guidance or 1) > 1 else 1)
    flop = evaluations * evaluation_flop(trained.network, options.image_size, options.style is not None)
    guiding = {} if segmenter is None else {"segmenter_evaluations": steps}
    if segmenter is not None:
        flop += steps * gradient_flop(segmenter, options.image_size)
    seconds = about.seconds + sum(stage.get("seconds", 0.0) for stage in about.stages)
    known = {
        "parameters": sum(each.numel() for each in trained.network.parameters()),
        "evaluations": evaluations,
        "flop": flop,
        "training_seconds": seconds or None,
        **guiding,
    }
    with locked(folder):
        _write(folder, read_cost(folder).model_copy(update=known))


class Stopwatch:
    """Adds up the pictures that are computed, and the seconds in which they are."""

    def __init__(self) -> None:
        self.pictures, self.seconds = 0, 0.0

    @contextmanager
    def of(self, pictures: int) -> Iterator[None]:
        """Times what computes so many pictures."""
        started = perf_counter()
        yield
        self.seconds += perf_counter() - started
        self.pictures += pictures

    def record(self, folder: Path, device: torch.device | str, batch_size: int) -> None:
        """Adds what was timed to that of earlier commands on the same kind of device."""
        if not self.pictures:
            return
        device = torch.device(device)
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        with locked(folder):
            cost = read_cost(folder)
            timings = {(each.device, each.batch_size): each for each in cost.timings}
            before = timings.get((name, batch_size))
            pictures = self.pictures + (before.pictures if before else 0)
            seconds = self.seconds + (before.seconds if before else 0.0)
            timings[name, batch_size] = Timing(
                device=name, batch_size=batch_size, pictures=pictures, seconds=round(seconds, 6)
            )
            _write(folder, cost.model_copy(update={"timings": tuple(timings.values())}))


def _write(folder: Path, cost: Cost) -> None:
    write_json(folder / COST_FILE, cost.model_dump(mode="json"))


@torch.inference_mode()
def evaluation_flop(network: Generator | UNet, size: tuple[int, int], styled: bool = False) -> int:
    """Floating-point operations of one evaluation of a network for one sample, counted by making it, where it lies.

    size: (height, width). styled: whether its encoder looks at a picture.
    """
    device = next(network.parameters()).device
    label = torch.zeros(1, *size, dtype=torch.int64)
    style = torch.zeros(1, 3, *size) if styled else None
    condition = Condition(label, label.int(), network.config.num_classes, torch.ones(1, dtype=torch.bool), style)
    # a compiled network's kernels can't be counted; the import behind set_stance is slow
    eager = torch.compiler.set_stance("force_eager") if getattr(network, "compiled", False) else nullcontext()
    with eager, FlopCounterMode(display=False) as counter:
        _evaluate(network, condition.to(device), device)
    return int(counter.get_total_flops())


def gradient_flop(segmenter: GuidingSegmenter, size: tuple[int, int]) -> int:
    """Floating-point operations of one gradient of a guiding segmenter for one sample, forward and backward."""
    device = segmenter.evaluate_as.device
    truth = torch.zeros(1, *size, dtype=torch.int64, device=device)
    with FlopCounterMode(display=False) as counter:
        segmenter.gradient(torch.zeros(1, 3, *size, device=device), torch.zeros(1, device=device), truth)
    return int(counter.get_total_flops())


def _evaluate(network: Generator | UNet, condition: Condition, device: torch.device) -> None:
    if isinstance(network, Generator):
        remapped = network.config.remap_condition(condition)
        network(remapped, network.latent(remapped, [torch.Generator().manual_seed(0)]))
    else:
        noise = torch.zeros(1, 3, *condition.size, device=device)
        network(noise, torch.zeros(1, device=device), condition.semantics(network.config.edges))
