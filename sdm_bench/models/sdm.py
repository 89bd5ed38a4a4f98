"""SDM: the label map enters the decoder through SPADE; the encoder sees the noisy picture alone (arXiv 2207.00050)."""

import torch
from torch import Tensor

from sdm_bench.conditioning import Condition
from sdm_bench.models.modulation import Modulations
from sdm_bench.models.prepared import Prepared
from sdm_bench.models.unet import Denoise, Encoded, UNet
from sdm_bench.models.unet_blocks import UNetConfig
from sdm_bench.progress import say


class SDM(UNet):
    """The conditional denoising network of the paper."""

    def __init__(self, config: UNetConfig):
        super().__init__(config, in_channels=3, decoder_semantics=config.semantic_channels)

    def forward(self, x: Tensor, timesteps: Tensor, semantics: Tensor) -> Tensor:
        """Noise and variance values (N, 6, H, W).

        x: x_t (N, 3, H, W). timesteps: int (N,), or (1,) for one that all samples share. semantics: (N, C, H, W).
        """
        return self.run(x, timesteps, semantics)

    def prepared(self, condition: Condition, guided: bool, cache: str = "auto", limit: int = 0) -> Denoise:
        """As UNet.prepared: one encoder pass for both branches, kept modulations."""
        modulations = Modulations(condition.hot(self.config.edges), cache, limit)
        decoder = _Decoder(self, Prepared(modulations, (True, False) if guided else (True,)))
        return lambda x, timesteps: decoder(self.encode(x, timesteps))


class _Decoder:
    """The branches of guidance as one batch, or one after the other once memory has not allowed that."""

    def __init__(self, network: UNet, prepared: Prepared):
        self.network = network
        self.together: Prepared | None = prepared
        self.branches = prepared.branches()

    def __call__(self, encoded: Encoded) -> Tensor:
        if self.together is not None:
            try:
                return self.network.decode(encoded.repeated(len(self.branches)), self.together)
            except torch.OutOfMemoryError:
                say("guidance: not enough memory for both branches in one batch; one after the other from here on")
                self.together = None
        return torch.cat([self.network.decode(encoded, branch) for branch in self.branches])
