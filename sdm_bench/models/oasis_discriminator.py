"""The discriminator of OASIS: a U-Net that segments a picture into the classes and "fake" (arXiv 2012.04781).

Source: boschresearch/OASIS@aeb875f, models/discriminator.py.
"""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.models.gan import Discriminator, Judgement
from sdm_bench.models.gan_blocks import LEAK, double, initialise
from sdm_bench.models.oasis import OASISConfig
from sdm_bench.models.preset import DiscriminatorPreset

WIDEST = 8
"""The limit of the width, in ndf."""

Wrap = Callable[[nn.Conv2d], nn.Module]


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
    """`layers` blocks down, 2 to 8 `ndf` wide, and as many up; sees nothing but the picture."""

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

    def forward(self, semantics: Tensor, picture: Tensor) -> Judgement:
        """scores: logits (N, num_classes + 1, H, W), of "fake" and then of the classes. features: none."""
        x, levels = picture, [picture]
        for block in self.body_down:
            x = block(x)
            levels.append(x)
        for number, block in enumerate(self.body_up):
            x = block(torch.cat([levels.pop(), x], dim=1) if number else levels.pop())
            # Where a level's size is odd, its half was rounded up.
            x = x[..., : levels[-1].shape[2], : levels[-1].shape[3]]
        return Judgement([self.layer_up_last(x)], [])


def halve(x: Tensor) -> Tensor:
    """Means of 2x2 pixels."""
    return F.avg_pool2d(x, kernel_size=2, ceil_mode=True)
