"""The one method of everything that makes pictures: condition and one random generator a sample in, pictures out."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from sdm_bench.base.devices import free_memory
from sdm_bench.conditioning import Condition
from sdm_bench.diffusion.editing import Inpainting, Known, inpaint
from sdm_bench.diffusion.gaussian_diffusion import NoiseSchedule, preset_schedule
from sdm_bench.diffusion.guidance import Pull, guide
from sdm_bench.diffusion.solvers import Denoiser, NoiseSource, Solver, SolverState, solve
from sdm_bench.models import methods
from sdm_bench.models.gan import Generator
from sdm_bench.models.preset import DiffusionPreset
from sdm_bench.models.unet import UNet
from sdm_bench.sampling.classifier import GuidingSegmenter

# Autocast types by the names that accelerate has for them.
PRECISIONS = {"no": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Synthesizer(Protocol):
    """Makes pictures of label maps."""

    def synthesize(self, condition: Condition, generators: Sequence[torch.Generator]) -> Tensor:
        """float32 (N, 3, H, W) in [-1, 1], on the CPU.

        `generators` are N CPU generators, one a sample: a picture depends on its own alone, not on its batch.
        """


def sample_generator(example_id: str, seed: int) -> torch.Generator:
    """The CPU generator of the sample that belongs to (example id, seed), whatever else is sampled."""
    digest = hashlib.sha256(f"{seed}/{example_id}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


class GANSynthesizer:
    """A generator network in one pass."""

    def __init__(self, network: Generator, device: torch.device | str = "cpu"):
        self.network = network.to(device).eval()
        self.device = device

    @torch.inference_mode()
    def synthesize(self, condition: Condition, generators: Sequence[torch.Generator]) -> Tensor:
        """The network's pictures, their noise, if they have any, from `generators`."""
        remapped = self.network.config.remap_condition(condition.to(self.device))
        return self.network(remapped, self.network.latent(remapped, generators)).picture.float().cpu()


@dataclass(frozen=True)
class Speed:
    """How a diffusion model's samples are computed, which changes them by rounding alone; as it stands for a GAN.

    path: `fast` (UNet.cached) or `plain`, whole passes (UNet.plain); None: fast. spade_cache: see CachedCondition;
    None: auto.
    """

    path: str | None = None
    spade_cache: str | None = None
    channels_last: bool = False
    compile: bool = False


class DiffusionSynthesizer:
    """Samples a denoising network trained on `schedule` with `solver`.

    guidance: s of the released code; up to 1 guidance is off, and the network runs without the null label. segmenter:
    guides in its place, by `guidance` times its gradient; the network then runs without the null label at any s.
    precision: of the network, `no` (float32), or the autocast types `bf16` and `fp16`; the solver is in float32.
    """

    def __init__(
        self,
        network: UNet,
        schedule: NoiseSchedule,
        solver: Solver,
        guidance: float,
        edges: bool,
        device: torch.device | str = "cpu",
        precision: str = "no",
        speed: Speed | None = None,
        segmenter: GuidingSegmenter | None = None,
    ):
        self.speed = speed or Speed()
        self.segmenter = segmenter
        self.network = network.to(device).eval()
        if self.speed.channels_last:
            self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.speed.compile:
            self.network.compile_halves()
        self.schedule = solver.schedule(schedule)
        self.solver = solver
        self.guidance = guidance
        self.edges = edges
        self.device = torch.device(device)
        self.precision = PRECISIONS[precision]

    @torch.inference_mode()
    def synthesize(self, condition: Condition, generators: Sequence[torch.Generator]) -> Tensor:
        """Pictures of `condition`; every noise of a sample comes from its own generator."""
        condition, noise = condition.to(self.device), self._noise(condition.size, generators)
        walk = solve(self.solver, self.schedule, self.denoiser(condition), noise(), noise, self._pull(condition))
        return _last(walk)

    @torch.inference_mode()
    def edit(
        self,
        condition: Condition,
        generators: Sequence[torch.Generator],
        known: Known,
        how: Inpainting,
        each: Callable[[SolverState], None] = lambda state: None,
    ) -> Tensor:
        """The pictures `known.source` with what is erased made anew of `condition`; noise as in `synthesize`.

        each: called with every state, of which there are `evaluations`; what it raises ends the work.
        """
        condition, noise = condition.to(self.device), self._noise(condition.size, generators)
        here = Known(known.source.to(self.device), known.erased.to(self.device))
        denoise, pull = self.denoiser(condition), self._pull(condition)
        return _last(inpaint(self.solver, self.schedule, denoise, here, noise, how, pull), each)

    def evaluations(self, how: Inpainting) -> int:
        """Steps of `edit`, of which each evaluates the network, with guidance twice."""
        return how.evaluations(self.solver.steps)

    def _pull(self, condition: Condition) -> Pull | None:
        return None if self.segmenter is None else self.segmenter.pull(condition, self.schedule, self.guidance)

    def _noise(self, size: tuple[int, int], generators: Sequence[torch.Generator]) -> NoiseSource:
        def noise() -> Tensor:
            return torch.stack([torch.randn((3, *size), generator=each) for each in generators]).to(self.device)

        return noise

    def denoiser(self, condition: Condition) -> Denoiser:
        """The network, guided, for one batch on the device and many steps: what the solver calls."""
        guided = self.segmenter is None and self.guidance > 1
        if self.speed.path == "plain":
            network = self.network.plain(condition, guided)
        else:
            # half of what is free, the other half for activations
            kept = self.speed.spade_cache or "auto"
            network = self.network.cached(condition, guided, kept, free_memory(self.device) // 2)

        def denoise(x: Tensor, timestep: Tensor) -> Tensor:
            if self.speed.channels_last:
                x = x.contiguous(memory_format=torch.channels_last)
            with torch.autocast(self.device.type, self.precision, enabled=self.precision is not torch.float32):
                output = network(x, timestep).float()
            if not guided:
                return output
            conditional, null = output.chunk(2)
            return guide(conditional, null, self.guidance)

        return denoise


def _last(states: Iterable[SolverState], each: Callable[[SolverState], None] = lambda state: None) -> Tensor:
    """The pictures that a walk ends in, on the CPU; a value that is Inf is none, and must not pass for white."""
    for state in states:
        each(state)
    sample = state.sample
    return torch.where(sample.isfinite(), sample, torch.nan).clamp(-1, 1).float().cpu()


@dataclass(frozen=True)
class SamplingOptions:
    """What besides the weights decides a sample; None throughout for a GAN.

    timestep_respacing: see Solver. eta: DDIM's share of fresh noise. threshold: see gaussian_diffusion.threshold.
    precision: of the network. guidance_by: `null-label`, or `segmenter`: that of noisy pictures at `segmenter`.
    """

    solver: str | None = None
    solver_steps: int | None = None
    guidance: float | None = None
    eta: float | None = None
    threshold: str | None = None
    precision: str | None = None
    timestep_respacing: str | None = None
    guidance_by: str | None = None
    segmenter: str | None = None


def make_synthesizer(
    method: str,
    network: nn.Module,
    config: Any,
    diffusion: DiffusionPreset | None,
    options: SamplingOptions,
    device: torch.device | str,
    speed: Speed | None = None,
    segmenter: GuidingSegmenter | None = None,
) -> Synthesizer:
    """The synthesizer of a built network of `method` with the configuration `config`; `segmenter` guides it."""
    if methods.method(method).kind == "gan":
        assert isinstance(network, Generator)
        return GANSynthesizer(network, device)
    assert diffusion is not None
    assert options.solver is not None
    assert options.solver_steps is not None
    assert isinstance(network, UNet)
    limit, respacing = options.threshold or "clip", options.timestep_respacing
    solver = Solver(options.solver, options.solver_steps, options.eta or 0.0, limit, respacing)
    return DiffusionSynthesizer(
        network,
        preset_schedule(diffusion),
        solver,
        options.guidance or 1.0,
        config.edges,
        device,
        options.precision or "no",
        speed,
        segmenter,
    )
