"""SDM: the label map enters the decoder through SPADE; the encoder sees the noisy picture alone (arXiv 2207.00050)."""

from collections.abc import Callable

from torch import Tensor

from sdm_bench.models.modulation import Modulations
from sdm_bench.models.unet import UNet
from sdm_bench.models.unet_blocks import UNetConfig

KEPT_BYTES = 4 * 2**30
"""Memory for the modulations of a batch of label maps."""


class SDM(UNet):
    """The conditional denoising network of the paper."""

    def __init__(self, config: UNetConfig):
        super().__init__(config, in_channels=3, decoder_semantics=config.semantic_channels)

    def forward(self, x: Tensor, timesteps: Tensor, semantics: Tensor) -> Tensor:
        """Noise and variance values (N, 6, H, W).

        x: x_t (N, 3, H, W). timesteps: int (N,), or (1,) for one that all samples share. semantics: (N, C, H, W).
        """
        return self.run(x, timesteps, semantics)

    def prepared(self, semantics: Tensor, guided: bool) -> Callable[[Tensor, Tensor], Tensor]:
        """As UNet.prepared; keeps modulations, and runs the encoder once for both labels."""
        modulations = Modulations(semantics, guided, KEPT_BYTES)
        return lambda x, timesteps: self.run(x, timesteps, modulations)
