"""The perceptual loss of the GAN baselines: L1 between features of fake and real pictures in a network of ImageNet.

VGG19, relu1_1 to relu5_1, as in NVlabs/SPADE@fecacc9, models/networks/loss.py. Where that network isn't at hand, a
declared substitute: torchvision's VGG-16 as LPIPS has it, the last ReLU of each of its five blocks (relu1_2, relu2_2,
relu3_3, relu4_3, relu5_3), with the same weights. Both see pictures in [-1, 1] without further normalisation, as
SPADE's does.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say
from sdm_bench.base.tensors import Tensors, load_strictly, read_safetensors
from sdm_bench.models.preset import PERCEPTUAL_DEFAULT, DiscriminatorPreset
from sdm_bench.training.adversarial_losses import sum_of
from sdm_bench.weights.store import provenance, require, weights_path

SUBSTITUTE, WITHOUT = "lpips-vgg", "none"
# By name in the registry of weights, the ends of the five slices in torchvision's `features`.
CUTS = {PERCEPTUAL_DEFAULT: (2, 7, 12, 21, 30), SUBSTITUTE: (4, 9, 16, 23, 30)}


class PerceptualLoss(nn.Module):
    """Weighted L1 between the features of two pictures in [-1, 1].

    features: torchvision's layers, cut after the indices `cuts`. weights: one a slice.
    """

    def __init__(self, features: nn.Sequential, weights: Sequence[float], cuts: Sequence[int]):
        super().__init__()
        starts = (0, *cuts[:-1])
        self.weights = weights
        self.slices = nn.ModuleList(features[start:end] for start, end in zip(starts, cuts, strict=True))
        self.requires_grad_(False).eval()

    def features(self, x: Tensor) -> list[Tensor]:
        """The five feature maps of x (N, 3, H, W)."""
        maps = []
        for part in self.slices:
            x = part(x)
            maps.append(x)
        return maps

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        """The weighted sum over the five maps, a scalar; gradients reach `fake` alone."""
        pairs = zip(self.weights, self.features(fake), self.features(real), strict=True)
        return sum_of(weight * F.l1_loss(f, r.detach()) for weight, f, r in pairs)


def load_perceptual(network: str, path: Path, weights: Sequence[float]) -> PerceptualLoss:
    """The loss by the network of that name in the registry of weights, from its safetensors file."""
    features = features_of(network)
    convert = _of_lpips if network == SUBSTITUTE else _of_torchvision
    load_strictly(features, convert(read_safetensors(path)), path)
    return PerceptualLoss(features, weights, CUTS[network])


def features_of(network: str) -> nn.Sequential:
    """torchvision's feature layers of VGG19 or VGG-16, untrained."""
    from torchvision.models import vgg16, vgg19

    build = vgg16 if network == SUBSTITUTE else vgg19
    return build(weights=None, init_weights=False).features


def choose_perceptual(asked: str | None, method: str, adversary: DiscriminatorPreset | None) -> dict[str, Any]:
    """The fields of a run's options that say by which network its perceptual loss is; none without such a loss.

    asked: a name of CUTS, `none`, or None: VGG19 where it is in the cache; a line says where it isn't. method,
    adversary: what is trained, its name and preset. Raises UserError where the method has no perceptual loss, and
    MissingWeights where what was asked for isn't in the cache.
    """
    if adversary is None or not adversary.lambda_vgg:
        if asked is not None:
            raise UserError(f"--perceptual {asked}: {method} is trained without a perceptual loss; leave it out")
        return {}
    path = _file(asked)
    return {} if path is None else {"perceptual": path, "perceptual_network": asked or PERCEPTUAL_DEFAULT}


def _file(asked: str | None) -> Path | None:
    if asked == WITHOUT:
        return None
    if asked is not None:
        return require([asked])[asked]
    if provenance(PERCEPTUAL_DEFAULT):
        return weights_path(PERCEPTUAL_DEFAULT)
    say(
        f"warning: trained without the perceptual loss; {PERCEPTUAL_DEFAULT} is not in the cache. "
        f"--perceptual {SUBSTITUTE} trains with a substitute"
    )
    return None


def _of_torchvision(tensors: Tensors) -> Tensors:
    return {key.removeprefix("features."): value for key, value in tensors.items() if key.startswith("features.")}


def _of_lpips(tensors: Tensors) -> Tensors:
    """From `net.sliceK.I.*` to `I.*`; the linear layers of LPIPS are left out."""
    return {key.split(".", 2)[2]: value for key, value in tensors.items() if key.startswith("net.slice")}
