"""Losses of the adversarial baselines.

Source: NVlabs/SPADE@fecacc9, models/networks/loss.py and models/pix2pix_model.py.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.models.gan import Gaussian
from sdm_bench.tensors import load_strictly, read_safetensors

VGG_CUTS = (2, 7, 12, 21, 30)
"""Ends, in torchvision's vgg19().features, of the slices up to relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1."""

Features = Sequence[Sequence[Tensor]]
"""Groups of layer outputs."""


def gan_losses(kind: str, scores: Sequence[Tensor], real: bool, of_generator: bool = False) -> Tensor:
    """The loss of each map of scores, a vector: scores of pictures that are `real`, or should pass for it.

    kind: `hinge` (Lim and Ye 2017; the generator's is -score), `ls` (least squares), `bce` (cross-entropy of logits) or
    `wasserstein`.
    """
    return torch.stack([_gan_loss(kind, score, real, of_generator) for score in scores])


def _gan_loss(kind: str, score: Tensor, real: bool, of_generator: bool) -> Tensor:
    if kind == "ls":
        return F.mse_loss(score, torch.full_like(score, float(real)))
    if kind == "bce":
        return F.binary_cross_entropy_with_logits(score, torch.full_like(score, float(real)))
    sign = -1.0 if real else 1.0
    if kind == "wasserstein" or of_generator:
        return sign * score.mean()
    assert kind == "hinge"
    return F.relu(1 + sign * score).mean()


def feature_matching(fake: Features, real: Features, start: int = 0) -> Tensor:
    """L1 between layer outputs on fake and real pictures, from layer `start` on: sum in a group, mean over groups."""
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


class VGGLoss(nn.Module):
    """Weighted L1 between the VGG19 features of two pictures in [-1, 1], which go in without further normalisation."""

    def __init__(self, features: nn.Sequential, weights: Sequence[float]):
        super().__init__()
        starts = (0, *VGG_CUTS[:-1])
        self.weights = weights
        self.slices = nn.ModuleList(features[start:end] for start, end in zip(starts, VGG_CUTS, strict=True))
        self.requires_grad_(False).eval()

    @staticmethod
    def load(path: Path, weights: Sequence[float]) -> "VGGLoss":
        """With the `features.*` tensors of torchvision's VGG19 from a safetensors file."""
        features = vgg19_features()
        tensors = read_safetensors(path)
        of_features = {key.removeprefix("features."): v for key, v in tensors.items() if key.startswith("features.")}
        load_strictly(features, of_features, path)
        return VGGLoss(features, weights)

    def features(self, x: Tensor) -> list[Tensor]:
        """The five feature maps of x (N, 3, H, W)."""
        maps = []
        for part in self.slices:
            x = part(x)
            maps.append(x)
        return maps

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        """The weighted sum over the five maps."""
        pairs = zip(self.weights, self.features(fake), self.features(real), strict=True)
        return sum_of(weight * F.l1_loss(f, r.detach()) for weight, f, r in pairs)


def vgg19_features() -> nn.Sequential:
    """torchvision's VGG19 feature layers, untrained."""
    from torchvision.models import vgg19

    return vgg19(weights=None, init_weights=False).features
