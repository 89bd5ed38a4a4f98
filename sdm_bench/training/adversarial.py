"""The adversarial training of a generator against a multi-scale discriminator (SPADE, arXiv 1903.07291).

Order as in NVlabs/SPADE@fecacc9, trainers/pix2pix_trainer.py: a generator step, then a discriminator step on pictures
made anew; fake and real go through the discriminator as one batch.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sdm_bench.models.preset import DiscriminatorPreset, TrainingPreset
from sdm_bench.training import gan_losses
from sdm_bench.training.batches import Batch
from sdm_bench.training.objective import Objective, learning_rate_at

Scales = list[list[Tensor]]


class AdversarialObjective(Objective):
    """Trains `generator` (semantics -> picture) with hinge, feature-matching and, where given, perceptual losses."""

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        edges: bool,
        preset: TrainingPreset,
        weights: DiscriminatorPreset,
        perceptual: nn.Module | None,
        seed: int,
    ):
        super().__init__(seed)
        self.edges = edges
        self.preset = preset
        self.weights = weights
        self.perceptual = perceptual
        self.rates = {
            "network": preset.learning_rate,
            "discriminator": preset.discriminator_learning_rate or preset.learning_rate,
        }
        self.take(generator, self._adam(generator, "network"), preset)
        self.modules["discriminator"] = discriminator
        self.optimizers["discriminator"] = self._adam(discriminator, "discriminator")

    def _adam(self, module: nn.Module, name: str) -> torch.optim.Optimizer:
        return torch.optim.Adam(module.parameters(), lr=self.rates[name], betas=self.preset.betas)

    def step(self, batches: Sequence[Batch], progress: float) -> dict[str, float]:
        """A generator step and a discriminator step from the mean gradients of `batches`."""
        for name, rate in self.rates.items():
            learning_rate_at(self.optimizers[name], rate, self.preset.decay_from, progress)
        figures = self._update("network", batches, self.generator_losses)
        figures |= self._update("discriminator", batches, self.discriminator_losses)
        self.update_averages()
        return figures

    def _update(self, name, batches, losses_of) -> dict[str, float]:  # type: ignore[no-untyped-def]
        self.modules["discriminator"].requires_grad_(name == "discriminator")
        figures: dict[str, float] = {}
        for batch in batches:
            with self.accelerator.autocast():
                losses = losses_of(batch)
            self.accelerator.backward(gan_losses.sum_of(losses.values()) / len(batches))
            for key, value in losses.items():
                figures[key] = figures.get(key, 0.0) + float(value.detach()) / len(batches)
        self.optimizers[name].step()
        self.optimizers[name].zero_grad()
        return figures

    def generator_losses(self, batch: Batch) -> dict[str, Tensor]:
        """The weighted terms of the generator's loss."""
        semantics = batch.condition.semantics(self.edges)
        picture = self.modules["network"](semantics)
        fake, real = self._judge(semantics, picture, batch.images)
        losses = {
            "generator": gan_losses.hinge_generator(fake),
            "feature": self.weights.lambda_feature * gan_losses.feature_matching(fake, real),
        }
        if self.perceptual is not None:
            losses["perceptual"] = self.weights.lambda_vgg * self.perceptual(picture, batch.images)
        return losses

    def discriminator_losses(self, batch: Batch) -> dict[str, Tensor]:
        """The two terms of the discriminator's loss."""
        semantics = batch.condition.semantics(self.edges)
        with torch.no_grad():
            picture = self.modules["network"](semantics)
        fake, real = self._judge(semantics, picture, batch.images)
        return {
            "fake": gan_losses.hinge_discriminator(fake, real=False),
            "real": gan_losses.hinge_discriminator(real, real=True),
        }

    def _judge(self, semantics: Tensor, fake: Tensor, real: Tensor) -> tuple[Scales, Scales]:
        both = torch.cat([torch.cat([semantics, fake], 1), torch.cat([semantics, real], 1)])
        outputs = self.modules["discriminator"](both)
        halves = [[layer.chunk(2) for layer in scale] for scale in outputs]
        return ([[f for f, _ in scale] for scale in halves], [[r for _, r in scale] for scale in halves])
