"""CC-FPSE: a generator whose convolution kernels are predicted from the label map, for every pixel, and a discriminator
that compares a feature pyramid with the embedded label map (arXiv 1910.06809).

State-dict keys and shapes are those of the released checkpoints. SCGAN uses the discriminator too.
Source: section 3 of the paper; xh-liu/CC-FPSE@5619e63, models/networks (generator, condconv, architecture,
discriminator).
"""

import itertools
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import (
    LEAK,
    SPADE,
    Discriminator,
    DiscriminatorOutput,
    GANConfig,
    Generated,
    Latent,
    MakeNorm,
    double,
    initialise,
)
from sdm_bench.models.preset import DiscriminatorPreset
from sdm_bench.models.spade import VAEConfig, VAETrunk

TAPS = 9  # values of a 3x3 kernel
STAGES = 5  # halvings from the picture to the top of the discriminator's pyramid
SCORED = (2, 3, 4)  # stages whose maps are scored: at 1/4, 1/8 and 1/16 of the resolution

# What a block is conditioned on, by the (height, width) it works at.
Levels = Mapping[torch.Size, Tensor]


class CCFPSEConfig(VAEConfig):
    """hidden: channels between condition and predicted kernels. label_norm: in the feature pyramid over the labels."""

    upsampling: Literal["fewer", "normal", "more"] = "normal"
    hidden: int = 128
    label_norm: Literal["batch", "instance"] = "batch"


class CCFPSEGenerator(VAETrunk):
    """From the condition, and with `vae` a style vector, to a picture."""

    config: CCFPSEConfig

    def __init__(self, config: CCFPSEConfig):
        channels = config.semantic_channels + config.ngf
        super().__init__(config, partial(ConditionalBlock, semantics=channels, hidden=config.hidden))
        self.halvings = config.doublings
        label_norm = nn.BatchNorm2d if config.label_norm == "batch" else InstanceNorm
        layer = partial(normalised, out_width=config.ngf, norm=label_norm)
        self.labelenc1 = layer(config.semantic_channels)
        for number in range(1, self.halvings + 1):
            self.add_module(f"labelenc{number + 1}", layer(config.ngf, stride=2))
            self.add_module(f"labellat{number}", layer(config.ngf, kernel=1))
            self.add_module(f"labeldec{number}", layer(config.ngf))
        initialise(self)

    def forward(self, condition: Condition, latent: Latent = None) -> Generated:
        x, posteriors = self.begin(condition, latent)
        return Generated(self.grow(x, self.levels(condition.semantics(self.config.edges))), posteriors)

    def levels(self, semantics: Tensor) -> Levels:
        """The condition and, after it, its pyramid features (N, C + ngf, h, w), by size."""
        return {
            features.shape[2:]: torch.cat([F.interpolate(semantics, size=features.shape[2:]), features], dim=1)
            for features in self.pyramid(semantics)
        }

    def pyramid(self, semantics: Tensor) -> list[Tensor]:
        """Maps (N, ngf, h, w) from the size of the first map to that of the picture, each aware of the coarser ones."""
        encoded = [self.labelenc1(semantics)]
        for number in range(1, self.halvings + 1):
            encoded.append(self.get_submodule(f"labelenc{number + 1}")(encoded[-1]))
        maps = [encoded.pop()]
        for number in range(1, self.halvings + 1):
            lateral = self.get_submodule(f"labellat{number}")(encoded.pop())
            maps.append(self.get_submodule(f"labeldec{number}")(double(maps[-1]) + lateral))
        return maps


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
        self.norm_0 = nn.BatchNorm2d(middle).requires_grad_(False)
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


class DepthwiseConvolution(nn.Module):
    """The conditional convolution. The checkpoints hold a normalisation with it that no output depends on."""

    def __init__(self, width: int):
        super().__init__()
        self.norm_layer = nn.BatchNorm2d(width).requires_grad_(False)

    def forward(self, x: Tensor, kernels: Tensor) -> Tensor:
        """x (N, width, h, w), kernels (N, 9 width, h, w)."""
        return conditional_convolution(x, kernels)


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


class FPSEDiscriminator(Discriminator):
    """A feature pyramid over the picture alone; the condition enters as a projection that features are compared with.

    Heights and widths must be multiples of 32.
    """

    def __init__(self, config: GANConfig, preset: DiscriminatorPreset):
        super().__init__()
        ndf = preset.ndf
        widths = [3, ndf, 2 * ndf, 4 * ndf, 8 * ndf, 8 * ndf]
        for stage, (width, out_width) in enumerate(itertools.pairwise(widths), start=1):
            self.add_module(f"enc{stage}", normalised(width, out_width, stride=2))
        for stage in (*SCORED, STAGES):
            self.add_module(f"lat{stage}", normalised(widths[stage], 4 * ndf, kernel=1))
        for stage in SCORED:
            self.add_module(f"final{stage}", normalised(4 * ndf, 2 * ndf))
        self.tf = nn.Conv2d(2 * ndf, 1, 1)
        self.seg = nn.Conv2d(2 * ndf, 2 * ndf, 1)
        self.embedding = nn.Conv2d(config.semantic_channels, 2 * ndf, 1)
        initialise(self)

    def forward(self, semantics: Tensor, picture: Tensor) -> DiscriminatorOutput:
        """Scores from fine to coarse; the outputs of all stages but the first, each a group of its own."""
        stages = [picture]
        for stage in range(1, STAGES + 1):
            stages.append(self._layer("enc", stage)(stages[-1]))
        scores: list[Tensor] = []
        merged = self._layer("lat", STAGES)(stages[STAGES])
        for stage in reversed(SCORED):
            merged = F.interpolate(merged, scale_factor=2, mode="bilinear") + self._layer("lat", stage)(stages[stage])
            pooled = F.avg_pool2d(semantics, 2**stage)
            scores.insert(0, self._score(self._layer("final", stage)(merged), pooled))
        return DiscriminatorOutput(scores, [[features] for features in stages[2:]])

    def _score(self, features: Tensor, semantics: Tensor) -> Tensor:
        # Projecting what was pooled gives what pooling the projection does, at less cost.
        return self.tf(features) + (self.embedding(semantics) * self.seg(features)).sum(dim=1, keepdim=True)

    def _layer(self, kind: str, stage: int) -> nn.Module:
        return self.get_submodule(f"{kind}{stage}")


class InstanceNorm(nn.InstanceNorm2d):
    """Instance norm that takes maps of one pixel too; such a pixel is its own mean."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if x.shape[2:] != (1, 1) else torch.zeros_like(x)


def normalised(
    width: int, out_width: int, kernel: int = 3, stride: int = 1, norm: MakeNorm = InstanceNorm
) -> nn.Sequential:
    """A spectrally normalised convolution, a normalisation and a leaky ReLU."""
    convolution = nn.Conv2d(width, out_width, kernel, stride=stride, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.Sequential(spectral_norm(convolution), norm(out_width)), nn.LeakyReLU(LEAK))
