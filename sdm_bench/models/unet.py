"""The denoising U-Net of guided diffusion: residual blocks that see the timestep, and attention at coarse levels.

State-dict keys and shapes are those of the released SDM checkpoints.
Source: Dhariwal & Nichol 2021 (arXiv 2105.05233); SDM (arXiv 2207.00050) section 3;
WeilunWang/semantic-diffusion-model@7171f37, guided_diffusion/{unet,nn}.py.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from pydantic import BaseModel, ConfigDict, model_validator
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from sdm_bench.base.sections import unless_default
from sdm_bench.conditioning import Condition
from sdm_bench.models.modulation import CachedCondition, SPADEGroupNorm

# (x_t (N, 3, H, W), timesteps (1,)) -> output (N, out_channels, H, W), or guided (2 N, out_channels, H, W).
Denoise = Callable[[Tensor, Tensor], Tensor]


class UNetConfig(BaseModel):
    """Everything that decides a denoising network's keys and shapes.

    num_classes: one-hot channels; edges: whether an instance edge channel follows them. model_channels: the unit of
    widths, times channel_mult at full resolution and at each halving; the widths are multiples of norm_groups, the
    groups of every norm, and more than these: a group of one channel forgets the channel's mean, and with it the
    picture's colour. attention_downsampling: the factors of downsampling at which attention is applied. head_channels:
    width of an attention head (None: num_heads heads, num_heads_upsample in the decoder). spade_hidden: channels
    between the label map and its modulation. out_channels: 6, or 3 of a network that doesn't learn variances.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_classes: int
    edges: bool
    model_channels: int = 256
    channel_mult: tuple[int | float, ...] = (1, 1, 2, 2, 4, 4)
    num_res_blocks: int = 2
    attention_downsampling: tuple[int, ...] = (8, 16, 32)
    head_channels: int | None = 64
    num_heads: int = 4
    num_heads_upsample: int | None = unless_default(None)
    norm_groups: int = 32
    spade_hidden: int = 128
    dropout: float = 0.0
    scale_shift_norm: bool = True
    resblock_updown: bool = True
    new_attention_order: bool = False
    out_channels: int = 6

    @model_validator(mode="after")
    def _refuse_uneven_widths(self) -> "UNetConfig":
        for level, width in enumerate(self.widths):
            attended = 2**level in self.attention_downsampling or level == len(self.widths) - 1
            unit = math.lcm(self.norm_groups, (self.head_channels or 1) if attended else 1)
            if width < 1 or width % unit:
                raise ValueError(f"{width} channels at 1/{2**level} of the resolution; expected a multiple of {unit}")
        return self

    @property
    def semantic_channels(self) -> int:
        """Channels of the condition: the classes, and the edge channel where there is one."""
        return self.num_classes + self.edges

    @property
    def widths(self) -> list[int]:
        """The width at each resolution, from the finest."""
        return [int(mult * self.model_channels) for mult in self.channel_mult]

    @property
    def size_multiple(self) -> int:
        """What the height and width of pictures must be multiples of."""
        return 2 ** (len(self.channel_mult) - 1)


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
        widths = config.widths
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
                layers += self._attention(level, width, config.num_heads_upsample)
                if level and block == config.num_res_blocks:
                    layers.append(self._resampling(width, semantics, "up"))
                self.output_blocks.append(Stage(*layers))

    def _attention(self, level: int, width: int, heads: int | None = None) -> list[nn.Module]:
        attended = 2**level in self.config.attention_downsampling
        return [AttentionBlock(self.config, width, heads)] if attended else []

    def _resampling(self, width: int, semantics: int | None, direction: str) -> nn.Module:
        if self.config.resblock_updown:
            return ResidualBlock(self.config, width, width, semantics, direction)
        return Upsample(width) if direction == "up" else Downsample(width)

    def plain(self, condition: Condition, guided: bool) -> Denoise:
        """The network for one batch of label maps and many steps: (x_t, timesteps (1,)) -> outputs.

        The outputs are (N, C, H, W), or guided (2 N, C, H, W): with the labels, then without. This is the reference
        that `cached` is measured by: whole passes, one after the other.
        """
        labels = [condition, condition.null()] if guided else [condition]
        maps = [each.semantics(self.config.edges) for each in labels]
        return lambda x, timesteps: torch.cat([self(x, timesteps, each) for each in maps])

    def cached(self, condition: Condition, guided: bool, cache: str = "auto", limit: int = 0) -> Denoise:
        """As `plain`, with the same outputs up to rounding, at less cost; cache, limit: see CachedCondition."""
        raise NotImplementedError

    def compile_halves(self) -> None:
        """Lets torch.compile make kernels of encoder and decoder, which every batch of the same size then shares."""
        if not self.compiled:
            self.encode = torch.compile(self.encode)  # type: ignore[method-assign]
            self.decode = torch.compile(self.decode)  # type: ignore[method-assign]
            self.compiled = True

    def encode(self, x: Tensor, timesteps: Tensor) -> "Encoded":
        """The encoder's features of x (N, in_channels, H, W) at every level.

        timesteps: int or float (N,), or (1,) for one that all samples share.
        """
        embedded = self.time_embed(timestep_embedding(timesteps, self.config.model_channels))
        skips = []
        for stage in self.input_blocks:
            x = self._through(stage, x, embedded, None)
            skips.append(x)
        return Encoded(tuple(skips), embedded)

    def decode(self, encoded: "Encoded", semantics: Tensor | CachedCondition | None) -> Tensor:
        """The middle block and the decoder."""
        skips, embedded = list(encoded.skips), encoded.embedded
        x = self._through(self.middle_block, skips[-1], embedded, semantics)
        for stage in self.output_blocks:
            x = self._through(stage, torch.cat([x, skips.pop()], dim=1), embedded, semantics)
        return self.out(x)

    def _through(
        self, stage: nn.Module, x: Tensor, embedded: Tensor, semantics: Tensor | CachedCondition | None
    ) -> Tensor:
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

    def forward(self, x: Tensor, embedded: Tensor, semantics: Tensor | CachedCondition | None) -> Tensor:  # type: ignore[override]
        for layer in self:
            x = layer(x, embedded, semantics) if isinstance(layer, ResidualBlock) else layer(x)
        return x


class ResidualBlock(nn.Module):
    """SDEResblock, or SDDResblock where `semantics` channels of condition modulate its norms (SDM fig. 3 b, c).

    `direction` "up" or "down" also changes the resolution by two, between the first norm and its convolution.
    """

    def __init__(
        self, config: UNetConfig, width: int, out_width: int, semantics: int | None = None, direction: str = ""
    ):
        super().__init__()
        self.scale_shift = config.scale_shift_norm
        self.direction = direction
        spade = semantics is not None
        if semantics is not None:
            self.in_norm = SPADEGroupNorm(width, semantics, config.spade_hidden, config.norm_groups)
        first = [] if spade else [GroupNorm32(config.norm_groups, width)]
        self.in_layers = nn.Sequential(*first, nn.SiLU(), nn.Conv2d(width, out_width, 3, padding=1))
        embedded = 2 * out_width if self.scale_shift else out_width
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(4 * config.model_channels, embedded))
        if semantics is not None:
            self.out_norm = SPADEGroupNorm(out_width, semantics, config.spade_hidden, config.norm_groups)
        second = [] if spade else [GroupNorm32(config.norm_groups, out_width)]
        last = zeroed(nn.Conv2d(out_width, out_width, 3, padding=1))
        self.out_layers = nn.Sequential(*second, nn.SiLU(), nn.Dropout(config.dropout), last)
        self.skip_connection = nn.Identity() if width == out_width else nn.Conv2d(width, out_width, 1)
        self.spade = spade

    def forward(self, x: Tensor, embedded: Tensor, semantics: Tensor | CachedCondition | None) -> Tensor:
        h = self.in_norm(x, semantics) if self.spade else self.in_layers[0](x)
        activation, convolution = self.in_layers[-2], self.in_layers[-1]
        if self.direction == "up" and isinstance(semantics, CachedCondition):
            h = semantics.upsampled(convolution, activation(h))
        else:
            h = convolution(self._resample(activation(h)))
        x = self._resample(x)
        time = self.emb_layers(embedded)[:, :, None, None]
        if self.scale_shift:
            scale, shift = time.chunk(2, dim=1)
            h = self._normalise_out(h, semantics) * (1 + scale) + shift
        else:
            h = self._normalise_out(h + time, semantics)
        return self.skip_connection(x) + self.out_layers[-3:](h)

    def _normalise_out(self, h: Tensor, semantics: Tensor | CachedCondition | None) -> Tensor:
        return self.out_norm(h, semantics) if self.spade else self.out_layers[0](h)

    def _resample(self, x: Tensor) -> Tensor:
        if self.direction == "up":
            return F.interpolate(x, scale_factor=2, mode="nearest")
        return F.avg_pool2d(x, 2) if self.direction == "down" else x


class AttentionBlock(nn.Module):
    """Self-attention over all positions, with a skip connection. heads: by default the configuration's."""

    def __init__(self, config: UNetConfig, width: int, heads: int | None = None):
        super().__init__()
        self.heads = width // config.head_channels if config.head_channels else heads or config.num_heads
        self.new_order = config.new_attention_order
        self.norm = GroupNorm32(config.norm_groups, width)
        self.qkv = nn.Conv1d(width, 3 * width, 1)
        self.proj_out = zeroed(nn.Conv1d(width, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        count, width, height, breadth = x.shape
        qkv = self.qkv(self.norm(x.flatten(2)))
        per_head = (3, self.heads) if self.new_order else (self.heads, 3)
        split = qkv.reshape(count, *per_head, -1, height * breadth).transpose(-1, -2)
        query, key, value = split.unbind(1 if self.new_order else 2)
        attended = F.scaled_dot_product_attention(query, key, value)
        attended = attended.transpose(-1, -2).reshape(count, width, height * breadth)
        return x + self.proj_out(attended).reshape(x.shape)


class GroupNorm32(nn.GroupNorm):
    """Group norm computed in float32 whatever the input's type."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float()).to(x.dtype)


class Upsample(nn.Module):
    """Twice the resolution by nearest values, then a convolution."""

    def __init__(self, width: int):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


class Downsample(nn.Module):
    """Half the resolution by a strided convolution."""

    def __init__(self, width: int):
        super().__init__()
        self.op = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


def timestep_embedding(timesteps: Tensor, width: int, max_period: float = 10000.0) -> Tensor:
    """float32 (N, width): cosines of the timesteps at falling frequencies, then sines; a zero at the end if odd."""
    half = width // 2
    frequencies = torch.exp(-math.log(max_period) * torch.arange(half, dtype=torch.float32) / half)
    phases = timesteps[:, None].float() * frequencies.to(timesteps.device)
    return F.pad(torch.cat([phases.cos(), phases.sin()], dim=1), (0, width % 2))


def zeroed(module: nn.Module) -> nn.Module:
    """The module with its parameters set to zero, so that a residual branch starts as nothing."""
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    return module
