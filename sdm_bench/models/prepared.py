"""A denoising network's work on one batch of label maps, of which much is the same at every step.

Exact, up to the order of additions: SDM's encoder never sees the label map and runs once for both branches of guidance;
SPADE's modulations never see the noise and are kept; a convolution after nearest upsampling runs at the lower
resolution, with weights that are added up where they meet the same value.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.models.modulation import Modulations, SPADELayer

Kernels = dict[int, list[Tensor]]


@dataclass(frozen=True)
class Prepared:
    """What the network is given in place of a label map.

    modulations: of the label maps (None: a network without SPADE). labels: the branches in the batch, one after the
    other: the N samples with their labels (True), or the same without (False).
    """

    modulations: Modulations | None
    labels: tuple[bool, ...]
    kernels: Kernels = field(default_factory=dict)

    def branches(self) -> list["Prepared"]:
        """The same, one branch at a time."""
        return [Prepared(self.modulations, (label,), self.kernels) for label in self.labels]

    def modulate(self, layer: SPADELayer, x: Tensor) -> Tensor:
        """x * (1 + gamma) + beta for normalised features x (branches * N, width, h, w)."""
        assert self.modulations is not None
        out = torch.empty_like(x)
        for part, target, label in zip(
            x.chunk(len(self.labels)), out.chunk(len(self.labels)), self.labels, strict=True
        ):
            if label:
                scale, shift = self.modulations.labelled(layer, x.shape[2:])
            else:
                scale, shift = self.modulations.unlabelled(layer, x.shape[2:], x)
            torch.addcmul(shift, part, scale, out=target)
        return out

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
