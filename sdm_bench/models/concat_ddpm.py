"""The conditional DDPM that SDM is compared with: the label map concatenated to the noisy picture (SDM section 4.4)."""

import torch
from torch import Tensor

from sdm_bench.conditioning import Condition
from sdm_bench.models.modulation import CachedCondition
from sdm_bench.models.unet import Denoise, UNet, UNetConfig


class ConcatDDPM(UNet):
    """The U-Net of SDM with plain group norms everywhere, and the condition as further input channels."""

    def __init__(self, config: UNetConfig):
        super().__init__(config, in_channels=3 + config.semantic_channels, decoder_semantics=None)

    def forward(self, x: Tensor, timesteps: Tensor, semantics: Tensor) -> Tensor:
        """As SDM.forward."""
        return self.decode(self.encode(torch.cat([x, semantics.to(x.dtype)], dim=1), timesteps), None)

    def cached(self, condition: Condition, guided: bool, cache: str = "auto", limit: int = 0) -> Denoise:
        """As UNet.cached; there are no modulations to keep, but both branches run as one batch."""
        labels = (True, False) if guided else (True,)
        maps = [(condition if label else condition.null()).semantics(self.config.edges) for label in labels]
        kept, semantics = CachedCondition(None, labels), torch.cat(maps)

        def denoise(x: Tensor, timesteps: Tensor) -> Tensor:
            whole = torch.cat([x.repeat(len(labels), 1, 1, 1), semantics], dim=1)
            return self.decode(self.encode(whole, timesteps), kept)

        return denoise
