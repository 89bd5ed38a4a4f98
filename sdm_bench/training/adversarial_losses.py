"""The losses of the GAN baselines: what a discriminator's output costs the generator and the discriminator.

Patch discriminators score patches: hinge, least-squares, cross-entropy and Wasserstein losses, and feature matching, of
pix2pixHD, SPADE and those that follow it. OASIS's discriminator segments: cross-entropy over the classes and "fake",
balanced over classes, and LabelMix.
Source: NVlabs/SPADE@fecacc9, models/networks/loss.py and models/pix2pix_model.py; arXiv 2012.04781, equations 1 to 4,
boschresearch/OASIS@aeb875f, models/losses.py and models.py.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.base.processes import rank_and_count, total
from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import DiscriminatorOutput, GANConfig, Gaussian
from sdm_bench.models.oasis import OASISConfig
from sdm_bench.models.preset import DiscriminatorPreset

# Weighted losses by name, each a scalar.
Losses = dict[str, Tensor]
# Groups of layer outputs.
Features = Sequence[Sequence[Tensor]]


class DiscriminatorInput(NamedTuple):
    """The label map (ids and one-hot) and both images.

    condition: N label maps. semantics: (N, C, H, W), its channels. fake, real: (N, 3, H, W) in [-1, 1].
    """

    condition: Condition
    semantics: Tensor
    fake: Tensor
    real: Tensor


class AdversarialLoss(Protocol):
    """The adversarial losses with one kind of discriminator, weighted."""

    def generator_losses(self, discriminator: nn.Module, shown: DiscriminatorInput) -> Losses:
        """The terms that train the generator."""

    def discriminator_losses(
        self, discriminator: nn.Module, shown: DiscriminatorInput, rngs: list[torch.Generator]
    ) -> Losses:
        """The terms that train the discriminator; `rngs` are one CPU random generator a sample."""


def make_adversarial_loss(weights: DiscriminatorPreset, config: GANConfig) -> AdversarialLoss:
    """The losses with the kind of discriminator that a preset names."""
    if weights.kind == "unet":
        assert isinstance(config, OASISConfig)
        return SegmentationAdversarialLoss(weights, config)
    return PatchAdversarialLoss(weights)


class PatchAdversarialLoss:
    """Losses of patches' scores; fake and real images go through the discriminator as one batch, as in SPADE."""

    def __init__(self, weights: DiscriminatorPreset):
        self.weights = weights

    def generator_losses(self, discriminator: nn.Module, shown: DiscriminatorInput) -> Losses:
        """`generator`, and `feature` where it has a weight."""
        fake, real = self._outputs(discriminator, shown)
        losses = {"generator": self._gan_loss(fake.scores, real=True, of_generator=True)}
        if self.weights.lambda_feature:
            matched = feature_matching(fake.features, real.features, self.weights.feature_from)
            losses["feature"] = self.weights.lambda_feature * matched
        return losses

    def discriminator_losses(
        self, discriminator: nn.Module, shown: DiscriminatorInput, rngs: list[torch.Generator]
    ) -> Losses:
        """`fake` and `real`."""
        fake, real = self._outputs(discriminator, shown)
        share = self.weights.discriminator_share
        return {
            "fake": share * self._gan_loss(fake.scores, real=False),
            "real": share * self._gan_loss(real.scores, real=True),
        }

    def _gan_loss(self, scores: list[Tensor], real: bool, of_generator: bool = False) -> Tensor:
        losses = gan_losses(self.weights.gan_loss, scores, real, of_generator)
        return losses.sum() if self.weights.scales_are_summed else losses.mean()

    def _outputs(
        self, discriminator: nn.Module, shown: DiscriminatorInput
    ) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
        images = torch.cat([shown.fake, shown.real])
        return discriminator(shown.semantics.repeat(2, 1, 1, 1), images).halves()


class SegmentationAdversarialLoss:
    """Every pixel is to be told its class where real, and "fake" where not; fake and real images are batches apart."""

    def __init__(self, weights: DiscriminatorPreset, config: OASISConfig):
        self.weights = weights
        self.config = config

    def generator_losses(self, discriminator: nn.Module, shown: DiscriminatorInput) -> Losses:
        """`generator`: its pixels are to pass for their classes."""
        logits = discriminator(shown.semantics, shown.fake).scores[0]
        return {"generator": self._balanced(logits, shown.condition.label)}

    def discriminator_losses(
        self, discriminator: nn.Module, shown: DiscriminatorInput, rngs: list[torch.Generator]
    ) -> Losses:
        """`fake`, `real`, and `labelmix` where it has a weight."""
        label = shown.condition.label
        fake, real = (discriminator(shown.semantics, image).scores[0] for image in (shown.fake, shown.real))
        losses = {
            "fake": F.cross_entropy(fake, target_of(label, real=False)),
            "real": self._balanced(real, label),
        }
        if self.weights.lambda_labelmix:
            mask = labelmix_mask(label, self.flips(rngs))
            mixed = discriminator(shown.semantics, mix(mask, shown.fake, shown.real)).scores[0]
            losses["labelmix"] = self.weights.lambda_labelmix * F.mse_loss(mix(mask, fake, real), mixed)
        return losses

    def flips(self, rngs: Sequence[torch.Generator]) -> Tensor:
        """bool (N, num_classes): which classes of each sample LabelMix takes from the real image."""
        return torch.stack([torch.randint(2, (self.config.num_classes,), generator=rng) for rng in rngs]).bool()

    def _balanced(self, logits: Tensor, label: Tensor) -> Tensor:
        weights = (
            class_balance(label, self.config.num_classes, self.config.unknown_first)
            if self.weights.balanced
            else torch.ones_like(label, dtype=logits.dtype)
        )
        return balanced_cross_entropy(logits, label, weights)


def target_of(label: Tensor, real: bool) -> Tensor:
    """Indices of logits (N, H, W): 0 of "fake", c + 1 of class c."""
    return label + 1 if real else torch.zeros_like(label)


def class_balance(label: Tensor, num_classes: int, unknown_first: bool) -> Tensor:
    """Weights (N, H, W) that give every class of the batch the same sum, mean 1; class 0, if unknown, gets none.

    The batch is that of all processes, whose shares are equal.
    """
    counts = total(torch.bincount(label.flatten(), minlength=num_classes)).float()
    if unknown_first:
        counts[0] = 0
    present = counts > 0
    pixels = label.numel() * rank_and_count()[1]
    weights = torch.where(present, pixels / (counts * present.sum()), 0.0)
    return weights[label]


def balanced_cross_entropy(logits: Tensor, label: Tensor, weights: Tensor) -> Tensor:
    """The mean over pixels of the weighted cross-entropy of logits (N, num_classes + 1, H, W) of real images."""
    return (weights * F.cross_entropy(logits, target_of(label, real=True), reduction="none")).mean()


def labelmix_mask(label: Tensor, flips: Tensor) -> Tensor:
    """float32 (N, 1, H, W): 1 at the pixels whose class the sample's row of `flips` (N, num_classes) is true of.

    Where class 1 occurs in the batch, that of all processes, class 0 needs both flips: the authors write flips into the
    label map while they go through the classes, so that a class 0 that was flipped to 1 is flipped again as class 1.
    """
    flips = flips.to(label.device, copy=True)
    if total((label == 1).sum()):
        flips[:, 0] &= flips[:, 1]
    return flips.gather(1, label.flatten(1)).view_as(label)[:, None].float()


def mix(mask: Tensor, fake: Tensor, real: Tensor) -> Tensor:
    """`real` where the mask is one, `fake` where it is zero."""
    return mask * real + (1 - mask) * fake


def gan_losses(
    kind: str,
    scores: Sequence[Tensor],
    real: bool,
    of_generator: bool = False,
    targets: tuple[float, float] = (0.0, 1.0),
) -> Tensor:
    """The loss of each map of scores, a vector: scores of images that are `real`, or should pass for it.

    kind: `hinge` (Lim and Ye 2017; the generator's is -score), `ls` (least squares), `bce` (cross-entropy of logits) or
    `wasserstein`. targets: of fake and real images, for `ls` and `bce`.
    """
    return torch.stack([_gan_loss(kind, score, real, of_generator, targets[real]) for score in scores])


def _gan_loss(kind: str, score: Tensor, real: bool, of_generator: bool, target: float) -> Tensor:
    if kind == "ls":
        return F.mse_loss(score, torch.full_like(score, target))
    if kind == "bce":
        return F.binary_cross_entropy_with_logits(score, torch.full_like(score, target))
    sign = -1.0 if real else 1.0
    if kind == "wasserstein" or of_generator:
        return sign * score.mean()
    assert kind == "hinge"
    return F.relu(1 + sign * score).mean()


def feature_matching(fake: Features, real: Features, start: int = 0) -> Tensor:
    """L1 between layer outputs on fake and real images, from layer `start` on: sum in a group, mean over groups."""
    groups = zip(fake, real, strict=True)
    sums = [sum_of(F.l1_loss(f, r.detach()) for f, r in zip(a[start:], b[start:], strict=True)) for a, b in groups]
    return torch.stack(sums).mean()


def kl_divergence(posteriors: Sequence[Gaussian]) -> Tensor:
    """KL(posterior || N(0, 1)), summed over samples and dimensions, mean over posteriors."""
    divergences = [-0.5 * torch.sum(1 + p.log_variance - p.mean**2 - p.log_variance.exp()) for p in posteriors]
    return torch.stack(divergences).mean()


def sum_of(values: Iterable[Tensor]) -> Tensor:
    """The sum of scalar tensors."""
    return torch.stack(list(values)).sum()
