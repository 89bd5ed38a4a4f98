"""The multi-scale PatchGAN discriminator of SPADE and its descendants.

Source: Wang et al. 2018 (arXiv 1711.11585), Park et al. 2019; NVlabs/SPADE@fecacc9, models/networks/discriminator.py.
"""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from sdm_bench.models.gan_blocks import LEAK, initialise

MAX_WIDTH = 512


class PatchDiscriminator(nn.Module):
    """Strided convolutions to a map of scores; spectral and instance norm on all layers but the first and the last."""

    def __init__(self, in_channels: int, ndf: int, layers: int):
        super().__init__()
        widths = [min(ndf * 2**depth, MAX_WIDTH) for depth in range(layers)]
        self.model0 = nn.Sequential(convolution(in_channels, ndf, stride=2), nn.LeakyReLU(LEAK))
        for depth in range(1, layers):
            stride = 1 if depth == layers - 1 else 2
            normalised = nn.Sequential(
                spectral_norm(convolution(widths[depth - 1], widths[depth], stride, bias=False)),
                nn.InstanceNorm2d(widths[depth]),
            )
            setattr(self, f"model{depth}", nn.Sequential(normalised, nn.LeakyReLU(LEAK)))
        setattr(self, f"model{layers}", nn.Sequential(convolution(widths[-1], 1, stride=1)))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Every layer's output, the map of scores (N, 1, h, w) last."""
        outputs = []
        for layer in self.children():
            x = layer(x)
            outputs.append(x)
        return outputs


class MultiscaleDiscriminator(nn.Module):
    """PatchGANs on the condition and picture at full, half, ... resolution."""

    def __init__(self, semantic_channels: int, ndf: int = 64, layers: int = 4, scales: int = 2):
        super().__init__()
        for scale in range(scales):
            discriminator = PatchDiscriminator(semantic_channels + 3, ndf, layers)
            self.add_module(f"discriminator_{scale}", discriminator)
        initialise(self)

    def forward(self, x: Tensor) -> list[list[Tensor]]:
        """For x (N, semantic_channels + 3, H, W), condition before picture: every scale's layer outputs."""
        return [discriminator(scaled) for discriminator, scaled in zip(self.children(), pyramid(x), strict=False)]


def pyramid(x: Tensor) -> Iterator[Tensor]:
    """x, and x halved again and again by an average pool that does not count its padding."""
    while True:
        yield x
        x = F.avg_pool2d(x, kernel_size=3, stride=2, padding=1, count_include_pad=False)


def convolution(width: int, out_width: int, stride: int, bias: bool = True) -> nn.Conv2d:
    """The 4x4 convolution with two pixels of padding that every layer uses."""
    return nn.Conv2d(width, out_width, kernel_size=4, stride=stride, padding=2, bias=bias)
