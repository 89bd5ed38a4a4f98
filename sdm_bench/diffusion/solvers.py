"""Solvers of the reverse process, by name: from a network's output at x_t to x_{t-1}, and whole loops.

Source: ancestral sampling, arXiv 2006.11239 algorithm 2; DDIM, arXiv 2010.02502 eq. 12;
WeilunWang/semantic-diffusion-model@7171f37, guided_diffusion/gaussian_diffusion.py.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sdm_bench.diffusion.gaussian import at, eps_from_x_start, reverse_step
from sdm_bench.diffusion.schedule import NoiseSchedule, space_timesteps
from sdm_bench.errors import UserError, unknown_name

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""(x_t (N, 3, H, W), timesteps of the original schedule, int64 (1,)) -> output (N, 3 or 6, H, W)."""
NoiseSource = Callable[[], Tensor]
"""Standard normal noise of the samples' shape, a new one a call."""


@dataclass(frozen=True)
class Solver:
    """A way through the reverse process.

    name: `ddpm` (ancestral) or `ddim`. steps: network evaluations a sample. eta: DDIM's share of fresh noise, 0 to 1.
    """

    name: str
    steps: int
    eta: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in STEPS:
            raise unknown_name("solver", self.name, STEPS)
        if self.steps < 2:
            raise UserError(f"--solver-steps {self.steps}: expected at least 2")

    def schedule(self, full: NoiseSchedule) -> NoiseSchedule:
        """The respaced schedule this solver walks through."""
        if self.steps == len(full):
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
    solver: Solver, schedule: NoiseSchedule, denoise: Denoiser, start: Tensor, noise: NoiseSource, clip: bool = True
) -> Iterator[Progress]:
    """Walks `schedule` (see Solver.schedule) from `start` (N, 3, H, W), noise, to pictures; yields after every step.

    One noise is drawn a step, the unused one of the last step included, so that every solver draws alike.
    """
    sample = start
    for index in reversed(range(len(schedule))):
        t = torch.full((1,), index, device=start.device)
        timestep = torch.full((1,), int(schedule.timestep_map[index]), device=start.device)
        output = denoise(sample, timestep)
        state = STEPS[solver.name](solver, schedule, output, sample, t, noise(), clip)
        yield state
        sample = state.sample


def ancestral_step(
    solver: Solver, schedule: NoiseSchedule, output: Tensor, x_t: Tensor, t: Tensor, noise: Tensor, clip: bool = True
) -> Progress:
    """x_{t-1} drawn from p(x_{t-1} | x_t)."""
    step = reverse_step(schedule, output, x_t, t, clip)
    spread = (0.5 * step.log_variance).exp() * noise
    return Progress(step.mean + _unless_last(t, x_t) * spread, step.x_start)


def ddim_step(
    solver: Solver, schedule: NoiseSchedule, output: Tensor, x_t: Tensor, t: Tensor, noise: Tensor, clip: bool = True
) -> Progress:
    """x_{t-1} of DDIM with the solver's eta; eps is derived anew from the (clipped) x_0."""
    x_start = reverse_step(schedule, output, x_t, t, clip).x_start
    eps = eps_from_x_start(schedule, x_t, t, x_start)
    cumulative, previous = schedule.alphas_cumprod, schedule.alphas_cumprod_prev
    sigma = solver.eta * np.sqrt((1 - previous) / (1 - cumulative) * (1 - cumulative / previous))
    mean = at(np.sqrt(previous), t, x_t) * x_start + at(np.sqrt(1 - previous - sigma**2), t, x_t) * eps
    return Progress(mean + _unless_last(t, x_t) * at(sigma, t, x_t) * noise, x_start)


def _unless_last(t: Tensor, like: Tensor) -> Tensor:
    return (t != 0).float().reshape(-1, *[1] * (like.dim() - 1))


Step = Callable[[Solver, NoiseSchedule, Tensor, Tensor, Tensor, Tensor, bool], Progress]
STEPS: dict[str, Step] = {"ddpm": ancestral_step, "ddim": ddim_step}
