"""The training of denoising networks: noise, timesteps and dropped labels by draw, the hybrid loss, one optimizer."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sdm_bench.diffusion.gaussian import q_sample
from sdm_bench.diffusion.losses import DiffusionLosses, hybrid_loss
from sdm_bench.diffusion.schedule import NoiseSchedule
from sdm_bench.models.preset import TrainingPreset
from sdm_bench.training.batches import Batch, noise_generators
from sdm_bench.training.objective import Objective, adamw, learning_rate_at
from sdm_bench.training.timesteps import make_timestep_sampler


class DiffusionObjective(Objective):
    """Trains `network` on `schedule` (arXiv 2207.00050 section 3.3).

    condition_dropout: the share of samples whose whole condition, edges included, is replaced by the null label.
    timestep_sampler: see training/timesteps.py.
    """

    def __init__(
        self,
        network: nn.Module,
        edges: bool,
        schedule: NoiseSchedule,
        preset: TrainingPreset,
        condition_dropout: float,
        seed: int,
        timestep_sampler: str = "uniform",
    ):
        super().__init__(seed)
        self.timesteps = make_timestep_sampler(timestep_sampler, len(schedule))
        if self.timesteps.state_dict():
            self.memories["timesteps"] = self.timesteps
        self.schedule = schedule
        self.edges = edges
        self.preset = preset
        self.condition_dropout = condition_dropout
        self.take(network, adamw(network, preset), preset)

    def step(self, batches: Sequence[Batch], progress: float) -> dict[str, float]:
        """One update from the mean gradient of `batches`."""
        learning_rate_at(self.optimizers["network"], self.preset.learning_rate, self.preset, progress)
        sums = {"loss": 0.0, "mse": 0.0, "vb": 0.0}
        seen = []
        for batch in batches:
            with self.accelerator.autocast():
                t, losses = self.losses(batch)
            self.accelerator.backward((losses.loss * self.timesteps.weights(t)).mean() / len(batches))
            seen.append((t, losses.loss.detach()))
            for name in sums:
                sums[name] += float(getattr(losses, name).detach().mean()) / len(batches)
        for t, loss in seen:
            self.timesteps.observe(self.accelerator.gather(t), self.accelerator.gather(loss))
        self.optimizers["network"].step()
        self.optimizers["network"].zero_grad()
        self.update_averages()
        return sums

    def losses(self, batch: Batch) -> tuple[Tensor, DiffusionLosses]:
        """The timesteps (N,) and the hybrid loss of a batch; its draws decide timesteps and noises."""
        t, noise, dropped = self._drawn(batch)
        condition = batch.condition.drop(dropped)
        x_t = q_sample(self.schedule, batch.images, t, noise)
        output = self.modules["network"](x_t, t, condition.semantics(self.edges)).float()
        return t, hybrid_loss(self.schedule, output, batch.images, x_t, t, noise)

    def _drawn(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        timesteps, noises, uniforms = [], [], []
        for generator in noise_generators(batch.draws, self.seed):
            timesteps.append(self.timesteps.draw(generator))
            noises.append(torch.randn(batch.images.shape[1:], generator=generator))
            uniforms.append(torch.rand(1, generator=generator))
        device = batch.images.device
        dropped = torch.cat(uniforms) < self.condition_dropout
        return torch.cat(timesteps).to(device), torch.stack(noises).to(device), dropped.to(device)
