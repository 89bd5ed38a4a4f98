"""The multi-scale PatchGAN discriminator of SPADE and its descendants.

Source: Wang et al. 2018 (arXiv 1711.11585), Park et al. 2019; NVlabs/SPADE@fecacc9, models/networks/discriminator.py.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from sdm_bench.models.gan import LEAK, Discriminator, DiscriminatorOutput, GANConfig, initialise
from sdm_bench.models.preset import DiscriminatorPreset

MAX_WIDTH = 512

# From width, output width and stride to a convolution and its normalisation.
Normalised = Callable[[int, int, int], list[nn.Module]]


class PatchDiscriminator(nn.Module):
    """Strided convolutions to a map of scores; spectral and instance norm on all layers but the first and the last."""

    def __init__(self, in_channels: int, ndf: int, layers: int):
        super().__init__()
        for depth, layer in enumerate(patch_layers(in_channels, ndf, layers, spectral_instance)):
            self.add_module(f"model{depth}", layer)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Every layer's output, the map of scores (N, 1, h, w) last."""
        outputs = []
        for layer in self.children():
            x = layer(x)
            outputs.append(x)
        return outputs


class MultiscaleDiscriminator(Discriminator):
    """PatchGANs on the condition and picture at full, half, ... resolution."""

    def __init__(self, config: GANConfig, preset: DiscriminatorPreset):
        super().__init__()
        for scale in range(preset.scales):
            discriminator = PatchDiscriminator(config.semantic_channels + 3, preset.ndf, preset.layers)
            self.add_module(f"discriminator_{scale}", discriminator)
        initialise(self)

    def forward(self, semantics: Tensor, picture: Tensor) -> DiscriminatorOutput:
        """Every scale's scores, and its layer outputs as one group."""
        scales = pyramid(torch.cat([semantics, picture], dim=1))
        outputs = [discriminator(x) for discriminator, x in zip(self.children(), scales, strict=False)]
        return DiscriminatorOutput([layers[-1] for layers in outputs], [layers[:-1] for layers in outputs])


def patch_layers(in_channels: int, ndf: int, layers: int, normalised: Normalised) -> Iterator[nn.Sequential]:
    """`layers` strided convolutions and one to scores, the last two of all with stride 1.

    The first and the last have no normalisation.
    """
    widths = [min(ndf * 2**depth, MAX_WIDTH) for depth in range(layers)]
    yield nn.Sequential(convolution(in_channels, ndf, stride=2), nn.LeakyReLU(LEAK))
    for depth in range(1, layers):
        stride = 1 if depth == layers - 1 else 2
        yield nn.Sequential(*normalised(widths[depth - 1], widths[depth], stride), nn.LeakyReLU(LEAK))
    yield nn.Sequential(convolution(widths[-1], 1, stride=1))


def spectral_instance(width: int, out_width: int, stride: int) -> list[nn.Module]:
    """A spectrally normalised convolution and instance norm, as one module."""
    layer = spectral_norm(convolution(width, out_width, stride, bias=False))
    return [nn.Sequential(layer, nn.InstanceNorm2d(out_width))]


def pyramid(x: Tensor) -> Iterator[Tensor]:
    """x, and x halved again and again by an average pool that does not count its padding."""
    while True:
        yield x
        x = F.avg_pool2d(x, kernel_size=3, stride=2, padding=1, count_include_pad=False)


def convolution(width: int, out_width: int, stride: int, bias: bool = True) -> nn.Conv2d:
    """The 4x4 convolution with two pixels of padding that every layer uses."""
    return nn.Conv2d(width, out_width, kernel_size=4, stride=stride, padding=2, bias=bias)
