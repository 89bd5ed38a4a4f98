"""The conditional DDPM that SDM is compared with: the label map concatenated to the noisy picture (SDM section 4.4)."""

from collections.abc import Callable

import torch
from torch import Tensor

from sdm_bench.models.unet import UNet
from sdm_bench.models.unet_blocks import UNetConfig


class ConcatDDPM(UNet):
    """The U-Net of SDM with plain group norms everywhere, and the condition as further input channels."""

    def __init__(self, config: UNetConfig):
        super().__init__(config, in_channels=3 + config.semantic_channels, decoder_semantics=None)

    def forward(self, x: Tensor, timesteps: Tensor, semantics: Tensor) -> Tensor:
        """As SDM.forward."""
        return self.run(torch.cat([x, semantics.to(x.dtype)], dim=1), timesteps, None)

    def prepared(self, semantics: Tensor, guided: bool) -> Callable[[Tensor, Tensor], Tensor]:
        """As UNet.prepared; nothing can be kept, but both labels run as one batch."""
        if not guided:
            return lambda x, timesteps: self(x, timesteps, semantics)
        both = torch.cat([semantics, torch.zeros_like(semantics)])
        return lambda x, timesteps: self(torch.cat([x, x]), timesteps, both)
