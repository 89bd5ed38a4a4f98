"""What an edit does outside the erased part, and whether its border is seen.

The seam measure is this program's own: the squared steps between neighbouring pixels across the border of what was
erased, in the edited picture against those across the same curve in photographs. Without a seam it is near 1: crossing
the border is like crossing any curve. A step of size d all along a border adds d^2 to its energy. Below 1 the border is
smoother than photographs are. An object whose outline is the border has steps there too: over the pairs that lie inside
one class the outline doesn't count, and a margin around the object moves the border off it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sdm_bench.base.devices import full_precision
from sdm_bench.metrics.lpips_diversity import LPIPS

WHITE = 255.0
# Pairs of windows that lay pixels over their right and their lower neighbours.
NEIGHBOURS = (
    ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
    ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
)


def mean_squared_error(first: np.ndarray, second: np.ndarray, where: np.ndarray) -> float:
    """The mean of (a - b)^2 over all channels of uint8 pictures (H, W, 3) where the bool (H, W) says; 0 is equal.

    where: True of one pixel at least.
    """
    difference = first[where].astype(np.float64) - second[where]
    return float((difference**2).mean())


def psnr(error: float) -> float:
    """10 log10(255^2 / error) in dB of a mean squared error of 8-bit values; infinite for 0, larger is closer."""
    return float("inf") if error == 0 else float(10 * np.log10(WHITE**2 / error))


@torch.inference_mode()
def spatial_lpips(network: LPIPS, first: Tensor, second: Tensor) -> np.ndarray:
    """LPIPS at every pixel, float64 (H, W), of two pictures (3, H, W) in [-1, 1], as the package's spatial maps are.

    The layers' maps of distances are raised to (H, W), bilinear, and added. Layers see beyond a pixel: a change inside
    a part reaches a little beyond its border.
    """
    device = next(network.parameters()).device
    size = tuple(first.shape[1:])
    with full_precision():
        layers = [network.features(each[None].to(device)) for each in (first, second)]
        maps = network.maps(*layers)
        raised = [F.interpolate(each, size=size, mode="bilinear", align_corners=False) for each in maps]
    return np.sum([each[0, 0].cpu().double().numpy() for each in raised], axis=0)


class Energy(NamedTuple):
    """Squared steps across a curve: their sum, and of how many pairs of neighbouring pixels."""

    total: float = 0.0
    pairs: int = 0

    @property
    def mean(self) -> float:
        """A pair's; nan where there is none."""
        return self.total / self.pairs if self.pairs else float("nan")


def summed(energies: Sequence[Energy]) -> Energy:
    """Those of several curves together."""
    return Energy(sum(each.total for each in energies), sum(each.pairs for each in energies))


def border_energy(picture: np.ndarray, erased: np.ndarray, label: np.ndarray | None = None) -> Energy:
    """The squared steps between neighbours of which one is erased: the mean over channels of (a - b)^2, summed.

    picture: uint8 (H, W, 3). erased: bool (H, W). label: (H, W), of which pairs inside one class alone are taken.
    """
    values = picture.astype(np.float64)
    total, pairs = 0.0, 0
    for here, there in NEIGHBOURS:
        across = erased[here] != erased[there]
        if label is not None:
            across &= label[here] == label[there]
        steps = ((values[here] - values[there]) ** 2).mean(axis=2)
        total += float(steps[across].sum())
        pairs += int(across.sum())
    return Energy(total, pairs)


def seam(edited: Energy, photographs: Energy) -> float:
    """The mean step in edited pictures over that in photographs across the same curves; about 1 without a seam.

    nan where either has no pair, and where the photographs have no step.
    """
    if not edited.pairs or not photographs.total:
        return float("nan")
    return edited.mean / photographs.mean
