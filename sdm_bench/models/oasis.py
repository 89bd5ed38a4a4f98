"""OASIS: a SPADE generator with noise beside the label map, and a discriminator that segments (arXiv 2012.04781).

State-dict keys and shapes are those of the released checkpoints.
Source: boschresearch/OASIS@aeb875f, models/generator.py, norms.py and discriminator.py.
"""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import (
    FREE_NORMS,
    LEAK,
    SPADE,
    Discriminator,
    DiscriminatorOutput,
    GANConfig,
    Generated,
    Generator,
    Latent,
    ResidualBlock,
    double,
    initialise,
)
from sdm_bench.models.preset import DiscriminatorPreset

WIDEST = 8  # the limit of the discriminator's width, in ndf

Wrap = Callable[[nn.Conv2d], nn.Module]


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
    def wrap(self) -> Wrap:
        """What is done to the convolutions of residual blocks."""
        return spectral_norm if self.spectral else nn.Identity()


class OASISGenerator(Generator):
    """From noise and condition to a picture; one noise vector is repeated over all pixels."""

    config: OASISConfig

    def __init__(self, config: OASISConfig):
        super().__init__()
        self.config = config
        widths, wrap, channels = config.widths, config.wrap, config.semantic_channels + config.z_dim
        norm = partial(
            SPADE,
            semantics=channels,
            hidden=config.hidden,
            name="first_norm",
            norm=FREE_NORMS[config.norm],
            kernel=config.kernel,
        )
        self.conv_img = nn.Conv2d(widths[-1], 3, 3, padding=1)
        self.body = nn.ModuleList(
            ResidualBlock(width, out_width, norm, wrap=wrap) for width, out_width in itertools.pairwise(widths)
        )
        self.fc = nn.Conv2d(channels, widths[0], 3, padding=1)
        initialise(self)

    def latent_shape(self, condition: Condition) -> tuple[int, ...] | None:
        return (self.config.z_dim,) if self.config.stochastic else None

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


class Block(nn.Module):
    """Two convolutions beside a shortcut, with `before` ahead of the first."""

    def __init__(self, width: int, out_width: int, before: list[nn.Module], wrap: Wrap):
        super().__init__()
        self.conv1 = nn.Sequential(*before, wrap(nn.Conv2d(width, out_width, 3, padding=1)))
        self.conv2 = nn.Sequential(nn.LeakyReLU(LEAK), wrap(nn.Conv2d(out_width, out_width, 3, padding=1)))
        self.conv_s = wrap(nn.Conv2d(width, out_width, 1)) if width != out_width else nn.Identity()


class DownBlock(Block):
    """Halves the resolution; the first one sees the picture itself, which no activation has clipped."""

    def __init__(self, width: int, out_width: int, first: bool, wrap: Wrap):
        super().__init__(width, out_width, [] if first else [nn.LeakyReLU(LEAK)], wrap)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, width, h, w) to (N, out_width, h / 2, w / 2), rounded up."""
        # A 1x1 convolution may follow the mean of four pixels instead of preceding it.
        return self.conv_s(halve(x)) + halve(self.conv2(self.conv1(x)))


class UpBlock(Block):
    """Doubles the resolution."""

    def __init__(self, width: int, out_width: int, wrap: Wrap):
        super().__init__(width, out_width, [nn.LeakyReLU(LEAK), nn.Upsample(scale_factor=2)], wrap)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, width, h, w) to (N, out_width, 2 h, 2 w)."""
        return double(self.conv_s(x)) + self.conv2(self.conv1(x))


class OASISDiscriminator(Discriminator):
    """A U-Net of `layers` blocks down, 2 to 8 `ndf` wide, and as many up; sees nothing but the picture."""

    def __init__(self, config: OASISConfig, preset: DiscriminatorPreset):
        super().__init__()
        outputs = [preset.ndf * min(2 << depth // 2, WIDEST) for depth in range(preset.layers)]
        # On the way up every block but the first also takes the output of the block down that it mirrors.
        inputs = [outputs[-1], *(2 * width for width in reversed(outputs[:-1]))]
        up = zip(inputs, [*reversed(outputs[:-1]), preset.ndf], strict=True)
        down = enumerate(itertools.pairwise([3, *outputs]))
        self.body_up = nn.ModuleList(UpBlock(width, out_width, config.wrap) for width, out_width in up)
        self.body_down = nn.ModuleList(DownBlock(*widths, depth == 0, config.wrap) for depth, widths in down)
        self.layer_up_last = nn.Conv2d(preset.ndf, config.num_classes + 1, 1)
        initialise(self)

    def forward(self, semantics: Tensor, picture: Tensor) -> DiscriminatorOutput:
        """scores: logits (N, num_classes + 1, H, W), of "fake" and then of the classes. features: none."""
        x, levels = picture, [picture]
        for block in self.body_down:
            x = block(x)
            levels.append(x)
        for number, block in enumerate(self.body_up):
            x = block(torch.cat([levels.pop(), x], dim=1) if number else levels.pop())
            # Where a level's size is odd, its half was rounded up.
            x = x[..., : levels[-1].shape[2], : levels[-1].shape[3]]
        return DiscriminatorOutput([self.layer_up_last(x)], [])


def halve(x: Tensor) -> Tensor:
    """Means of 2x2 pixels."""
    return F.avg_pool2d(x, kernel_size=2, ceil_mode=True)
