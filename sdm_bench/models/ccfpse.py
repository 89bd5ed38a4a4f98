"""CC-FPSE: a generator whose convolution kernels are predicted from the label map (arXiv 1910.06809).

State-dict keys and shapes are those of the released checkpoints.
Source: xh-liu/CC-FPSE@5619e63, models/networks/generator.py.
"""

from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.conditioning import Condition
from sdm_bench.models.conditional_convolution import ConditionalBlock, Levels
from sdm_bench.models.fpse import InstanceNorm, normalised
from sdm_bench.models.gan import Generated, Latent
from sdm_bench.models.gan_blocks import MakeNorm, double, initialise
from sdm_bench.models.spade import UPSAMPLINGS, VAEConfig, VAETrunk

LABEL_NORMS: dict[str, MakeNorm] = {"batch": nn.BatchNorm2d, "instance": InstanceNorm}


class CCFPSEConfig(VAEConfig):
    """hidden: channels between condition and predicted kernels. label_norm: in the feature pyramid over the labels."""

    upsampling: Literal["normal", "more"] = "normal"
    hidden: int = 128
    label_norm: Literal["batch", "instance"] = "batch"


class CCFPSEGenerator(VAETrunk):
    """From the condition, and with `vae` a style vector, to a picture."""

    config: CCFPSEConfig

    def __init__(self, config: CCFPSEConfig):
        channels = config.semantic_channels + config.ngf
        super().__init__(config, partial(ConditionalBlock, semantics=channels, hidden=config.hidden))
        self.halvings = UPSAMPLINGS[config.upsampling]
        layer = partial(normalised, out_width=config.ngf, norm=LABEL_NORMS[config.label_norm])
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
