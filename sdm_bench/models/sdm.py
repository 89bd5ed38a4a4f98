"""SDM: the label map enters the decoder through SPADE; the encoder sees the noisy picture alone (arXiv 2207.00050)."""

import torch
from torch import Tensor

from sdm_bench.base.progress import say
from sdm_bench.conditioning import Condition
from sdm_bench.models.modulation import CachedCondition, SparseOneHot
from sdm_bench.models.unet import Denoise, UNet, UNetConfig


class SDM(UNet):
    """The conditional denoising network of the paper."""

    def __init__(self, config: UNetConfig):
        super().__init__(config, in_channels=3, decoder_semantics=config.semantic_channels)

    def forward(self, x: Tensor, timesteps: Tensor, semantics: Tensor) -> Tensor:
        """Noise and, unless there are three output channels, variance values (N, 6, H, W).

        x: x_t (N, 3, H, W). timesteps: int or float (N,), or (1,) for one that all samples share.
        semantics: (N, C, H, W).
        """
        return self.decode(self.encode(x, timesteps), semantics)

    def cached(self, condition: Condition, guided: bool, cache: str = "auto", limit: int = 0) -> Denoise:
        """As UNet.cached: one encoder pass for both branches of guidance, kept modulations.

        The branches are decoded as one batch, or one after the other once memory has not allowed that.
        """
        one_hot = SparseOneHot.of(condition, self.config.edges)
        together = CachedCondition(one_hot, (True, False) if guided else (True,), cache, limit)
        branches = together.branches()
        fits = True

        def denoise(x: Tensor, timesteps: Tensor) -> Tensor:
            nonlocal fits
            encoded = self.encode(x, timesteps)
            if fits:
                try:
                    return self.decode(encoded.repeated(len(branches)), together)
                except torch.OutOfMemoryError:
                    say("guidance: not enough memory for both branches in one batch; one after the other from here on")
                    fits = False
            return torch.cat([self.decode(encoded, branch) for branch in branches])

        return denoise
