"""Solvers of the reverse process, by name: from a network's output at x_t to x_{t-1}, and whole loops.

Source: ancestral sampling, arXiv 2006.11239 algorithm 2; DDIM, arXiv 2010.02502 eq. 12;
WeilunWang/semantic-diffusion-model@7171f37, guided_diffusion/gaussian_diffusion.py. Multistep solvers are diffusers'.

Solvers without fresh noise keep the errors that the network makes in the noisiest steps; `benchmark solvers` shows it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sdm_bench.diffusion.gaussian import at, eps_from_x_start, reverse_step
from sdm_bench.diffusion.multistep import MULTISTEP, make_scheduler
from sdm_bench.diffusion.schedule import NoiseSchedule, space_timesteps
from sdm_bench.diffusion.thresholding import check_threshold
from sdm_bench.errors import UserError, unknown_name

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""(x_t (N, 3, H, W), timesteps of the original schedule, int64 (1,)) -> output (N, 3 or 6, H, W)."""
NoiseSource = Callable[[], Tensor]
"""Standard normal noise of the samples' shape, a new one a call."""


@dataclass(frozen=True)
class Solver:
    """A way through the reverse process.

    name: `ddpm` (ancestral), `ddim`, or of the multistep ones `dpm-solver++` (2M), `dpm-solver++-sde` (2M with fresh
    noise) and `unipc`. steps: network evaluations a sample. eta: DDIM's share of fresh noise, 0 to 1. threshold: what
    keeps x_0 in range, see diffusion/thresholding.py.
    """

    name: str
    steps: int
    eta: float = 0.0
    threshold: str = "clip"

    def __post_init__(self) -> None:
        if self.name not in SOLVERS:
            raise unknown_name("solver", self.name, SOLVERS)
        if self.steps < 2:
            raise UserError(f"--solver-steps {self.steps}: expected at least 2")
        if self.eta and self.name != "ddim":
            raise UserError(f"--eta {self.eta:g}: only ddim takes it, not {self.name}")
        check_threshold(self.threshold)

    def schedule(self, full: NoiseSchedule) -> NoiseSchedule:
        """The schedule this solver walks through: respaced, or whole for a multistep solver, which skips by itself."""
        if self.steps > len(full):
            raise UserError(f"--solver-steps {self.steps}: the schedule has {len(full)} timesteps")
        if self.steps == len(full) or self.name in MULTISTEP:
            return full
        return full.respaced(space_timesteps(len(full), self._spacing(len(full))))

    def _spacing(self, total: int) -> str:
        """DDIM takes integer strides where one gives exactly `steps` timesteps, as the reference does."""
        strided = self.name == "ddim" and any(-(-total // stride) == self.steps for stride in range(1, total))
        return f"ddim{self.steps}" if strided else str(self.steps)


@dataclass(frozen=True)
class Progress:
    """The state after a step: x_{t-1} and the x_0 it was computed from."""

    sample: Tensor
    x_start: Tensor


def solve(
    solver: Solver, schedule: NoiseSchedule, denoise: Denoiser, start: Tensor, noise: NoiseSource
) -> Iterator[Progress]:
    """Walks `schedule` (see Solver.schedule) from `start` (N, 3, H, W), noise, to pictures; yields after every step.

    One noise is drawn a step, used or not, so that every solver draws alike.
    """
    walk = _multistep if solver.name in MULTISTEP else _one_by_one
    return walk(solver, schedule, denoise, start, noise)


def _one_by_one(
    solver: Solver, schedule: NoiseSchedule, denoise: Denoiser, sample: Tensor, noise: NoiseSource
) -> Iterator[Progress]:
    for index in reversed(range(len(schedule))):
        t = torch.full((1,), index, device=sample.device)
        timestep = torch.full((1,), int(schedule.timestep_map[index]), device=sample.device)
        state = STEPS[solver.name](solver, schedule, denoise(sample, timestep), sample, t, noise())
        yield state
        sample = state.sample


def _multistep(
    solver: Solver, schedule: NoiseSchedule, denoise: Denoiser, sample: Tensor, noise: NoiseSource
) -> Iterator[Progress]:
    """The learned variances are not used: these solvers have their own."""
    scheduler = make_scheduler(solver.name, schedule, solver.steps)
    for timestep in scheduler.timesteps.tolist():
        t = torch.full((1,), timestep, device=sample.device)
        x_start = reverse_step(schedule, denoise(sample, t), sample, t, solver.threshold).x_start
        stepped = scheduler.step(x_start, timestep, sample, **MULTISTEP[solver.name].noise(noise()))
        sample = stepped.prev_sample
        yield Progress(sample, x_start)


def ancestral_step(
    solver: Solver, schedule: NoiseSchedule, output: Tensor, x_t: Tensor, t: Tensor, noise: Tensor
) -> Progress:
    """x_{t-1} drawn from p(x_{t-1} | x_t)."""
    step = reverse_step(schedule, output, x_t, t, solver.threshold)
    spread = (0.5 * step.log_variance).exp() * noise
    return Progress(step.mean + _unless_last(t, x_t) * spread, step.x_start)


def ddim_step(
    solver: Solver, schedule: NoiseSchedule, output: Tensor, x_t: Tensor, t: Tensor, noise: Tensor
) -> Progress:
    """x_{t-1} of DDIM with the solver's eta; eps is derived anew from x_0 after thresholding."""
    x_start = reverse_step(schedule, output, x_t, t, solver.threshold).x_start
    eps = eps_from_x_start(schedule, x_t, t, x_start)
    cumulative, previous = schedule.alphas_cumprod, schedule.alphas_cumprod_prev
    sigma = solver.eta * np.sqrt((1 - previous) / (1 - cumulative) * (1 - cumulative / previous))
    mean = at(np.sqrt(previous), t, x_t) * x_start + at(np.sqrt(1 - previous - sigma**2), t, x_t) * eps
    return Progress(mean + _unless_last(t, x_t) * at(sigma, t, x_t) * noise, x_start)


def _unless_last(t: Tensor, like: Tensor) -> Tensor:
    return (t != 0).float().reshape(-1, *[1] * (like.dim() - 1))


Step = Callable[[Solver, NoiseSchedule, Tensor, Tensor, Tensor, Tensor], Progress]
STEPS: dict[str, Step] = {"ddpm": ancestral_step, "ddim": ddim_step}
SOLVERS = (*STEPS, *MULTISTEP)
