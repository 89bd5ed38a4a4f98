"""The adversarial training of a generator against a discriminator: one objective for all GAN baselines.

Order as in NVlabs/SPADE@fecacc9, trainers/pix2pix_trainer.py: a generator step, then a discriminator step on pictures
made anew.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import update_bn

from sdm_bench.base.processes import rank_and_count
from sdm_bench.models.gan import Discriminator, Generated, Generator
from sdm_bench.models.preset import DiscriminatorPreset, TrainingPreset
from sdm_bench.training.adversarial_losses import DiscriminatorInput, Losses, kl_divergence, make_adversarial_loss
from sdm_bench.training.batches import Batch
from sdm_bench.training.objective import Objective

# A batch and one CPU random generator a sample -> weighted losses by name.
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
    ):
        super().__init__(generator, _adam(generator, preset.learning_rate, preset), preset)
        rate = preset.discriminator_learning_rate or preset.learning_rate
        self.modules["discriminator"] = discriminator
        self.optimizers["discriminator"] = _adam(discriminator, rate, preset)
        self.rates["discriminator"] = rate
        self.config = generator.config
        self.weights = weights
        self.adversarial_loss = make_adversarial_loss(weights, self.config)
        self.perceptual = perceptual
        # the module may be wrapped for several processes later, and then has no `latent`
        self.draw_latent = generator.latent

    def update(self, batches: Sequence[Batch]) -> dict[str, float]:
        """A generator step and a discriminator step from the mean gradients of `batches`."""
        rngs = [[torch.Generator().manual_seed(seed) for seed in batch.noise_seeds] for batch in batches]
        scalars = self._step("network", batches, rngs, self.generator_losses)
        return scalars | self._step("discriminator", batches, rngs, self.discriminator_losses)

    def _step(
        self, name: str, batches: Sequence[Batch], rngs: list[list[torch.Generator]], losses_of: LossesOf
    ) -> dict[str, float]:
        self.modules["discriminator"].requires_grad_(name == "discriminator")
        scalars: dict[str, float] = {}
        for batch, generators in zip(batches, rngs, strict=True):
            with self.accelerator.autocast():
                losses = losses_of(batch, generators)
            self.accelerator.backward(torch.stack([*losses.values()]).sum() / len(batches))
            for key, value in losses.items():
                scalars[key] = scalars.get(key, 0.0) + float(value.detach()) / len(batches)
        self.optimize(name)
        return scalars

    def generator_losses(self, batch: Batch, rngs: list[torch.Generator]) -> Losses:
        """The weighted terms of the generator's loss."""
        generated, shown = self.generate(self.modules["network"], batch, rngs)
        losses = self.adversarial_loss.generator_losses(self.modules["discriminator"], shown)
        if self.perceptual is not None:
            losses["perceptual"] = self.weights.lambda_vgg * self.perceptual(shown.fake, shown.real)
        if generated.posteriors:
            # a sum over samples, of which each process has a share; its gradient is averaged over the processes
            losses["kl"] = self.weights.lambda_kl * rank_and_count()[1] * kl_divergence(generated.posteriors)
        if generated.auxiliary is not None:
            losses["auxiliary"] = self.weights.lambda_auxiliary * F.l1_loss(generated.auxiliary, shown.real)
        return losses

    def discriminator_losses(self, batch: Batch, rngs: list[torch.Generator]) -> Losses:
        """The weighted terms of the discriminator's loss."""
        with torch.no_grad():
            _, shown = self.generate(self.modules["network"], batch, rngs)
        return self.adversarial_loss.discriminator_losses(self.modules["discriminator"], shown, rngs)

    def generate(
        self, network: nn.Module, batch: Batch, rngs: list[torch.Generator]
    ) -> tuple[Generated, DiscriminatorInput]:
        """What `network` makes of a batch, and what the discriminator is shown of it."""
        condition = self.config.remap_condition(batch.condition)
        styled = replace(condition, style=batch.images) if self.config.styled else condition
        generated = network(styled, self.draw_latent(styled, rngs))
        semantics = condition.semantics(self.config.edges)
        return generated, DiscriminatorInput(condition, semantics, generated.picture, batch.images)

    def recalibrate_batch_norm(self, batches: Iterable[Batch]) -> None:
        """Measures the batch-norm statistics of the averaged generator on `batches`, instead of averaging them."""
        for average in self.averages.values():
            update_bn(batches, _OnBatches(average.module, self))
            average.eval()


class _OnBatches(nn.Module):
    """A generator as a function of batches, which is what update_bn calls."""

    def __init__(self, network: nn.Module, objective: AdversarialObjective):
        super().__init__()
        self.network = network
        self.generate = objective.generate

    def forward(self, batch: Batch) -> Generated:
        rngs = [torch.Generator().manual_seed(seed) for seed in batch.noise_seeds]
        return self.generate(self.network, batch, rngs)[0]


def _adam(module: nn.Module, rate: float, preset: TrainingPreset) -> torch.optim.Optimizer:
    return torch.optim.Adam(module.parameters(), lr=rate, betas=preset.betas)
