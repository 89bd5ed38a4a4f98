"""The spatially conditional layers of SCGAN: experts that are mixed anew at every pixel, and what mixes them.

Source: Wang et al. 2021 (arXiv 2109.07053), section 3; dvlab-research/SCGAN@4fcaab6, model/ops/layer.py and norm.py,
model/net/generator.py.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from sdm_bench.models.gan_blocks import LEAK, MakeNorm, double

Wrap = Callable[[nn.Conv2d], nn.Module]
"""What is done to a convolution, such as spectral normalisation."""


class Routing(NamedTuple):
    """What a block is conditioned on.

    convolution, norm: shares (N, experts, h, w) of the experts of each kind. semantics: the condition (N, C, H, W).
    """

    convolution: Tensor
    norm: Tensor
    semantics: Tensor


Levels = Mapping[torch.Size, Routing]
"""Routings by the (height, width) that blocks work at."""


class SpatiallyConditionalConvolution(nn.Module):
    """Several 3x3 convolutions of one map, added up with the shares of the pixel."""

    def __init__(self, width: int, out_width: int, experts: int, wrap: Wrap):
        super().__init__()
        bases = [nn.Conv2d(width, out_width, 3, padding=1, bias=False) for _ in range(experts)]
        self.conv_bases = nn.ModuleList(wrap(base) for base in bases)

    def forward(self, x: Tensor, shares: Tensor) -> Tensor:
        """x (N, width, h, w), shares (N, experts, h, w)."""
        pairs = zip(self.conv_bases, shares.split(1, dim=1), strict=True)
        first, *others = (base(x) * share for base, share in pairs)
        return sum(others, start=first)


class SpatiallyConditionalNorm(nn.Module):
    """norm(x) * (1 + gamma) + beta; gamma and beta are those of several experts, mixed with the shares of the pixel."""

    def __init__(self, width: int, experts: int, norm: MakeNorm):
        super().__init__()
        self.param_free_norm = norm(width)
        self.affine_params_groups = nn.Parameter(torch.zeros(experts, 2 * width))

    def forward(self, x: Tensor, shares: Tensor) -> Tensor:
        """x (N, width, h, w), shares (N, experts, h, w)."""
        gamma, beta = F.conv2d(shares, self.affine_params_groups.t()[:, :, None, None]).chunk(2, dim=1)
        return self.param_free_norm(x) * (1 + gamma) + beta


class SpatiallyConditionalBlock(nn.Module):
    """A residual block of such convolutions and norms; a 3x3 convolution with another norm on a learned shortcut."""

    def __init__(
        self,
        width: int,
        out_width: int,
        convolution: Callable[[int, int], nn.Module],
        norm: MakeNorm,
        shortcut_norm: MakeNorm,
    ):
        super().__init__()
        middle = min(width, out_width)
        self.conv_0 = convolution(width, middle)
        self.conv_1 = convolution(middle, out_width)
        self.learned_shortcut = width != out_width
        if self.learned_shortcut:
            self.conv_s = spectral_norm(nn.Conv2d(width, out_width, 3, padding=1))
            self.norm_s = shortcut_norm(width)
        self.norm_0 = norm(width)
        self.norm_1 = norm(middle)

    def forward(self, x: Tensor, levels: Levels) -> Tensor:
        """x (N, width, h, w) to (N, out_width, h, w), with the routing of its size."""
        routing = levels[x.shape[2:]]
        h = self.conv_0(F.leaky_relu(self.norm_0(x, routing.norm), LEAK), routing.convolution)
        h = self.conv_1(F.leaky_relu(self.norm_1(h, routing.norm), LEAK), routing.convolution)
        return h + (self.conv_s(self.norm_s(x, routing.semantics)) if self.learned_shortcut else x)


class SemanticVectorGenerator(nn.Module):
    """From label maps to semantic vectors at every resolution, and from the finest ones to a picture.

    widths: channels of the vectors, coarse to fine.
    """

    def __init__(self, semantics: int, widths: Sequence[int], wrap: Wrap):
        super().__init__()

        def convolutions(width: int, out_width: int) -> list[nn.Module]:
            first, second = (nn.Conv2d(each, out_width, 3, padding=1) for each in (width, out_width))
            return [wrap(first), nn.LeakyReLU(LEAK), wrap(second)]

        self.labelDec1 = nn.Sequential(*convolutions(semantics, widths[0]))
        for number, (width, out_width) in enumerate(itertools.pairwise(widths), start=2):
            layers = convolutions(width + semantics, out_width)
            self.add_module(f"labelDec{number}", nn.Sequential(nn.LeakyReLU(LEAK), *layers))
        last = widths[-1]
        self.toRGB = nn.Sequential(
            nn.Conv2d(last, last // 2, 3, padding=1),
            nn.LeakyReLU(LEAK),
            nn.Conv2d(last // 2, 3, 3, padding=1),
            nn.Hardtanh(),
        )

    def forward(self, pyramid: Sequence[Tensor]) -> tuple[list[Tensor], Tensor]:
        """pyramid: label maps (N, C, h, w), each twice as large as the one before."""
        vectors = [self.labelDec1(pyramid[0])]
        for number, labels in enumerate(pyramid[1:], start=2):
            x = torch.cat([double(vectors[-1]), labels], dim=1)
            vectors.append(self.get_submodule(f"labelDec{number}")(x))
        return vectors, self.toRGB(vectors[-1])


def expert_scores(vectors: Tensor, experts: int) -> Tensor:
    """(N, experts, h, w): means of as many runs of neighbouring channels of (N, C, h, w)."""
    return F.adaptive_avg_pool3d(vectors[:, None], (experts, *vectors.shape[2:])).squeeze(1)


def gaussian_positions(labels: Tensor, size: int, sigma: float, iterations: int, relative: bool) -> Tensor:
    """Label maps (N, C, H, W) blurred by a Gaussian window of odd `size`, times what they were.

    The window's peak is 1, not its sum. relative: in ratio to what went into the last blur.
    """
    channels = labels.shape[1]
    offsets = torch.arange(size, device=labels.device, dtype=labels.dtype) - size // 2
    window = torch.exp(-(offsets**2) / (2 * sigma**2)).expand(channels, 1, 1, size)
    before = x = labels
    for _ in range(iterations):
        before = x
        rows = F.conv2d(x, window, padding=(0, size // 2), groups=channels)
        x = F.conv2d(rows, window.mT, padding=(size // 2, 0), groups=channels) * labels
    return x / (before + 1e-8) if relative else x
