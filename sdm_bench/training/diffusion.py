"""The training of denoising networks: noise, timesteps and dropped labels by sample, their loss, one optimizer."""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from sdm_bench.base.errors import unknown_name
from sdm_bench.diffusion.gaussian_diffusion import NoiseSchedule, q_sample
from sdm_bench.diffusion.losses import DiffusionLosses, training_loss
from sdm_bench.models.preset import TrainingPreset
from sdm_bench.training.batches import Batch
from sdm_bench.training.objective import Objective, adamw

HISTORY = 10  # losses that a loss-aware sampler remembers of each timestep
UNIFORM_SHARE = 0.001  # of its timesteps


class DiffusionObjective(Objective):
    """Trains `network` on `schedule` (arXiv 2207.00050 section 3.3).

    condition_dropout: the share of samples whose whole condition, edges included, is replaced by the null label.
    timestep_sampler: which timesteps are trained, see `make_timestep_sampler`. loss: see `training_loss`.
    """

    def __init__(
        self,
        network: nn.Module,
        edges: bool,
        schedule: NoiseSchedule,
        preset: TrainingPreset,
        condition_dropout: float,
        timestep_sampler: str = "uniform",
        loss: Literal["mse", "rescaled-mse", "kl"] = "mse",
    ):
        super().__init__(network, adamw(network, preset), preset)
        self.timesteps = make_timestep_sampler(timestep_sampler, len(schedule))
        if self.timesteps.state_dict():
            self.extra_state["timesteps"] = self.timesteps
        self.schedule = schedule
        self.edges = edges
        self.condition_dropout = condition_dropout
        self.loss = loss

    def update(self, batches: Sequence[Batch]) -> dict[str, float]:
        """One update from the mean gradient of `batches`."""
        sums = {"loss": 0.0, "mse": 0.0, "vb": 0.0}
        seen = []
        for batch in batches:
            with self.accelerator.autocast():
                t, losses = self.losses(batch)
            self.accelerator.backward((losses.loss * self.timesteps.weights(t)).mean() / len(batches))
            seen.append((t, losses.loss.detach()))
            self._suspect(batch, losses.loss)
            for name in sums:
                sums[name] += float(getattr(losses, name).detach().mean()) / len(batches)
        for t, loss in seen:
            self.timesteps.observe(self._gathered(t), self._gathered(loss))
        self.optimize("network")
        return sums

    def _suspect(self, batch: Batch, losses: Tensor) -> None:
        """Narrows the suspects down to those samples of a batch whose own losses (N,) are NaN or Inf, if any are."""
        wrong = [name for name, loss in zip(batch.ids, losses.tolist(), strict=False) if not math.isfinite(loss)]
        self.suspects = wrong or self.suspects

    def _gathered(self, values: Tensor) -> Tensor:
        """The values (N,) of all processes in the order of the samples, which are dealt out in turn."""
        return self.accelerator.gather(values).view(self.accelerator.num_processes, -1).T.flatten()

    def losses(self, batch: Batch) -> tuple[Tensor, DiffusionLosses]:
        """The timesteps (N,) and the loss of a batch; its noise seeds decide timesteps and noises."""
        timesteps, noises, uniforms = [], [], []
        for seed in batch.noise_seeds:
            generator = torch.Generator().manual_seed(seed)
            timesteps.append(self.timesteps.sample(generator))
            noises.append(torch.randn(batch.images.shape[1:], generator=generator))
            uniforms.append(torch.rand(1, generator=generator))
        device = batch.images.device
        t, noise = torch.cat(timesteps).to(device), torch.stack(noises).to(device)
        condition = batch.condition.drop((torch.cat(uniforms) < self.condition_dropout).to(device))
        x_t = q_sample(self.schedule, batch.images, t, noise)
        timesteps_seen = self.schedule.network_timesteps(t)
        output = self.modules["network"](x_t, timesteps_seen, condition.semantics(self.edges)).float()
        return t, training_loss(self.schedule, output, batch.images, x_t, t, noise, self.loss)


class UniformTimesteps(nn.Module):
    """Every timestep alike."""

    def __init__(self, steps: int):
        super().__init__()
        self.steps = steps

    def sample(self, generator: torch.Generator) -> Tensor:
        """One timestep, int64 (1,)."""
        return torch.randint(self.steps, (1,), generator=generator)

    def weights(self, t: Tensor) -> Tensor:
        """What the losses at timesteps t (N,) are multiplied by to keep their mean."""
        return torch.ones(len(t), device=t.device)

    def observe(self, t: Tensor, losses: Tensor) -> None:
        """Takes note of the losses (N,) at t (N,)."""


class LossAwareTimesteps(UniformTimesteps):
    """Timesteps drawn in proportion to the root of the mean of their last ten squared losses.

    All alike until each has been drawn ten times; one in a thousand stays uniform. Source: section 3.3 of arXiv
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

    def sample(self, generator: torch.Generator) -> Tensor:
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
