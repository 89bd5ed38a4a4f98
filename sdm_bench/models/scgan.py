"""SCGAN: a generator whose convolutions and norms are mixed of experts by semantic vectors (arXiv 2109.07053).

State-dict keys and shapes are those of the released checkpoints.
Source: section 3 of the paper; dvlab-research/SCGAN@4fcaab6, model/net/generator.py, model/ops/layer.py and norm.py;
the options of config/*.yml.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import FREE_NORMS, LEAK, SPADE, Generated, Latent, MakeNorm, double, initialise
from sdm_bench.models.spade import VAEConfig, VAETrunk

# What is done to a convolution, such as spectral normalisation.
Wrap = Callable[[nn.Conv2d], nn.Module]

WEIGHTINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "softmax": partial(torch.softmax, dim=1),
    "sigmoid": torch.sigmoid,
    "hardtanh": F.hardtanh,
}


class SCGANConfig(VAEConfig):
    """nff: width of the first map, as ngf that of the blocks. nrf: width of the semantic vectors. hidden: channels
    between condition and modulation on shortcuts, whose convolutions are shortcut_kernel wide.

    convolution_experts, norm_experts: how many are mixed. temperature: factor of their scores, which weighting makes
    shares of. spectral, spectral_vectors: spectral norm in the blocks and in the semantic vector generator. free_norm:
    the normalisation.
    position: what the semantic vectors are made of: label maps halved by averaging (none), the same but blurred first
    by a Gaussian within every class (plain), or halved by nearest values and blurred on the finest position_levels
    resolutions (pyramid). gaussian_*: see `gaussian_positions`.
    """

    upsampling: Literal["fewer", "normal", "more"] = "normal"
    nff: int = 32
    nrf: int = 32
    hidden: int = 128
    shortcut_kernel: int = 3
    convolution_experts: int = 3
    norm_experts: int = 4
    temperature: float = 0.05
    weighting: Literal["softmax", "sigmoid", "hardtanh"] = "softmax"
    spectral: bool = True
    spectral_vectors: bool = True
    free_norm: Literal["batch", "instance"] = "batch"
    position: Literal["none", "plain", "pyramid"] = "none"
    position_levels: int = 4
    gaussian_size: int = 7
    gaussian_sigma: float = 1.5
    gaussian_iterations: int = 1
    gaussian_relative: bool = False

    @property
    def first_width(self) -> int:
        return min(16, self.widest) * self.nff

    @property
    def vector_widths(self) -> list[int]:
        """Channels of the semantic vectors, coarse to fine."""
        multiples = [16, 8, 4, 2] + [1] * (self.doublings - 3)
        return [min(multiple, self.widest) * self.nrf for multiple in multiples]


class SCGANGenerator(VAETrunk):
    """From the condition, and with `vae` a style vector, to a picture and an auxiliary one of the semantic vectors."""

    config: SCGANConfig

    def __init__(self, config: SCGANConfig):
        free_norm, channels = FREE_NORMS[config.free_norm], config.semantic_channels
        wrap = spectral_norm if config.spectral else nn.Identity()
        wrap_vectors = spectral_norm if config.spectral_vectors else nn.Identity()
        block = partial(
            SpatiallyConditionalBlock,
            convolution=partial(SpatiallyConditionalConvolution, experts=config.convolution_experts, wrap=wrap),
            norm=partial(SpatiallyConditionalNorm, experts=config.norm_experts, norm=free_norm),
            shortcut_norm=partial(
                SPADE, semantics=channels, hidden=config.hidden, norm=free_norm, kernel=config.shortcut_kernel
            ),
        )
        super().__init__(config, block)
        # The checkpoints spell it so.
        self.pyramid_spaital_routing = SemanticVectorGenerator(channels, config.vector_widths, wrap_vectors)
        initialise(self)

    def forward(self, condition: Condition, latent: Latent = None) -> Generated:
        x, posteriors = self.begin(condition, latent)
        semantics = condition.semantics(self.config.edges)
        vectors, auxiliary = self.pyramid_spaital_routing(self.pyramid(semantics))
        levels = {each.shape[2:]: self.routing(each, semantics) for each in vectors}
        return Generated(self.grow(x, levels), posteriors, auxiliary)

    def squash(self, x: Tensor) -> Tensor:
        return F.hardtanh(x)

    def routing(self, vectors: Tensor, semantics: Tensor) -> "Routing":
        """The experts' shares of semantic vectors (N, C, h, w)."""
        config = self.config
        convolution, norm = (
            WEIGHTINGS[config.weighting](expert_scores(vectors, experts) * config.temperature)
            for experts in (config.convolution_experts, config.norm_experts)
        )
        return Routing(convolution, norm, semantics)

    def pyramid(self, semantics: Tensor) -> list[Tensor]:
        """Label maps for the semantic vectors, from the size of the first map to that of the picture."""
        in_pyramid = self.config.position == "pyramid"
        maps = [self.located(semantics) if self.config.position == "plain" else semantics]
        for depth in range(1, len(self.config.vector_widths)):
            halved = maps[-1][:, :, ::2, ::2] if in_pyramid else F.avg_pool2d(maps[-1], 2)
            maps.append(self.blurred(halved) if in_pyramid and depth < self.config.position_levels else halved)
        if in_pyramid:
            maps[0] = self.blurred(maps[0])
        return maps[::-1]

    def located(self, semantics: Tensor) -> Tensor:
        """The condition with blurred classes and, where it has one, its edge channel as it was."""
        classes, edges = semantics.split([self.config.num_classes, self.config.edges], dim=1)
        return torch.cat([self.blurred(classes), edges], dim=1)

    def blurred(self, labels: Tensor) -> Tensor:
        """Label maps as Gaussian positions."""
        config = self.config
        window = (config.gaussian_size, config.gaussian_sigma, config.gaussian_iterations, config.gaussian_relative)
        return gaussian_positions(labels, *window)


class Routing(NamedTuple):
    """What a block is conditioned on.

    convolution, norm: shares (N, experts, h, w) of the experts of each kind. semantics: the condition (N, C, H, W).
    """

    convolution: Tensor
    norm: Tensor
    semantics: Tensor


# Routings by the (height, width) that blocks work at.
Levels = Mapping[torch.Size, Routing]


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
