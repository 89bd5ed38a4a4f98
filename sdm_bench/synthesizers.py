"""The one method of everything that makes pictures: condition and one random generator a sample in, pictures out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from sdm_bench.conditioning import Condition
from sdm_bench.diffusion.guidance import guide
from sdm_bench.diffusion.schedule import NoiseSchedule, make_schedule
from sdm_bench.diffusion.solvers import Denoiser, Solver, solve
from sdm_bench.models import catalog
from sdm_bench.models.preset import DiffusionPreset
from sdm_bench.models.unet import UNet


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
    """A generator network that is a function of the condition alone."""

    def __init__(self, network: nn.Module, edges: bool, device: torch.device | str = "cpu"):
        self.network = network.to(device).eval()
        self.edges = edges
        self.device = device

    @torch.inference_mode()
    def synthesize(self, condition: Condition, generators: Sequence[torch.Generator]) -> Tensor:
        """The network's pictures; `generators` are not drawn from."""
        return self.network(condition.to(self.device).semantics(self.edges)).float().cpu()


class DiffusionSynthesizer:
    """Samples a denoising network trained on `schedule` with `solver`.

    guidance: the released code's scale s; up to 1 there is none, and the network runs without the null label.
    """

    def __init__(
        self,
        network: UNet,
        schedule: NoiseSchedule,
        solver: Solver,
        guidance: float,
        edges: bool,
        device: torch.device | str = "cpu",
    ):
        self.network = network.to(device).eval()
        self.schedule = solver.schedule(schedule)
        self.solver = solver
        self.guidance = guidance
        self.edges = edges
        self.device = device

    @torch.inference_mode()
    def synthesize(self, condition: Condition, generators: Sequence[torch.Generator]) -> Tensor:
        """Pictures of `condition`; every noise of a sample comes from its own generator."""
        shape = (3, *condition.size)

        def noise() -> Tensor:
            return torch.stack([torch.randn(shape, generator=generator) for generator in generators]).to(self.device)

        sample = noise()
        for state in solve(self.solver, self.schedule, self._denoiser(condition.to(self.device)), sample, noise):
            sample = state.sample
        return sample.clamp(-1, 1).float().cpu()

    def _denoiser(self, condition: Condition) -> Denoiser:
        guided = self.guidance > 1
        network = self.network.prepared(condition.semantics(self.edges), guided)
        if not guided:
            return network

        def denoise(x: Tensor, timestep: Tensor) -> Tensor:
            conditional, null = network(x, timestep).chunk(2)
            return guide(conditional, null, self.guidance)

        return denoise


@dataclass(frozen=True)
class SamplingOptions:
    """What besides the weights decides a sample; None throughout for a GAN. eta: DDIM's share of fresh noise."""

    solver: str | None = None
    solver_steps: int | None = None
    guidance: float | None = None
    eta: float | None = None


def make_synthesizer(
    method: str,
    network: nn.Module,
    config: Any,
    diffusion: DiffusionPreset | None,
    options: SamplingOptions,
    device: torch.device | str,
) -> Synthesizer:
    """The synthesizer of a built network of `method` with the configuration `config`."""
    if catalog.method(method).kind == "gan":
        return GANSynthesizer(network, config.edges, device)
    assert diffusion is not None
    assert options.solver is not None
    assert options.solver_steps is not None
    solver = Solver(options.solver, options.solver_steps, options.eta or 0.0)
    assert isinstance(network, UNet)
    schedule = make_schedule(diffusion.schedule, diffusion.steps)
    return DiffusionSynthesizer(network, schedule, solver, options.guidance or 1.0, config.edges, device)
