"""Which timesteps a denoising network is trained at: all alike, or more often where the loss is large."""

import torch
from torch import Tensor, nn

from sdm_bench.errors import unknown_name

HISTORY = 10
UNIFORM_SHARE = 0.001


class UniformTimesteps(nn.Module):
    """Every timestep alike."""

    def __init__(self, steps: int):
        super().__init__()
        self.steps = steps

    def draw(self, generator: torch.Generator) -> Tensor:
        """One timestep, int64 (1,)."""
        return torch.randint(self.steps, (1,), generator=generator)

    def weights(self, t: Tensor) -> Tensor:
        """What the losses at timesteps t (N,) are multiplied by to keep their mean."""
        return torch.ones(len(t), device=t.device)

    def observe(self, t: Tensor, losses: Tensor) -> None:
        """Takes note of the losses (N,) at t (N,)."""


class LossAwareTimesteps(UniformTimesteps):
    """Timesteps drawn in proportion to the root of the mean of their last ten squared losses.

    All alike until each has been drawn ten times; one draw in a thousand stays uniform. Source: section 3.3 of arXiv
    2102.09672; WeilunWang/semantic-diffusion-model@7171f37, guided_diffusion/resample.py LossSecondMomentResampler.
    """

    history: Tensor
    counts: Tensor

    def __init__(self, steps: int):
        super().__init__(steps)
        self.register_buffer("history", torch.zeros(steps, HISTORY, dtype=torch.float64))
        self.register_buffer("counts", torch.zeros(steps, dtype=torch.int64))

    def probabilities(self) -> Tensor:
        """float64 (steps,), adding up to one."""
        uniform = torch.full((self.steps,), 1 / self.steps, dtype=torch.float64)
        if (self.counts < HISTORY).any():
            return uniform
        roots = self.history.square().mean(1).sqrt()
        return (1 - UNIFORM_SHARE) * roots / roots.sum() + UNIFORM_SHARE * uniform

    def draw(self, generator: torch.Generator) -> Tensor:
        """One timestep, int64 (1,)."""
        return torch.multinomial(self.probabilities(), 1, generator=generator)

    def weights(self, t: Tensor) -> Tensor:
        """1 / (steps * probability) of each of t (N,)."""
        return (1 / (self.steps * self.probabilities()[t.cpu()])).float().to(t.device)

    def observe(self, t: Tensor, losses: Tensor) -> None:
        """Takes note of the losses (N,) at t (N,), the newest ten of each timestep."""
        for timestep, loss in zip(t.tolist(), losses.tolist(), strict=True):
            count = int(self.counts[timestep])
            if count == HISTORY:
                self.history[timestep, :-1] = self.history[timestep, 1:].clone()
                self.history[timestep, -1] = loss
            else:
                self.history[timestep, count] = loss
                self.counts[timestep] += 1


SAMPLERS = {"uniform": UniformTimesteps, "loss-second-moment": LossAwareTimesteps}


def make_timestep_sampler(name: str, steps: int) -> UniformTimesteps:
    """The sampler called `name` of `steps` timesteps; raises UserError with the nearest known name."""
    if name not in SAMPLERS:
        raise unknown_name("timestep sampler", name, SAMPLERS)
    return SAMPLERS[name](steps)
