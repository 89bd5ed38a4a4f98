"""SPADE in SDM's decoder: the layer, and what it makes of one batch of label maps, cached over the steps of sampling.

Cached outputs are those of plain passes, up to the order of additions. SPADE's modulations never see the noise and are
kept from the first step on; a convolution of a one-hot map adds up the weights that meet a one; a convolution after
nearest upsampling runs at the lower resolution, with weights that are added up where they meet the same value.
"""

from copy import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.conditioning import Condition

CACHE_MODES = ("auto", "full", "shared", "off")
BORDER = 3  # the null label's modulation has this many different rows and columns: first, inner, last

# 1 + gamma and beta.
Modulation = tuple[Tensor, Tensor]


class SPADEGroupNorm(nn.Module):
    """Norm(x) * (1 + gamma(y)) + beta(y): a parameter-free group norm, modulated by the condition y (SDM eq. 3).

    semantics: channels of y. hidden: channels between y and its modulation. groups: of the norm.
    """

    def __init__(self, width: int, semantics: int, hidden: int, groups: int):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, affine=False)
        self.mlp_shared = nn.Sequential(nn.Conv2d(semantics, hidden, 3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(hidden, width, 3, padding=1)
        self.mlp_beta = nn.Conv2d(hidden, width, 3, padding=1)

    def forward(self, x: Tensor, semantics: "Tensor | CachedCondition") -> Tensor:
        """x (N, width, h, w), semantics (N, C, H, W) at full resolution, or what is cached of them."""
        if isinstance(semantics, CachedCondition):
            return semantics.modulate(self, self.norm(x))
        scale, shift = self.modulation(self.hidden(semantics, x.shape[2:]))
        return self.norm(x) * scale + shift

    def hidden(self, semantics: "Tensor | SparseOneHot", size: torch.Size) -> Tensor:
        """What gamma and beta share, (N, hidden, h, w), of label maps taken to `size` = (h, w) by nearest values."""
        convolution, activation = self.mlp_shared
        if isinstance(semantics, SparseOneHot):
            return activation(sparse_convolution(convolution, semantics.resized(size)))
        return activation(convolution(F.interpolate(semantics, size=size, mode="nearest")))

    def modulation(self, hidden: Tensor) -> Modulation:
        """1 + gamma and beta, each (N, width, h, w)."""
        return 1 + self.mlp_gamma(hidden), self.mlp_beta(hidden)


@dataclass(frozen=True)
class SparseOneHot:
    """One-hot channels by the indices of their ones, which a first convolution can use.

    indices: int64 (N, S, H, W), for each pixel up to S channels that are one; `channels`, the number of channels, where
    there are fewer.
    """

    indices: Tensor
    channels: int

    @staticmethod
    def of(condition: Condition, edges: bool) -> "SparseOneHot":
        """What `condition.semantics(edges)` gives."""
        indices = condition.label[:, None]
        if edges:
            edge = torch.where(condition.edges() > 0, condition.num_classes, condition.num_classes + 1).long()
            indices = torch.cat([indices, edge], dim=1)
        channels = condition.num_classes + edges
        return SparseOneHot(torch.where(condition.keep[:, None, None, None], indices, channels), channels)

    def resized(self, size: torch.Size) -> "SparseOneHot":
        """The map at `size` = (height, width), nearest values, as F.interpolate resizes the channels."""
        if self.indices.shape[2:] == size:
            return self
        return replace(self, indices=F.interpolate(self.indices.float(), size=size, mode="nearest").long())


class CachedCondition:
    """What a denoising network is given in place of the label maps of one batch, over many steps.

    semantics: the label maps (None: of a network without SPADE). labels: the branches of guidance in the batch, one
    after the other: the N samples with their labels (True), or the same without (False).
    mode: `full` keeps gamma and beta, 2 x width values a pixel, layer and sample; `shared` keeps what both are computed
    from, 128 values a pixel, layer and sample in the paper's network; `off` keeps nothing; `auto` keeps as much as
    `limit` bytes allow, layer by layer. The result is the same. The null label's modulation is one for all samples, is
    the same everywhere but at the border, and costs next to nothing in every mode.
    """

    def __init__(self, semantics: SparseOneHot | None, labels: tuple[bool, ...], mode: str = "auto", limit: int = 0):
        assert mode in CACHE_MODES
        self.semantics = semantics
        self.labels = labels
        self.mode = mode
        self.limit = limit
        # by the id of the layer
        self.kept: dict[int, Tensor | Modulation] = {}
        self.null: dict[int, Modulation] = {}
        self.kernels: dict[int, list[Tensor]] = {}

    def branches(self) -> list["CachedCondition"]:
        """The same, one branch at a time; what is kept is shared."""
        parts = [copy(self) for _ in self.labels]
        for part, label in zip(parts, self.labels, strict=True):
            part.labels = (label,)
        return parts

    def modulate(self, layer: SPADEGroupNorm, x: Tensor) -> Tensor:
        """x * (1 + gamma) + beta for normalised features x (branches * N, width, h, w)."""
        out = torch.empty_like(x)
        parts = x.chunk(len(self.labels)), out.chunk(len(self.labels))
        for part, target, label in zip(*parts, self.labels, strict=True):
            if label:
                scale, shift = self.labelled(layer, x.shape[2:])
            else:
                scale, shift = self.unlabelled(layer, x.shape[2:], x)
            torch.addcmul(shift, part, scale, out=target)
        return out

    def labelled(self, layer: SPADEGroupNorm, size: torch.Size) -> Modulation:
        """1 + gamma and beta of the batch, each (N, width, h, w)."""
        assert self.semantics is not None
        kept = self.kept.get(id(layer))
        if isinstance(kept, tuple):
            return kept
        hidden = layer.hidden(self.semantics, size) if kept is None else kept
        found = layer.modulation(hidden)
        if kept is None:
            self._keep(layer, hidden, found)
        return found

    def unlabelled(self, layer: SPADEGroupNorm, size: torch.Size, like: Tensor) -> Modulation:
        """1 + gamma and beta of the null label, each (1, width, h, w)."""
        assert self.semantics is not None
        if id(layer) not in self.null:
            small = torch.Size(min(side, BORDER) for side in size)
            nothing = like.new_zeros((1, self.semantics.channels, *small), dtype=torch.float32)
            self.null[id(layer)] = layer.modulation(layer.hidden(nothing, small))
        scale, shift = self.null[id(layer)]
        return _widened(scale, size), _widened(shift, size)

    @property
    def kept_bytes(self) -> int:
        """Memory of what is kept of the batch."""
        return sum(_bytes(each) for each in self.kept.values())

    def _keep(self, layer: SPADEGroupNorm, hidden: Tensor, found: Modulation) -> None:
        if self.mode in ("full", "shared"):
            self.kept[id(layer)] = found if self.mode == "full" else hidden
        elif self.mode == "auto":
            free = self.limit - self.kept_bytes
            fitting = [each for each in (found, hidden) if _bytes(each) <= free]
            if fitting:
                self.kept[id(layer)] = fitting[0]

    def upsampled(self, convolution: nn.Module, x: Tensor) -> Tensor:
        """`convolution` (3x3, padded) of x (N, C, h, w) upsampled twice by nearest values: (N, out, 2 h, 2 w)."""
        assert isinstance(convolution, nn.Conv2d)
        if id(convolution) not in self.kernels:
            self.kernels[id(convolution)] = phase_kernels(convolution.weight)
        padded = F.pad(x, (1, 1, 1, 1))
        height, width = x.shape[2:]
        kernels = iter(self.kernels[id(convolution)])
        rows = []
        for top in (0, 1):
            windows = (padded[:, :, top : top + height + 1, left : left + width + 1] for left in (0, 1))
            phases = [F.conv2d(window, next(kernels), convolution.bias) for window in windows]
            rows.append(torch.stack(phases, dim=-1).flatten(-2))
        return torch.stack(rows, dim=-2).flatten(2, 3)


def _widened(values: Tensor, size: torch.Size) -> Tensor:
    """(1, C, <= 3, <= 3) with its middle row and column repeated up to `size`."""
    for axis, side in ((2, size[0]), (3, size[1])):
        if side > BORDER:
            ends = values.narrow(axis, 0, 1), values.narrow(axis, 2, 1)
            shape = list(values.shape)
            shape[axis] = side - 2
            values = torch.cat([ends[0], values.narrow(axis, 1, 1).expand(shape), ends[1]], dim=axis)
    return values


def _bytes(kept: Tensor | Modulation) -> int:
    parts = kept if isinstance(kept, tuple) else (kept,)
    return sum(part.element_size() * part.numel() for part in parts)


def sparse_convolution(convolution: nn.Module, one_hot: SparseOneHot) -> Tensor:
    """`convolution`, zero-padded and of stride 1, of one-hot channels: (N, out, h, w).

    At each pixel the weights that meet a one are added up, instead of multiplying all of them.
    """
    assert isinstance(convolution, nn.Conv2d)
    rows, columns = convolution.weight.shape[2:]
    height, width = one_hot.indices.shape[2:]
    columns_of = convolution.weight.permute(2, 3, 1, 0)
    none = columns_of.new_zeros(rows, columns, 1, convolution.out_channels)
    table = torch.cat([columns_of, none], dim=2).flatten(0, 2)
    padded = F.pad(one_hot.indices, (columns // 2, columns // 2, rows // 2, rows // 2), value=one_hot.channels)
    windows = padded.unfold(2, rows, 1).unfold(3, columns, 1).flatten(4)
    tap = torch.arange(rows * columns, device=padded.device) * (one_hot.channels + 1)
    indices = (windows + tap).permute(0, 2, 3, 1, 4).flatten(3).flatten(0, 2)
    summed = F.embedding_bag(indices, table, mode="sum")
    if convolution.bias is not None:
        summed = summed + convolution.bias
    return summed.reshape(-1, height, width, convolution.out_channels).permute(0, 3, 1, 2).contiguous()


def phase_kernels(weight: Tensor) -> list[Tensor]:
    """The four 2x2 kernels that a 3x3 kernel becomes on a picture whose every value fills two by two pixels.

    In the order of the upsampled pixels (0, 0), (0, 1), (1, 0), (1, 1).
    """
    first, middle, last = weight.unbind(2)
    rows = [torch.stack([first, middle + last], 2), torch.stack([first + middle, last], 2)]
    kernels = []
    for row in rows:
        left, centre, right = row.unbind(3)
        kernels += [torch.stack([left, centre + right], 3), torch.stack([left + centre, right], 3)]
    return kernels
