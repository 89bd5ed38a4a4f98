"""SPADE's modulation computed once a label map instead of once a step: it never sees the noise."""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.conditioning import HotMap

CACHE_MODES = ("auto", "full", "shared", "off")
Modulation = tuple[Tensor, Tensor]
"""1 + gamma and beta."""
BORDER = 3
"""The null label's modulation has this many different rows and columns: first, inner, last."""


class SPADELayer(Protocol):
    """A layer that is modulated by a label map."""

    def hidden(self, semantics: Tensor | HotMap, size: torch.Size) -> Tensor:
        """What gamma and beta share: (N, hidden, h, w) of a label map at `size` = (h, w)."""

    def modulation(self, hidden: Tensor) -> Modulation:
        """1 + gamma and beta, each (N, width, h, w), of `hidden`."""


class Modulations:
    """What every SPADE layer makes of one batch of label maps, and of the null label, kept from the first step on.

    mode: `full` keeps gamma and beta, 2 x width values a pixel, layer and sample; `shared` keeps what both are computed
    from, 128 values a pixel, layer and sample in the paper's network; `off` keeps nothing; `auto` keeps as much as
    `limit` bytes allow, layer by layer. The result is the same. The null label's modulation is one for all samples, is
    the same everywhere but at the border, and costs next to nothing in every mode.
    """

    def __init__(self, semantics: HotMap, mode: str = "auto", limit: int = 0):
        assert mode in CACHE_MODES
        self.semantics = semantics
        self.mode = mode
        self.free = limit
        self.kept: dict[int, Tensor | Modulation] = {}
        self.null: dict[int, Modulation] = {}

    def labelled(self, layer: SPADELayer, size: torch.Size) -> Modulation:
        """The modulation of the batch, each (N, width, h, w)."""
        kept = self.kept.get(id(layer))
        if isinstance(kept, tuple):
            return kept
        hidden = layer.hidden(self.semantics, size) if kept is None else kept
        found = layer.modulation(hidden)
        if kept is None:
            self._keep(layer, hidden, found)
        return found

    def unlabelled(self, layer: SPADELayer, size: torch.Size, like: Tensor) -> Modulation:
        """The null label's modulation, each (1, width, h, w)."""
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

    def _keep(self, layer: SPADELayer, hidden: Tensor, found: Modulation) -> None:
        if self.mode in ("full", "shared"):
            self.kept[id(layer)] = found if self.mode == "full" else hidden
        elif self.mode == "auto":
            fitting = [each for each in (found, hidden) if _bytes(each) <= self.free]
            if fitting:
                self.kept[id(layer)] = fitting[0]
                self.free -= _bytes(fitting[0])


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


def hot_convolution(convolution: nn.Module, hot: HotMap) -> Tensor:
    """`convolution`, zero-padded and of stride 1, of the one-hot map that `hot` stands for: (N, out, h, w).

    At each pixel the weights that meet a one are added up, instead of multiplying all of them.
    """
    assert isinstance(convolution, nn.Conv2d)
    rows, columns = convolution.weight.shape[2:]
    height, width = hot.slots.shape[2:]
    columns_of = convolution.weight.permute(2, 3, 1, 0)
    none = columns_of.new_zeros(rows, columns, 1, convolution.out_channels)
    table = torch.cat([columns_of, none], dim=2).flatten(0, 2)
    padded = F.pad(hot.slots, (columns // 2, columns // 2, rows // 2, rows // 2), value=hot.channels)
    windows = padded.unfold(2, rows, 1).unfold(3, columns, 1).flatten(4)
    tap = torch.arange(rows * columns, device=padded.device) * (hot.channels + 1)
    indices = (windows + tap).permute(0, 2, 3, 1, 4).flatten(3).flatten(0, 2)
    summed = F.embedding_bag(indices, table, mode="sum")
    if convolution.bias is not None:
        summed = summed + convolution.bias
    return summed.reshape(-1, height, width, convolution.out_channels).permute(0, 3, 1, 2).contiguous()
