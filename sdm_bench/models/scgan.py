"""SCGAN: a generator whose convolutions and norms are mixed of experts by semantic vectors (arXiv 2109.07053).

State-dict keys and shapes are those of the released checkpoints.
Source: dvlab-research/SCGAN@4fcaab6, model/net/generator.py; the options of config/*.yml.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import Generated, Latent
from sdm_bench.models.gan_blocks import FREE_NORMS, SPADE, initialise
from sdm_bench.models.scgan_layers import (
    Routing,
    SemanticVectorGenerator,
    SpatiallyConditionalBlock,
    SpatiallyConditionalConvolution,
    SpatiallyConditionalNorm,
    Wrap,
    expert_scores,
    gaussian_positions,
)
from sdm_bench.models.spade import UPSAMPLINGS, VAEConfig, VAETrunk

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

    upsampling: Literal["normal", "more"] = "normal"
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
        multiples = [16, 8, 4, 2] + [1] * (UPSAMPLINGS[self.upsampling] - 3)
        return [min(multiple, self.widest) * self.nrf for multiple in multiples]


class SCGANGenerator(VAETrunk):
    """From the condition, and with `vae` a style vector, to a picture and an auxiliary one of the semantic vectors."""

    config: SCGANConfig

    def __init__(self, config: SCGANConfig):
        free_norm, channels = FREE_NORMS[config.free_norm], config.semantic_channels
        block = partial(
            SpatiallyConditionalBlock,
            convolution=partial(
                SpatiallyConditionalConvolution, experts=config.convolution_experts, wrap=_wrap(config.spectral)
            ),
            norm=partial(SpatiallyConditionalNorm, experts=config.norm_experts, norm=free_norm),
            shortcut_norm=partial(
                SPADE, semantics=channels, hidden=config.hidden, norm=free_norm, kernel=config.shortcut_kernel
            ),
        )
        super().__init__(config, block)
        # The checkpoints spell it so.
        self.pyramid_spaital_routing = SemanticVectorGenerator(
            channels, config.vector_widths, _wrap(config.spectral_vectors)
        )
        initialise(self)

    def forward(self, condition: Condition, latent: Latent = None) -> Generated:
        x, posteriors = self.begin(condition, latent)
        semantics = condition.semantics(self.config.edges)
        vectors, auxiliary = self.pyramid_spaital_routing(self.pyramid(semantics))
        levels = {each.shape[2:]: self.routing(each, semantics) for each in vectors}
        return Generated(self.grow(x, levels), posteriors, auxiliary)

    def squash(self, x: Tensor) -> Tensor:
        return F.hardtanh(x)

    def routing(self, vectors: Tensor, semantics: Tensor) -> Routing:
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


def _wrap(spectral: bool) -> Wrap:
    return spectral_norm if spectral else lambda convolution: convolution
