"""Solvers of the reverse process, by name: from a network's output at x_t to x_{t-1}, and whole loops.

Source: ancestral sampling, arXiv 2006.11239 algorithm 2; DDIM, arXiv 2010.02502 eq. 12;
WeilunWang/semantic-diffusion-model@7171f37, guided_diffusion/gaussian_diffusion.py. Multistep solvers are diffusers'.

Solvers without fresh noise keep the errors that the network makes in the noisiest steps; `benchmark solvers` shows it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.diffusion.gaussian_diffusion import (
    NoiseSchedule,
    check_threshold,
    eps_from_x_start,
    extract_at_timestep,
    reverse_step,
    x_start_from_eps,
)
from sdm_bench.diffusion.guidance import Pull, pulled_eps, pulled_mean
from sdm_bench.diffusion.respacing import space_timesteps

# (x_t (N, 3, H, W), NoiseSchedule.network_timesteps (1,)) -> output (N, 3 or 6, H, W).
Denoiser = Callable[[Tensor, Tensor], Tensor]
# Standard normal noise of the samples' shape, a new one a call.
NoiseSource = Callable[[], Tensor]


@dataclass(frozen=True)
class Solver:
    """A way through the reverse process.

    name: `ddpm` (ancestral), `ddim`, or of the multistep ones `dpm-solver++` (2M), `dpm-solver++-sde` (2M with fresh
    noise) and `unipc`. steps: network evaluations a sample. eta: DDIM's share of fresh noise, 0 to 1. threshold: what
    keeps x_0 in range, see gaussian_diffusion.threshold. respacing: which `steps` timesteps are walked, as
    respacing.space_timesteps takes it; None: those that the reference takes for the solver by default.
    """

    name: str
    steps: int
    eta: float = 0.0
    threshold: str = "clip"
    respacing: str | None = None

    def __post_init__(self) -> None:
        if self.name not in SOLVERS:
            raise unknown_name("solver", self.name, SOLVERS)
        if self.steps < 2:
            raise UserError(f"--solver-steps {self.steps}: expected at least 2")
        if self.eta and self.name != "ddim":
            raise UserError(f"--eta {self.eta:g}: only ddim takes it, not {self.name}")
        if self.respacing is not None and self.name in MULTISTEP:
            raise UserError(
                f"--timestep-respacing {self.respacing}: ddpm and ddim take it; {self.name} skips by itself"
            )
        check_threshold(self.threshold)

    def schedule(self, full: NoiseSchedule) -> NoiseSchedule:
        """The schedule this solver walks through: respaced, or whole for a multistep solver, which skips by itself."""
        total = len(full)
        if self.respacing is not None:
            return full.respaced(space_timesteps(total, self.respacing))
        if self.steps > total:
            raise UserError(f"--solver-steps {self.steps}: the schedule has {total} timesteps")
        if self.steps == total or self.name in MULTISTEP:
            return full
        # DDIM takes integer strides where one gives exactly `steps` timesteps, as the reference does.
        strided = self.name == "ddim" and any(-(-total // stride) == self.steps for stride in range(1, total))
        return full.respaced(space_timesteps(total, f"ddim{self.steps}" if strided else str(self.steps)))


def respaced_solver(name: str, spec: str, full: NoiseSchedule, eta: float = 0.0, limit: str = "clip") -> Solver:
    """The solver that walks the timesteps `spec` of `full`; one way, where these are what it takes by default."""
    steps = len(space_timesteps(len(full), spec))
    if steps < 2:
        raise UserError(f"--timestep-respacing {spec}: keeps {steps} timesteps; expected at least 2")
    respaced, plain = Solver(name, steps, eta, limit, spec), Solver(name, steps, eta, limit)
    same = np.array_equal(respaced.schedule(full).timestep_map, plain.schedule(full).timestep_map)
    return plain if same else respaced


@dataclass(frozen=True)
class SolverState:
    """The state after a step: x_{t-1} and the x_0 it was computed from."""

    sample: Tensor
    x_start: Tensor


def solve(
    solver: Solver,
    schedule: NoiseSchedule,
    denoise: Denoiser,
    start: Tensor,
    noise: NoiseSource,
    pull: Pull | None = None,
) -> Iterator[SolverState]:
    """Walks `schedule` (see Solver.schedule) from `start` (N, 3, H, W), noise, to pictures; yields after every step.

    One noise is drawn a step, used or not, so that every solver draws alike. pull: guidance by a classifier, which
    ancestral sampling and DDIM take; raises UserError for others.
    """
    return _walked(walk_of(solver, schedule, pull=pull), denoise, start, noise)


def _walked(walk: "Walk", denoise: Denoiser, sample: Tensor, noise: NoiseSource) -> Iterator[SolverState]:
    for t in walk.timesteps:
        state = walk.step(denoise, sample, t, noise)
        yield state
        sample = state.sample


@dataclass(frozen=True)
class Walk:
    """One way through a schedule. timesteps: those at which the network is evaluated, the noisiest first.

    step: (denoise, x_t, t, noise) to the state at the next timestep, or the pictures after the last. Steps of a
    multistep solver are taken once each, in their order.
    """

    timesteps: Sequence[int]
    step: Callable[[Denoiser, Tensor, int, NoiseSource], SolverState]


def walk_of(solver: Solver, schedule: NoiseSchedule, first: int = 0, pull: Pull | None = None) -> Walk:
    """The walk of `solver` through `schedule` (see Solver.schedule) without its `first` timesteps."""
    if pull is not None and solver.name in MULTISTEP:
        raise UserError(f"--solver {solver.name}: guidance by a segmenter is defined for {' and '.join(STEPS)}")
    walk = _multistep(solver, schedule) if solver.name in MULTISTEP else _one_by_one(solver, schedule, pull)
    return Walk(walk.timesteps[first:], walk.step)


def _one_by_one(solver: Solver, schedule: NoiseSchedule, pull: Pull | None) -> Walk:
    def step(denoise: Denoiser, sample: Tensor, index: int, noise: NoiseSource) -> SolverState:
        t = torch.full((1,), index, device=sample.device)
        output = denoise(sample, schedule.network_timesteps(t))
        pulled = None if pull is None else pull(sample, t)
        return STEPS[solver.name](solver, schedule, output, sample, t, noise(), pulled)

    return Walk(range(len(schedule) - 1, -1, -1), step)


def _multistep(solver: Solver, schedule: NoiseSchedule) -> Walk:
    """The learned variances are not used: these solvers have their own."""
    scheduler = make_scheduler(solver.name, schedule, solver.steps)

    def step(denoise: Denoiser, sample: Tensor, timestep: int, noise: NoiseSource) -> SolverState:
        t = torch.full((1,), timestep, device=sample.device)
        output = denoise(sample, schedule.network_timesteps(t))
        x_start = reverse_step(schedule, output, sample, t, solver.threshold).x_start
        fresh = noise()
        further = {"variance_noise": fresh} if MULTISTEP[solver.name].takes_noise else {}
        stepped = scheduler.step(x_start, timestep, sample, **further)
        return SolverState(stepped.prev_sample, x_start)

    return Walk(scheduler.timesteps.tolist(), step)


def make_scheduler(name: str, schedule: NoiseSchedule, steps: int) -> Any:
    """The scheduler called `name`, of second order, set to `steps` timesteps; it holds the state of one walk.

    Timesteps are spread evenly from the last one down. The scheduler takes x_0, so that guidance and thresholding are
    those of every solver, and lands on x_0 after the last step.
    """
    import diffusers

    about = MULTISTEP[name]
    scheduler = getattr(diffusers, about.scheduler)(
        num_train_timesteps=len(schedule),
        trained_betas=schedule.betas,
        solver_order=2,
        prediction_type="sample",
        timestep_spacing="linspace",
        final_sigmas_type="zero",
        **about.options,
    )
    scheduler.set_timesteps(steps)
    return scheduler


def ancestral_step(
    solver: Solver,
    schedule: NoiseSchedule,
    output: Tensor,
    x_t: Tensor,
    t: Tensor,
    noise: Tensor,
    pulled: Tensor | None = None,
) -> SolverState:
    """x_{t-1} drawn from p(x_{t-1} | x_t), its mean moved by `pulled` (like x_t), see guidance.pulled_mean."""
    step = reverse_step(schedule, output, x_t, t, solver.threshold)
    spread = (0.5 * step.log_variance).exp() * noise
    mean = step.mean if pulled is None else pulled_mean(step.mean, step.variance, pulled)
    return SolverState(mean + _unless_last(t, x_t) * spread, step.x_start)


def ddim_step(
    solver: Solver,
    schedule: NoiseSchedule,
    output: Tensor,
    x_t: Tensor,
    t: Tensor,
    noise: Tensor,
    pulled: Tensor | None = None,
) -> SolverState:
    """x_{t-1} of DDIM with the solver's eta; eps is derived anew from x_0 after thresholding.

    With `pulled` (like x_t) it is then moved, see guidance.pulled_eps, and x_0 follows it without being thresholded
    again, as in openai/guided-diffusion@169a6e8, condition_score.
    """
    x_start = reverse_step(schedule, output, x_t, t, solver.threshold).x_start
    eps = eps_from_x_start(schedule, x_t, t, x_start)
    if pulled is not None:
        eps = pulled_eps(schedule, eps, t, pulled)
        x_start = x_start_from_eps(schedule, x_t, t, eps)
    # in float32 like the reference, whose rounding shows where alpha_bar is close to 1
    cumulative, previous = (
        extract_at_timestep(values, t, x_t) for values in (schedule.alphas_cumprod, schedule.alphas_cumprod_prev)
    )
    sigma = solver.eta * ((1 - previous) / (1 - cumulative)).sqrt() * (1 - cumulative / previous).sqrt()
    mean = x_start * previous.sqrt() + (1 - previous - sigma**2).sqrt() * eps
    return SolverState(mean + _unless_last(t, x_t) * sigma * noise, x_start)


def _unless_last(t: Tensor, like: Tensor) -> Tensor:
    return (t != 0).float().reshape(-1, *[1] * (like.dim() - 1))


Step = Callable[[Solver, NoiseSchedule, Tensor, Tensor, Tensor, Tensor, Tensor | None], SolverState]
STEPS: dict[str, Step] = {"ddpm": ancestral_step, "ddim": ddim_step}


@dataclass(frozen=True)
class Multistep:
    """A multistep scheduler of diffusers: its class, its options, and whether its steps take fresh noise.

    DPM-Solver++: arXiv 2211.01095; UniPC: arXiv 2302.04867.
    """

    scheduler: str
    options: dict[str, Any] = field(default_factory=dict)
    takes_noise: bool = False


MULTISTEP = {
    "dpm-solver++": Multistep("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}),
    "dpm-solver++-sde": Multistep("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}, True),
    "unipc": Multistep("UniPCMultistepScheduler"),
}
SOLVERS = (*STEPS, *MULTISTEP)
