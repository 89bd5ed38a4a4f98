"""The denoising U-Net of guided diffusion: residual blocks that see the timestep, and attention at coarse levels.

State-dict keys and shapes are those of the released SDM checkpoints.
Source: Dhariwal & Nichol 2021 (arXiv 2105.05233); SDM (arXiv 2207.00050) section 3;
WeilunWang/semantic-diffusion-model@7171f37, guided_diffusion/unet.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sdm_bench.conditioning import Condition
from sdm_bench.models.prepared import Prepared
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

Denoise = Callable[[Tensor, Tensor], Tensor]


class UNet(nn.Module):
    """A U-Net from (N, in_channels, H, W) to (N, out_channels, H, W).

    With `decoder_semantics` channels of condition, middle and decoder blocks are modulated by it through SPADE;
    without (None) the whole network is unconditional but for its input. Where `checkpointing` is set, training keeps no
    activations inside the stages and computes them again for the gradient.
    """

    checkpointing = False
    compiled = False

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

    def plain(self, condition: Condition, guided: bool) -> Denoise:
        """The network for one batch of label maps and many steps: (x_t, timesteps (1,)) -> outputs.

        The outputs are (N, 6, H, W), or guided (2 N, 6, H, W): with the labels, then without. This is the reference
        that `prepared` is measured by: whole passes, one after the other.
        """
        labels = [condition, condition.null()] if guided else [condition]
        maps = [each.semantics(self.config.edges) for each in labels]
        return lambda x, timesteps: torch.cat([self(x, timesteps, each) for each in maps])

    def prepared(self, condition: Condition, guided: bool, cache: str = "auto", limit: int = 0) -> Denoise:
        """As `plain`, with the same outputs up to rounding, at less cost; cache, limit: see Modulations."""
        raise NotImplementedError

    def compile_halves(self) -> None:
        """Lets torch.compile make kernels of encoder and decoder, which every batch of the same size then shares."""
        if not self.compiled:
            self.encode = torch.compile(self.encode)  # type: ignore[method-assign]
            self.decode = torch.compile(self.decode)  # type: ignore[method-assign]
            self.compiled = True

    def run(self, x: Tensor, timesteps: Tensor, semantics: Tensor | Prepared | None) -> Tensor:
        """The output for x (N, in_channels, H, W) at `timesteps`, int (N,), or (1,) for one that all samples share."""
        return self.decode(self.encode(x, timesteps), semantics)

    def encode(self, x: Tensor, timesteps: Tensor) -> "Encoded":
        """The encoder's features at every level."""
        embedded = self.time_embed(timestep_embedding(timesteps, self.config.model_channels))
        skips = []
        for stage in self.input_blocks:
            x = self._through(stage, x, embedded, None)
            skips.append(x)
        return Encoded(tuple(skips), embedded)

    def decode(self, encoded: "Encoded", semantics: Tensor | Prepared | None) -> Tensor:
        """The middle block and the decoder."""
        skips, embedded = list(encoded.skips), encoded.embedded
        x = self._through(self.middle_block, skips[-1], embedded, semantics)
        for stage in self.output_blocks:
            x = self._through(stage, torch.cat([x, skips.pop()], dim=1), embedded, semantics)
        return self.out(x)

    def _through(self, stage: nn.Module, x: Tensor, embedded: Tensor, semantics: Tensor | Prepared | None) -> Tensor:
        if self.checkpointing and torch.is_grad_enabled():
            return checkpoint(stage, x, embedded, semantics, use_reentrant=False)
        return stage(x, embedded, semantics)


@dataclass(frozen=True)
class Encoded:
    """What the encoder makes of (N, ...): skips (N, C, h, w), the last one the result; embedded (N, D) or (1, D)."""

    skips: tuple[Tensor, ...]
    embedded: Tensor

    def repeated(self, times: int) -> "Encoded":
        """The batch, `times` over; the timestep is one for all."""
        assert len(self.embedded) == 1
        return Encoded(tuple(skip.repeat(times, 1, 1, 1) for skip in self.skips), self.embedded)


class Stage(nn.Sequential):
    """Layers in sequence; residual blocks among them also get the timestep embedding and the condition."""

    def forward(self, x: Tensor, embedded: Tensor, semantics: Tensor | Prepared | None) -> Tensor:  # type: ignore[override]
        for layer in self:
            x = layer(x, embedded, semantics) if isinstance(layer, ResidualBlock) else layer(x)
        return x
