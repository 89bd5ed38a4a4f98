"""The adversarial training of a generator against a discriminator: one loop for all baselines.

Order as in NVlabs/SPADE@fecacc9, trainers/pix2pix_trainer.py: a generator step, then a discriminator step on pictures
made anew.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import update_bn

from sdm_bench.models.gan import Discriminator, Generated, Generator
from sdm_bench.models.preset import DiscriminatorPreset, TrainingPreset
from sdm_bench.training import gan_losses
from sdm_bench.training.batches import Batch, noise_generators
from sdm_bench.training.judged import Judged, Losses
from sdm_bench.training.objective import Objective, learning_rate_at
from sdm_bench.training.verdicts import verdict

LossesOf = Callable[[Batch, list[torch.Generator]], Losses]


class AdversarialObjective(Objective):
    """Trains `generator` with what `weights` weighs: adversarial, feature, perceptual, KL and auxiliary losses."""

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        preset: TrainingPreset,
        weights: DiscriminatorPreset,
        perceptual: nn.Module | None,
        seed: int,
    ):
        super().__init__(seed)
        self.config = generator.config
        self.preset = preset
        self.weights = weights
        self.verdict = verdict(weights, self.config)
        self.perceptual = perceptual
        self.rates = {
            "network": preset.learning_rate,
            "discriminator": preset.discriminator_learning_rate or preset.learning_rate,
        }
        self.draw_latent = generator.latent
        self.take(generator, self._adam(generator, "network"), preset)
        self.modules["discriminator"] = discriminator
        self.optimizers["discriminator"] = self._adam(discriminator, "discriminator")

    def _adam(self, module: nn.Module, name: str) -> torch.optim.Optimizer:
        return torch.optim.Adam(module.parameters(), lr=self.rates[name], betas=self.preset.betas)

    def step(self, batches: Sequence[Batch], progress: float) -> dict[str, float]:
        """A generator step and a discriminator step from the mean gradients of `batches`."""
        for name, rate in self.rates.items():
            learning_rate_at(self.optimizers[name], rate, self.preset, progress)
        noises = [noise_generators(batch.draws, self.seed) for batch in batches]
        figures = self._update("network", batches, noises, self.generator_losses)
        figures |= self._update("discriminator", batches, noises, self.discriminator_losses)
        self.update_averages()
        return figures

    def refresh(self, batches: Iterable[Batch]) -> None:
        """Measures the batch-norm statistics of the averaged generator on `batches`, instead of averaging them."""
        for average in self.averages.values():
            update_bn(batches, _Sampling(average.module, self))
            average.eval()

    def _update(
        self, name: str, batches: Sequence[Batch], noises: list[list[torch.Generator]], losses_of: LossesOf
    ) -> dict[str, float]:
        self.modules["discriminator"].requires_grad_(name == "discriminator")
        figures: dict[str, float] = {}
        for batch, generators in zip(batches, noises, strict=True):
            with self.accelerator.autocast():
                losses = losses_of(batch, generators)
            self.accelerator.backward(gan_losses.sum_of(losses.values()) / len(batches))
            for key, value in losses.items():
                figures[key] = figures.get(key, 0.0) + float(value.detach()) / len(batches)
        self.optimizers[name].step()
        self.optimizers[name].zero_grad()
        return figures

    def generator_losses(self, batch: Batch, generators: list[torch.Generator]) -> Losses:
        """The weighted terms of the generator's loss; `generators` are one a sample."""
        generated, judged = self.generate(self.modules["network"], batch, generators)
        losses = self.verdict.of_generator(self.modules["discriminator"], judged)
        if self.perceptual is not None:
            losses["perceptual"] = self.weights.lambda_vgg * self.perceptual(judged.fake, judged.real)
        if generated.posteriors:
            losses["kl"] = self.weights.lambda_kl * gan_losses.kl_divergence(generated.posteriors)
        if generated.auxiliary is not None:
            difference = F.l1_loss(generated.auxiliary, judged.real)
            losses["auxiliary"] = self.weights.lambda_auxiliary * difference
        return losses

    def discriminator_losses(self, batch: Batch, generators: list[torch.Generator]) -> Losses:
        """The terms of the discriminator's loss; `generators` are one a sample."""
        with torch.no_grad():
            _, judged = self.generate(self.modules["network"], batch, generators)
        return self.verdict.of_discriminator(self.modules["discriminator"], judged, generators)

    def generate(self, network: nn.Module, batch: Batch, generators: list[torch.Generator]) -> tuple[Generated, Judged]:
        """What `network` makes of a batch, and what a discriminator is shown of it; `generators` are one a sample."""
        condition = self.config.read(batch.condition)
        styled = replace(condition, style=batch.images) if self.config.styled else condition
        generated = network(styled, self.draw_latent(styled, generators))
        judged = Judged(condition, condition.semantics(self.config.edges), generated.picture, batch.images)
        return generated, judged


class _Sampling(nn.Module):
    """A generator as a function of batches."""

    def __init__(self, network: nn.Module, objective: AdversarialObjective):
        super().__init__()
        self.network = network
        self.of_batch = objective.generate
        self.seed = objective.seed

    def forward(self, batch: Batch) -> Generated:
        return self.of_batch(self.network, batch, noise_generators(batch.draws, self.seed))[0]
