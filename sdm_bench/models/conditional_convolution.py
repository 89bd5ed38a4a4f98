"""Depthwise convolution with kernels predicted for every pixel, and the residual block of CC-FPSE made of it.

Source: Liu et al. 2019 (arXiv 1910.06809), section 3.1; xh-liu/CC-FPSE@5619e63, models/networks/condconv.py and
architecture.py.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from sdm_bench.models.gan_blocks import LEAK, SPADE

TAPS = 9
"""Values of a 3x3 kernel."""

Levels = Mapping[torch.Size, Tensor]
"""What a block is conditioned on, by the (height, width) it works at."""


def conditional_convolution(x: Tensor, kernels: Tensor) -> Tensor:
    """x (N, C, H, W) convolved with a 3x3 kernel for each pixel and channel; zeros around the map.

    kernels (N, 9 C, H, W): a channel's nine taps lie together, row by row.
    """
    result: Tensor = _ConditionalConvolution.apply(x.to(kernels.dtype), kernels)
    return result


class _ConditionalConvolution(torch.autograd.Function):
    """Tap by tap on shifted views, forwards and backwards: nothing nine times the size of x is made or kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernels: Tensor) -> Tensor:
        ctx.save_for_backward(x, kernels)
        out = torch.zeros_like(x)
        for shifted, tap in zip(_shifts(F.pad(x, (1, 1, 1, 1))), _taps(kernels), strict=True):
            out.addcmul_(shifted, tap)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, kernels = ctx.saved_tensors
        padded = F.pad(x, (1, 1, 1, 1))
        of_padded, of_kernels = torch.zeros_like(padded), torch.empty_like(kernels)
        sources = zip(_shifts(padded), _taps(kernels), _shifts(of_padded), _taps(of_kernels), strict=True)
        for shifted, tap, of_shifted, of_tap in sources:
            of_shifted.addcmul_(tap, gradient)
            torch.mul(shifted, gradient, out=of_tap)
        return of_padded[:, :, 1:-1, 1:-1], of_kernels


def _shifts(padded: Tensor) -> Iterator[Tensor]:
    """The nine views of a map without its margin of one pixel, in the order of the taps."""
    height, width = padded.shape[2] - 2, padded.shape[3] - 2
    for top in range(3):
        for left in range(3):
            yield padded[:, :, top : top + height, left : left + width]


def _taps(kernels: Tensor) -> tuple[Tensor, ...]:
    """Nine views (N, C, H, W) of kernels (N, 9 C, H, W)."""
    return kernels.unflatten(1, (-1, TAPS)).unbind(2)


class DepthwiseConvolution(nn.Module):
    """The conditional convolution. The checkpoints hold a normalisation with it that no output depends on."""

    def __init__(self, width: int):
        super().__init__()
        self.norm_layer = unused(nn.BatchNorm2d(width))

    def forward(self, x: Tensor, kernels: Tensor) -> Tensor:
        """x (N, width, h, w), kernels (N, 9 width, h, w)."""
        return conditional_convolution(x, kernels)


class ConditionalBlock(nn.Module):
    """Twice batch norm, conditional convolution, 1x1 convolution and gate; a SPADE shortcut where widths differ.

    semantics: channels of the condition. hidden: channels between it and what is predicted from it.
    """

    def __init__(self, width: int, out_width: int, semantics: int, hidden: int):
        super().__init__()
        middle = min(width, out_width)
        self.gen_weights1 = predictor(semantics, hidden, TAPS * width)
        self.gen_weights2 = predictor(semantics, hidden, TAPS * out_width)
        self.gen_se_weights1 = predictor(semantics, hidden, middle).append(nn.Sigmoid())
        self.gen_se_weights2 = predictor(semantics, hidden, out_width).append(nn.Sigmoid())
        self.conv_0 = DepthwiseConvolution(width)
        self.norm_0 = unused(nn.BatchNorm2d(middle))
        self.conv_1 = nn.Conv2d(width, middle, 1)
        self.norm_1 = nn.BatchNorm2d(width)
        self.conv_2 = DepthwiseConvolution(middle)
        self.norm_2 = nn.BatchNorm2d(middle)
        self.conv_3 = nn.Conv2d(middle, out_width, 1)
        self.learned_shortcut = width != out_width
        if self.learned_shortcut:
            self.conv_s = spectral_norm(nn.Conv2d(width, out_width, 1, bias=False))
            self.norm_s = SPADE(width, semantics, hidden)

    def forward(self, x: Tensor, levels: Levels) -> Tensor:
        """x (N, width, h, w) to (N, out_width, h, w), conditioned on the level of its size (N, semantics, h, w)."""
        condition = levels[x.shape[2:]]
        shortcut = self.conv_s(self.norm_s(x, condition)) if self.learned_shortcut else x
        h = self.conv_0(self.norm_1(x), self.gen_weights1(condition))
        h = F.leaky_relu(self.conv_1(h) * self.gen_se_weights1(condition), LEAK)
        h = self.conv_2(self.norm_2(h), self.gen_weights2(condition))
        h = F.leaky_relu(self.conv_3(h) * self.gen_se_weights2(condition), LEAK)
        return shortcut + h


def predictor(semantics: int, hidden: int, width: int) -> nn.Sequential:
    """Two convolutions from the condition to `width` channels."""
    return nn.Sequential(nn.Conv2d(semantics, hidden, 3, padding=1), nn.ReLU(), nn.Conv2d(hidden, width, 3, padding=1))


def unused(module: nn.Module) -> nn.Module:
    """The module, without gradients."""
    return module.requires_grad_(False)
