"""Editing: a part of a picture is erased and made anew, the rest is known; at every step what is known is merged in.

RePaint, arXiv 2201.09865: algorithm 1, which merges after each reverse step, and the jumps back of its appendix. The
known part at a timestep is sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) noise; line 5 of algorithm 1 prints 1 - alpha_bar
without the root, which is a slip: q(x_t | x_0) has it. The released code, andreas128/RePaint@8e2a055, merges before the
network, at the timestep of its input, from the second evaluation on. SDEdit, arXiv 2108.01073: the walk starts at a
later, less noisy timestep, from the source with noise.

Known and unknown part have noises of their own, and the unknown part is a step of any solver, with the learned variance
where it has one. diffusers' RePaintScheduler shares one noise between both parts, takes DDIM's step alone and ignores a
learned variance; where it can agree, in a step of DDIM on one noise without thresholding, it does (tests).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.diffusion.gaussian_diffusion import NoiseSchedule, extract_at_timestep, q_sample
from sdm_bench.diffusion.guidance import Pull
from sdm_bench.diffusion.solvers import MULTISTEP, Denoiser, NoiseSource, Solver, SolverState, walk_of

MERGES = ("after", "before")
# RePaint's, where steps are repeated at all.
JUMP_LENGTH = 10
# Of a picture: the place behind the last timestep, where nothing is noise.
CLEAN = -1


@dataclass(frozen=True)
class Inpainting:
    """How what is known comes in.

    merge: `after` each reverse step, or `before` the network; walked once, the two make the same inside and differ
    outside in the last step, and with jumps the latter merges anew at the end of each. jump_samples: how often each
    stretch of `jump_length` timesteps is walked, 1: once; RePaint has 10 and 10 on 250 timesteps. strength: the share
    of the timesteps that are walked, above 0; below 1 the walk starts from the source with noise.
    """

    merge: str = "after"
    jump_length: int = JUMP_LENGTH
    jump_samples: int = 1
    strength: float = 1.0

    def __post_init__(self) -> None:
        if self.merge not in MERGES:
            raise unknown_name("merge", self.merge, MERGES)
        if self.jump_length < 1:
            raise UserError(f"--jump-length {self.jump_length}: expected at least 1")
        if self.jump_samples < 1:
            raise UserError(f"--jump-samples {self.jump_samples}: expected at least 1")
        if not 0 < self.strength <= 1:
            raise UserError(f"--strength {self.strength:g}: expected a share of the timesteps, above 0 and up to 1")

    def refuse_solver(self, solver: Solver) -> None:
        """Raises UserError for a solver whose steps can't be taken again."""
        if self.jump_samples > 1 and solver.name in MULTISTEP:
            raise UserError(
                f"--jump-samples {self.jump_samples}: {solver.name} builds on its last steps, which a jump back would "
                "make false; ddpm and ddim can jump"
            )

    def walked(self, timesteps: int) -> int:
        """How many of so many timesteps are walked: their share rounded, at least one."""
        return max(1, round(self.strength * timesteps))

    def evaluations(self, timesteps: int) -> int:
        """Reverse steps, each with an evaluation of the network, on a schedule of so many timesteps."""
        walked = self.walked(timesteps)
        return sum(step.reverse for step in jump_schedule(walked, self.jump_length, self.jump_samples))


class Move(NamedTuple):
    """From one place to the next: a reverse step to `end`, one less than `start`, or a forward step, one more."""

    start: int
    end: int

    @property
    def reverse(self) -> bool:
        """Whether noise is taken away."""
        return self.end < self.start


def jump_schedule(timesteps: int, jump_length: int, jump_samples: int) -> list[Move]:
    """The moves from the noisiest of so many timesteps to CLEAN.

    On reaching one of 0, j, 2j, ... below timesteps - j, the walk goes j up, jump_samples - 1 times at each. 250
    timesteps with 10 and 10 are 2,410 reverse and 2,160 forward steps.
    """
    left = dict.fromkeys(range(0, timesteps - jump_length, jump_length), jump_samples - 1)
    moves, place = [], timesteps - 1
    while place > CLEAN:
        moves.append(Move(place, place - 1))
        place -= 1
        if left.get(place, 0):
            left[place] -= 1
            moves += [Move(step, step + 1) for step in range(place, place + jump_length)]
            place += jump_length
    return moves


class Known(NamedTuple):
    """source: (N, 3, H, W) in [-1, 1]. erased: bool (N, 1, H, W), True where it is made anew."""

    source: Tensor
    erased: Tensor

    def merged(self, schedule: NoiseSchedule, sample: Tensor, timestep: int, noise: Tensor) -> Tensor:
        """`sample` inside, and outside the source as noisy as `timestep` is; behind the last, the source itself."""
        return torch.where(self.erased, sample, noisy(schedule, self.source, timestep, noise))


def noisy(schedule: NoiseSchedule, x_start: Tensor, timestep: int, noise: Tensor) -> Tensor:
    """x_t drawn from q(x_t | x_0) with `noise`; x_0 at CLEAN."""
    if timestep == CLEAN:
        return x_start
    return q_sample(schedule, x_start, torch.full((1,), timestep, device=x_start.device), noise)


def forward_step(schedule: NoiseSchedule, sample: Tensor, timestep: int, noise: Tensor) -> Tensor:
    """x_t drawn from q(x_t | x_{t-1}), sqrt(1 - beta_t) x_{t-1} + sqrt(beta_t) noise, for t = `timestep`."""
    t = torch.full((1,), timestep, device=sample.device)
    kept = extract_at_timestep((1.0 - schedule.betas) ** 0.5, t, sample)
    return kept * sample + extract_at_timestep(schedule.betas**0.5, t, sample) * noise


def inpaint(
    solver: Solver,
    schedule: NoiseSchedule,
    denoise: Denoiser,
    known: Known,
    noise: NoiseSource,
    how: Inpainting,
    pull: Pull | None = None,
) -> Iterator[SolverState]:
    """Makes the erased part of `known.source` anew; yields after every reverse step, Inpainting.evaluations in all.

    schedule: as Solver.schedule gives it. pull: as in `solve`. Noises are drawn in one order: of the start; of each
    reverse step, then of the known part that is merged; of each forward step. Merged after, the last state has the
    source outside; merged before, it has what the network made of it. Raises UserError where the solver can't jump.
    """
    how.refuse_solver(solver)
    total = solver.steps if solver.name in MULTISTEP else len(schedule)
    walked = how.walked(total)
    walk = walk_of(solver, schedule, total - walked, pull)
    # by place, counted from the end of the walk: the timestep of the network there
    timesteps = list(reversed(walk.timesteps))
    started = noise()
    sample = started if walked == total else noisy(schedule, known.source, timesteps[-1], started)
    for number, move in enumerate(jump_schedule(walked, how.jump_length, how.jump_samples)):
        if not move.reverse:
            sample = forward_step(schedule, sample, timesteps[move.end], noise())
            continue
        timestep = timesteps[move.start]
        if how.merge == "before" and number > 0:
            sample = known.merged(schedule, sample, timestep, noise())
        state = walk.step(denoise, sample, timestep, noise)
        if how.merge == "after":
            reached = CLEAN if move.end == CLEAN else timesteps[move.end]
            state = SolverState(known.merged(schedule, state.sample, reached, noise()), state.x_start)
        yield state
        sample = state.sample
