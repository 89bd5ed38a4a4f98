"""SPADE's modulation computed once a label map instead of once a step: it never sees the noise.

In SDM the encoder never sees the label map either, so that a guided step needs it once: see UNet.run.
"""

from typing import Protocol

import torch
from torch import Tensor

Scale = Tensor
Shift = Tensor


class SPADELayer(Protocol):
    """A layer that is modulated by a label map."""

    def modulation(self, semantics: Tensor, size: torch.Size) -> tuple[Scale, Shift]:
        """1 + gamma and beta, (N, width, h, w), of semantics (N, C, H, W) at `size` = (h, w)."""


class Modulations:
    """What every SPADE layer makes of one batch of label maps, kept from the first step on.

    semantics: (N, C, H, W). guided: whether features hold, after the N samples with their label, the same N without;
    the null label's modulation is one for all samples. limit: bytes to keep; what doesn't fit is computed every time,
    with the same result.
    """

    def __init__(self, semantics: Tensor, guided: bool, limit: int):
        self.semantics = semantics
        self.null = torch.zeros_like(semantics[:1])
        self.guided = guided
        self.free = limit
        self.kept: dict[tuple[int, bool], tuple[Scale, Shift]] = {}

    def modulate(self, layer: SPADELayer, x: Tensor) -> Tensor:
        """x * (1 + gamma) + beta for normalised features x (N, width, h, w), or (2 N, ...) where guided."""
        scale, shift = self._of(layer, x.shape[2:], null=False)
        if not self.guided:
            return x * scale + shift
        labelled, unlabelled = x.chunk(2)
        null_scale, null_shift = self._of(layer, x.shape[2:], null=True)
        return torch.cat([labelled * scale + shift, unlabelled * null_scale + null_shift])

    def _of(self, layer: SPADELayer, size: torch.Size, null: bool) -> tuple[Scale, Shift]:
        key = (id(layer), null)
        if key in self.kept:
            return self.kept[key]
        found = layer.modulation(self.null if null else self.semantics, size)
        needed = sum(part.element_size() * part.numel() for part in found)
        if needed <= self.free:
            self.free -= needed
            self.kept[key] = found
        return found
