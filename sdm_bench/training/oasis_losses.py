"""The losses of OASIS: cross-entropy over the classes and "fake", balanced over classes, and LabelMix.

Source: arXiv 2012.04781, equations 1 to 4; boschresearch/OASIS@aeb875f, models/losses.py and models.py.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.models.oasis import OASISConfig
from sdm_bench.models.preset import DiscriminatorPreset
from sdm_bench.training.judged import Judged, Losses


class SegmentationVerdict:
    """Every pixel is to be told its class where real, and "fake" where not; pictures go through one kind at a time."""

    def __init__(self, weights: DiscriminatorPreset, config: OASISConfig):
        self.weights = weights
        self.config = config

    def of_generator(self, discriminator: nn.Module, judged: Judged) -> Losses:
        """`generator`: its pixels are to pass for their classes."""
        logits = _logits(discriminator, judged, judged.fake)
        return {"generator": self._balanced(logits, judged.condition.label)}

    def of_discriminator(self, discriminator: nn.Module, judged: Judged, generators: list[torch.Generator]) -> Losses:
        """`fake`, `real`, and `labelmix` where it has a weight."""
        label = judged.condition.label
        fake, real = (_logits(discriminator, judged, picture) for picture in (judged.fake, judged.real))
        losses = {
            "fake": F.cross_entropy(fake, target_of(label, real=False)),
            "real": self._balanced(real, label),
        }
        if self.weights.lambda_labelmix:
            mask = labelmix_mask(label, self.flips(generators))
            mixed = _logits(discriminator, judged, mix(mask, judged.fake, judged.real))
            losses["labelmix"] = self.weights.lambda_labelmix * F.mse_loss(mix(mask, fake, real), mixed)
        return losses

    def flips(self, generators: Sequence[torch.Generator]) -> Tensor:
        """bool (N, num_classes): which classes of each sample LabelMix takes from the real picture."""
        drawn = [torch.randint(2, (self.config.num_classes,), generator=generator) for generator in generators]
        return torch.stack(drawn).bool()

    def _balanced(self, logits: Tensor, label: Tensor) -> Tensor:
        weights = class_balance(label, self.config.num_classes, self.config.unknown_first)
        return balanced_cross_entropy(logits, label, weights)


def _logits(discriminator: nn.Module, judged: Judged, picture: Tensor) -> Tensor:
    return discriminator(judged.semantics, picture).scores[0]


def target_of(label: Tensor, real: bool) -> Tensor:
    """Indices of logits (N, H, W): 0 of "fake", c + 1 of class c."""
    return label + 1 if real else torch.zeros_like(label)


def class_balance(label: Tensor, num_classes: int, unknown_first: bool) -> Tensor:
    """Weights (N, H, W) that give every class of the batch the same sum, mean 1; class 0, if unknown, gets none."""
    counts = torch.bincount(label.flatten(), minlength=num_classes).float()
    if unknown_first:
        counts[0] = 0
    present = counts > 0
    weights = torch.where(present, label.numel() / (counts * present.sum()), 0.0)
    return weights[label]


def balanced_cross_entropy(logits: Tensor, label: Tensor, weights: Tensor) -> Tensor:
    """The mean over pixels of the weighted cross-entropy of logits (N, num_classes + 1, H, W) of real pictures."""
    return (weights * F.cross_entropy(logits, target_of(label, real=True), reduction="none")).mean()


def labelmix_mask(label: Tensor, flips: Tensor) -> Tensor:
    """float32 (N, 1, H, W): 1 at the pixels whose class the sample's row of `flips` (N, num_classes) is true of.

    Where class 1 occurs in the batch, class 0 needs both flips: the authors write flips into the label map while they
    go through the classes, so that a class 0 that was flipped to 1 is flipped again as class 1.
    """
    flips = flips.to(label.device, copy=True)
    if (label == 1).any():
        flips[:, 0] &= flips[:, 1]
    return flips.gather(1, label.flatten(1)).view_as(label)[:, None].float()


def mix(mask: Tensor, fake: Tensor, real: Tensor) -> Tensor:
    """`real` where the mask is one, `fake` where it is zero."""
    return mask * real + (1 - mask) * fake
