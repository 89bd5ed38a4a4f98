"""Losses of the adversarial baselines.

Source: NVlabs/SPADE@fecacc9, models/networks/loss.py and models/pix2pix_model.py.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.tensors import load_strictly, read_safetensors

VGG_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
VGG_CUTS = (2, 7, 12, 21, 30)
"""Ends, in torchvision's vgg19().features, of the slices up to relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1."""

Outputs = Sequence[Sequence[Tensor]]
"""Of every scale, the outputs of every layer, scores last."""


def hinge_discriminator(outputs: Outputs, real: bool) -> Tensor:
    """mean(relu(1 - score)) on real pictures, mean(relu(1 + score)) on fake ones, averaged over scales."""
    sign = -1.0 if real else 1.0
    return _mean_over_scales([F.relu(1 + sign * scale[-1]).mean() for scale in outputs])


def hinge_generator(outputs: Outputs) -> Tensor:
    """-mean(score), averaged over scales."""
    return _mean_over_scales([-scale[-1].mean() for scale in outputs])


def feature_matching(fake: Outputs, real: Outputs) -> Tensor:
    """L1 between the layer outputs on fake and real pictures, scores left out: summed over layers, mean over scales."""
    scales = zip(fake, real, strict=True)
    return _mean_over_scales(
        [sum_of(F.l1_loss(f, r.detach()) for f, r in zip(a[:-1], b[:-1], strict=True)) for a, b in scales]
    )


def _mean_over_scales(values: list[Tensor]) -> Tensor:
    return torch.stack(values).mean()


def sum_of(values) -> Tensor:  # type: ignore[no-untyped-def]
    """The sum of scalar tensors."""
    return torch.stack(list(values)).sum()


class VGGLoss(nn.Module):
    """Weighted L1 between the VGG19 features of two pictures in [-1, 1], which go in without further normalisation."""

    def __init__(self, features: nn.Sequential):
        super().__init__()
        starts = (0, *VGG_CUTS[:-1])
        self.slices = nn.ModuleList(features[start:end] for start, end in zip(starts, VGG_CUTS, strict=True))
        self.requires_grad_(False).eval()

    @staticmethod
    def load(path: Path) -> "VGGLoss":
        """With the `features.*` tensors of torchvision's VGG19 from a safetensors file."""
        features = vgg19_features()
        tensors = read_safetensors(path)
        of_features = {key.removeprefix("features."): v for key, v in tensors.items() if key.startswith("features.")}
        load_strictly(features, of_features, path)
        return VGGLoss(features)

    def features(self, x: Tensor) -> list[Tensor]:
        """The five feature maps of x (N, 3, H, W)."""
        maps = []
        for part in self.slices:
            x = part(x)
            maps.append(x)
        return maps

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        """The weighted sum over the five maps."""
        pairs = zip(VGG_WEIGHTS, self.features(fake), self.features(real), strict=True)
        return sum_of(weight * F.l1_loss(f, r.detach()) for weight, f, r in pairs)


def vgg19_features() -> nn.Sequential:
    """torchvision's VGG19 feature layers, untrained."""
    from torchvision.models import vgg19

    return vgg19(weights=None, init_weights=False).features
