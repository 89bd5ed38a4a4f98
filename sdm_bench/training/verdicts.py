"""What a discriminator's answer costs the generator and the discriminator.

Scores of patches: hinge, least-squares, cross-entropy and Wasserstein losses, and feature matching, of pix2pixHD, SPADE
and those that follow it.
"""

import torch
from torch import Tensor, nn

from sdm_bench.models.gan import GANConfig, Judgement
from sdm_bench.models.oasis import OASISConfig
from sdm_bench.models.preset import DiscriminatorPreset
from sdm_bench.training import gan_losses
from sdm_bench.training.judged import Judged, Losses, Verdict
from sdm_bench.training.oasis_losses import SegmentationVerdict


class PatchVerdict:
    """Losses of scores; fake and real pictures go through the discriminator as one batch, as in SPADE."""

    def __init__(self, weights: DiscriminatorPreset):
        self.weights = weights

    def of_generator(self, discriminator: nn.Module, judged: Judged) -> Losses:
        """`generator`, and `feature` where it has a weight."""
        fake, real = self._judge(discriminator, judged)
        losses = {"generator": self._gan_loss(fake.scores, real=True, of_generator=True)}
        if self.weights.lambda_feature:
            matched = gan_losses.feature_matching(fake.features, real.features, self.weights.feature_from)
            losses["feature"] = self.weights.lambda_feature * matched
        return losses

    def of_discriminator(self, discriminator: nn.Module, judged: Judged, generators: list[torch.Generator]) -> Losses:
        """`fake` and `real`."""
        fake, real = self._judge(discriminator, judged)
        share = self.weights.discriminator_share
        return {
            "fake": share * self._gan_loss(fake.scores, real=False),
            "real": share * self._gan_loss(real.scores, real=True),
        }

    def _gan_loss(self, scores: list[Tensor], real: bool, of_generator: bool = False) -> Tensor:
        losses = gan_losses.gan_losses(self.weights.gan_loss, scores, real, of_generator)
        return losses.sum() if self.weights.scales_are_summed else losses.mean()

    def _judge(self, discriminator: nn.Module, judged: Judged) -> tuple[Judgement, Judgement]:
        pictures = torch.cat([judged.fake, judged.real])
        return discriminator(judged.semantics.repeat(2, 1, 1, 1), pictures).halves()


def verdict(weights: DiscriminatorPreset, config: GANConfig) -> Verdict:
    """The losses that a preset names."""
    if weights.kind == "unet":
        assert isinstance(config, OASISConfig)
        return SegmentationVerdict(weights, config)
    return PatchVerdict(weights)
