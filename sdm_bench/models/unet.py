"""The denoising U-Net of guided diffusion: residual blocks that see the timestep, and attention at coarse levels.

State-dict keys and shapes are those of the released SDM checkpoints.
Source: Dhariwal & Nichol 2021 (arXiv 2105.05233); SDM (arXiv 2207.00050) section 3;
WeilunWang/semantic-diffusion-model@7171f37, guided_diffusion/unet.py.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sdm_bench.models.modulation import Modulations
from sdm_bench.models.unet_blocks import (
    AttentionBlock,
    Downsample,
    GroupNorm32,
    ResidualBlock,
    UNetConfig,
    Upsample,
    timestep_embedding,
    zeroed,
)


class UNet(nn.Module):
    """A U-Net from (N, in_channels, H, W) to (N, out_channels, H, W).

    With `decoder_semantics` channels of condition, middle and decoder blocks are modulated by it through SPADE;
    without (None) the whole network is unconditional but for its input.
    """

    def __init__(self, config: UNetConfig, in_channels: int, decoder_semantics: int | None):
        super().__init__()
        self.config = config
        widths = [mult * config.model_channels for mult in config.channel_mult]
        embedding = 4 * config.model_channels
        self.time_embed = nn.Sequential(
            nn.Linear(config.model_channels, embedding), nn.SiLU(), nn.Linear(embedding, embedding)
        )
        self.input_blocks = nn.ModuleList([Stage(nn.Conv2d(in_channels, widths[0], 3, padding=1))])
        skips = self._build_encoder(widths)
        middle = widths[-1]
        self.middle_block = Stage(
            ResidualBlock(config, middle, middle, decoder_semantics),
            AttentionBlock(config, middle),
            ResidualBlock(config, middle, middle, decoder_semantics),
        )
        self.output_blocks = nn.ModuleList()
        self._build_decoder(widths, skips, decoder_semantics)
        self.out = nn.Sequential(
            GroupNorm32(config.norm_groups, widths[0]),
            nn.SiLU(),
            zeroed(nn.Conv2d(widths[0], config.out_channels, 3, padding=1)),
        )

    def _build_encoder(self, widths: list[int]) -> list[int]:
        """Fills input_blocks; returns the channels of every skip connection."""
        config = self.config
        width, skips = widths[0], [widths[0]]
        for level, level_width in enumerate(widths):
            for _ in range(config.num_res_blocks):
                self.input_blocks.append(
                    Stage(ResidualBlock(config, width, level_width), *self._attention(level, level_width))
                )
                width = level_width
                skips.append(width)
            if level < len(widths) - 1:
                self.input_blocks.append(Stage(self._resampling(width, None, "down")))
                skips.append(width)
        return skips

    def _build_decoder(self, widths: list[int], skips: list[int], semantics: int | None) -> None:
        config = self.config
        width = widths[-1]
        for level in reversed(range(len(widths))):
            for block in range(config.num_res_blocks + 1):
                layers: list[nn.Module] = [ResidualBlock(config, width + skips.pop(), widths[level], semantics)]
                width = widths[level]
                layers += self._attention(level, width)
                if level and block == config.num_res_blocks:
                    layers.append(self._resampling(width, semantics, "up"))
                self.output_blocks.append(Stage(*layers))

    def _attention(self, level: int, width: int) -> list[nn.Module]:
        return [AttentionBlock(self.config, width)] if 2**level in self.config.attention_downsampling else []

    def _resampling(self, width: int, semantics: int | None, direction: str) -> nn.Module:
        if self.config.resblock_updown:
            return ResidualBlock(self.config, width, width, semantics, direction)
        return Upsample(width) if direction == "up" else Downsample(width)

    def prepared(self, semantics: Tensor, guided: bool) -> Callable[[Tensor, Tensor], Tensor]:
        """The network for one batch of label maps (N, C, H, W) and many steps: (x_t, timesteps (1,)) -> outputs.

        The outputs are (N, 6, H, W), or guided (2 N, 6, H, W): with the labels, then without.
        """
        raise NotImplementedError

    def run(self, x: Tensor, timesteps: Tensor, semantics: Tensor | Modulations | None) -> Tensor:
        """The output for x (N, in_channels, H, W) at `timesteps`, int (N,), or (1,) for one that all samples share.

        With guided modulations the encoder runs once and the rest for (2 N, ...): with labels, then without.
        """
        embedded = self.time_embed(timestep_embedding(timesteps, self.config.model_channels))
        skips = []
        for stage in self.input_blocks:
            x = stage(x, embedded, None)
            skips.append(x)
        if isinstance(semantics, Modulations) and semantics.guided:
            assert len(timesteps) == 1
            x, skips = torch.cat([x, x]), [torch.cat([skip, skip]) for skip in skips]
        x = self.middle_block(x, embedded, semantics)
        for stage in self.output_blocks:
            x = stage(torch.cat([x, skips.pop()], dim=1), embedded, semantics)
        return self.out(x)


class Stage(nn.Sequential):
    """Layers in sequence; residual blocks among them also get the timestep embedding and the condition."""

    def forward(self, x: Tensor, embedded: Tensor, semantics: Tensor | Modulations | None) -> Tensor:  # type: ignore[override]
        for layer in self:
            x = layer(x, embedded, semantics) if isinstance(layer, ResidualBlock) else layer(x)
        return x
