"""What the denoising U-Net is built of, and the configuration that decides it.

Source: Dhariwal & Nichol 2021 (arXiv 2105.05233); SDM (arXiv 2207.00050) section 3;
WeilunWang/semantic-diffusion-model@7171f37, guided_diffusion/{unet,nn}.py.
"""

import math

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.conditioning import HotMap
from sdm_bench.models.modulation import Modulation, hot_convolution
from sdm_bench.models.prepared import Prepared


class UNetConfig(BaseModel):
    """Everything that decides a denoising network's keys and shapes.

    num_classes: one-hot channels; edges: whether an instance edge channel follows them. model_channels: width at full
    resolution, times channel_mult at each halving; multiples of norm_groups, the groups of every norm, and more than
    these: a group of one channel forgets the channel's mean, and with it the picture's colour. attention_downsampling:
    the factors of downsampling at which attention is applied. head_channels: width of an attention head (None:
    num_heads heads). spade_hidden: channels between the label map and its modulation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_classes: int
    edges: bool
    model_channels: int = 256
    channel_mult: tuple[int, ...] = (1, 1, 2, 2, 4, 4)
    num_res_blocks: int = 2
    attention_downsampling: tuple[int, ...] = (8, 16, 32)
    head_channels: int | None = 64
    num_heads: int = 4
    norm_groups: int = 32
    spade_hidden: int = 128
    dropout: float = 0.0
    scale_shift_norm: bool = True
    resblock_updown: bool = True
    new_attention_order: bool = False
    out_channels: int = 6

    @property
    def semantic_channels(self) -> int:
        """Channels of the condition: the classes, and the edge channel where there is one."""
        return self.num_classes + self.edges

    @property
    def size_multiple(self) -> int:
        """What the height and width of pictures must be multiples of."""
        return 2 ** (len(self.channel_mult) - 1)


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
            self.in_norm = SPADEGroupNorm(config, width, semantics)
        first = [] if spade else [GroupNorm32(config.norm_groups, width)]
        self.in_layers = nn.Sequential(*first, nn.SiLU(), nn.Conv2d(width, out_width, 3, padding=1))
        embedded = 2 * out_width if self.scale_shift else out_width
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(4 * config.model_channels, embedded))
        if semantics is not None:
            self.out_norm = SPADEGroupNorm(config, out_width, semantics)
        second = [] if spade else [GroupNorm32(config.norm_groups, out_width)]
        last = zeroed(nn.Conv2d(out_width, out_width, 3, padding=1))
        self.out_layers = nn.Sequential(*second, nn.SiLU(), nn.Dropout(config.dropout), last)
        self.skip_connection = nn.Identity() if width == out_width else nn.Conv2d(width, out_width, 1)
        self.spade = spade

    def forward(self, x: Tensor, embedded: Tensor, semantics: Tensor | Prepared | None) -> Tensor:
        h = self.in_norm(x, semantics) if self.spade else self.in_layers[0](x)
        activation, convolution = self.in_layers[-2], self.in_layers[-1]
        if self.direction == "up" and isinstance(semantics, Prepared):
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

    def _normalise_out(self, h: Tensor, semantics: Tensor | Prepared | None) -> Tensor:
        return self.out_norm(h, semantics) if self.spade else self.out_layers[0](h)

    def _resample(self, x: Tensor) -> Tensor:
        if self.direction == "up":
            return F.interpolate(x, scale_factor=2, mode="nearest")
        return F.avg_pool2d(x, 2) if self.direction == "down" else x


class SPADEGroupNorm(nn.Module):
    """Norm(x) * (1 + gamma(y)) + beta(y): a parameter-free group norm, modulated by the condition y (SDM eq. 3)."""

    def __init__(self, config: UNetConfig, width: int, semantics: int):
        super().__init__()
        hidden = config.spade_hidden
        self.norm = nn.GroupNorm(config.norm_groups, width, affine=False)
        self.mlp_shared = nn.Sequential(nn.Conv2d(semantics, hidden, 3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(hidden, width, 3, padding=1)
        self.mlp_beta = nn.Conv2d(hidden, width, 3, padding=1)

    def forward(self, x: Tensor, semantics: Tensor | Prepared) -> Tensor:
        """x (N, width, h, w), semantics (N, C, H, W) at full resolution, or what is prepared of them."""
        if isinstance(semantics, Prepared):
            return semantics.modulate(self, self.norm(x))
        scale, shift = self.modulation(self.hidden(semantics, x.shape[2:]))
        return self.norm(x) * scale + shift

    def hidden(self, semantics: Tensor | HotMap, size: torch.Size) -> Tensor:
        """What gamma and beta share, (N, hidden, h, w), of label maps taken to `size` by nearest values."""
        convolution, activation = self.mlp_shared
        if isinstance(semantics, HotMap):
            return activation(hot_convolution(convolution, semantics.resized(size)))
        return activation(convolution(F.interpolate(semantics, size=size, mode="nearest")))

    def modulation(self, hidden: Tensor) -> Modulation:
        """1 + gamma and beta, each (N, width, h, w)."""
        return 1 + self.mlp_gamma(hidden), self.mlp_beta(hidden)


class AttentionBlock(nn.Module):
    """Self-attention over all positions, with a skip connection."""

    def __init__(self, config: UNetConfig, width: int):
        super().__init__()
        self.heads = width // config.head_channels if config.head_channels else config.num_heads
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
