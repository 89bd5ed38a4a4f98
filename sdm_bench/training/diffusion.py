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


class DiffusionObjective(Objective):
    """Trains `network` on `schedule` (arXiv 2207.00050 section 3.3).

    condition_dropout: the share of samples whose whole condition, edges included, is replaced by the null label.
    """

    def __init__(
        self,
        network: nn.Module,
        edges: bool,
        schedule: NoiseSchedule,
        preset: TrainingPreset,
        condition_dropout: float,
        seed: int,
    ):
        super().__init__(seed)
        self.schedule = schedule
        self.edges = edges
        self.preset = preset
        self.condition_dropout = condition_dropout
        self.take(network, adamw(network, preset), preset)

    def step(self, batches: Sequence[Batch], progress: float) -> dict[str, float]:
        """One update from the mean gradient of `batches`."""
        learning_rate_at(self.optimizers["network"], self.preset.learning_rate, self.preset.decay_from, progress)
        sums = {"loss": 0.0, "mse": 0.0, "vb": 0.0}
        for batch in batches:
            with self.accelerator.autocast():
                losses = self.losses(batch)
            self.accelerator.backward(losses.loss.mean() / len(batches))
            for name in sums:
                sums[name] += float(getattr(losses, name).detach().mean()) / len(batches)
        self.optimizers["network"].step()
        self.optimizers["network"].zero_grad()
        self.update_averages()
        return sums

    def losses(self, batch: Batch) -> DiffusionLosses:
        """The hybrid loss of a batch at the timesteps and noises that its draws decide."""
        t, noise, dropped = self._drawn(batch)
        condition = batch.condition.drop(dropped)
        x_t = q_sample(self.schedule, batch.images, t, noise)
        output = self.modules["network"](x_t, t, condition.semantics(self.edges)).float()
        return hybrid_loss(self.schedule, output, batch.images, x_t, t, noise)

    def _drawn(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        timesteps, noises, uniforms = [], [], []
        for generator in noise_generators(batch.draws, self.seed):
            timesteps.append(torch.randint(len(self.schedule), (1,), generator=generator))
            noises.append(torch.randn(batch.images.shape[1:], generator=generator))
            uniforms.append(torch.rand(1, generator=generator))
        device = batch.images.device
        dropped = torch.cat(uniforms) < self.condition_dropout
        return torch.cat(timesteps).to(device), torch.stack(noises).to(device), dropped.to(device)
