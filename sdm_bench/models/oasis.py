"""OASIS: a SPADE generator with noise beside the label map in every layer's condition (arXiv 2012.04781).

State-dict keys and shapes are those of the released checkpoints.
Source: boschresearch/OASIS@aeb875f, models/generator.py and norms.py.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import GANConfig, Generated, Generator, Latent, draw
from sdm_bench.models.gan_blocks import FREE_NORMS, LEAK, SPADE, ResidualBlock, double, initialise


class OASISConfig(GANConfig):
    """ngf: width at full resolution. widest: the limit of the width at coarse ones, in ngf.

    blocks: residual blocks, with a doubling between each two. hidden, kernel: of the convolutions from condition to
    modulation. z_dim: noise channels; with none the picture is a function of the condition. norm, spectral: the
    generator's normalisation, and whether convolutions of both networks are spectrally normalised. unknown_first: class
    0, as the network sees it, is "unknown", which trains nothing.
    """

    ngf: int = 64
    widest: int = 16
    blocks: int = 6
    hidden: int = 128
    kernel: int = 3
    z_dim: int = 64
    norm: Literal["batch", "instance"] = "batch"
    spectral: bool = True
    unknown_first: bool = True

    @property
    def size_multiple(self) -> int:
        return 2 ** (self.blocks - 1)

    @property
    def stochastic(self) -> bool:
        return self.z_dim > 0

    @property
    def widths(self) -> list[int]:
        """Of the first map and of every block's output."""
        return [self.ngf * min(2**depth, self.widest) for depth in range(self.blocks, -1, -1)]

    @property
    def wrap(self) -> Callable[[nn.Conv2d], nn.Module]:
        """What is done to the convolutions of residual blocks."""
        return spectral_norm if self.spectral else _unchanged


class OASISGenerator(Generator):
    """From noise and condition to a picture; one noise vector is repeated over all pixels."""

    config: OASISConfig

    def __init__(self, config: OASISConfig):
        super().__init__()
        self.config = config
        channels = config.semantic_channels + config.z_dim

        def norm(width: int) -> nn.Module:
            return SPADE(width, channels, config.hidden, "first_norm", FREE_NORMS[config.norm], config.kernel)

        self.conv_img = nn.Conv2d(config.widths[-1], 3, 3, padding=1)
        self.body = nn.ModuleList(
            ResidualBlock(width, out_width, norm, wrap=config.wrap)
            for width, out_width in itertools.pairwise(config.widths)
        )
        self.fc = nn.Conv2d(channels, config.widths[0], 3, padding=1)
        initialise(self)

    def latent(self, condition: Condition, generators: Sequence[torch.Generator]) -> Latent:
        return draw(generators, (self.config.z_dim,), condition.label.device) if self.config.stochastic else None

    def forward(self, condition: Condition, latent: Latent = None) -> Generated:
        context = condition.semantics(self.config.edges)
        if self.config.stochastic:
            assert isinstance(latent, Tensor)
            noise = latent[:, :, None, None].expand(-1, -1, *condition.size)
            context = torch.cat([noise, context], dim=1)
        first_size = [side // self.config.size_multiple for side in condition.size]
        x = self.fc(F.interpolate(context, size=first_size))
        for number, block in enumerate(self.body):
            x = block(double(x) if number else x, context)
        return Generated(self.conv_img(F.leaky_relu(x, LEAK)).tanh())


def _unchanged(convolution: nn.Conv2d) -> nn.Module:
    return convolution
