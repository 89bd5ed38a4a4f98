"""Pictures -> maps of evaluated classes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.base.devices import full_precision
from sdm_bench.base.tensors import to_unit_range
from segmenters.picture_segmenter import head_scores, mean_probabilities
from segmenters.preprocessing import Preprocessing, ShortSides, Size, as_it_is, enlarged

# Where short sides are given: the longest long side, and what sides are multiples of, as CSAIL's evaluation has it.
LONGEST, MULTIPLE = 1000, 32


@dataclass(frozen=True)
class Segmenter:
    """A trained segmenter of one dataset.

    network: pictures (N, 3, h, w) in [-1, 1] -> scores (N, classes, h', w'), one a class of mean IoU. preprocessing:
    how its authors feed it. Where that is None, it is one's own: every picture is resized to `image_size`, the (height,
    width) it was trained at, whatever else was done to it before. sha256: over the tensors that were loaded, and what
    else decides its predictions.
    """

    name: str
    network: nn.Module
    image_size: Size | None
    sha256: str
    device: torch.device
    preprocessing: Preprocessing | None = None

    def prepare(
        self,
        image: np.ndarray,
        size: Size | None = None,
        kernel: str = "bicubic",
        short_sides: Sequence[int] | None = None,
    ) -> list[Tensor]:
        """What the network is fed of a uint8 picture (H, W, 3): pictures (3, h, w) in [-1, 1], one a pass.

        size, kernel: what the picture is resized to first, see preprocessing.enlarged; the network then sees it so.
        short_sides: a pass at each of them. None of the two: as its authors do.
        """
        picture = image if size is None else enlarged(image, size, kernel)
        if self.preprocessing is None:
            assert self.image_size is not None, "a segmenter of one's own has the size it was trained at"
            whole = picture if isinstance(picture, Tensor) else to_unit_range(picture)
            return [resized(whole[None], self.image_size)[0]]
        if isinstance(picture, Tensor):
            assert short_sides is None, "pictures that are not rounded are seen as they are"
            return [picture]
        sizes = self.preprocessing.sizes if size is None else as_it_is
        rule = sizes if short_sides is None else ShortSides(tuple(short_sides), LONGEST, MULTIPLE)
        return replace(self.preprocessing, sizes=rule).passes(picture)

    @torch.inference_mode()
    def scores(self, passes: Sequence[Tensor]) -> list[Tensor]:
        """Scores (N, classes, h', w') of prepared pictures (N, 3, h, w), a tensor a pass."""
        with full_precision():
            return [head_scores(self.network, x.to(self.device)) for x in passes]

    @torch.inference_mode()
    def classes(self, scores: Sequence[Tensor], sizes: Sequence[Size], corners: bool = False) -> list[np.ndarray]:
        """uint8 (H, W) indices of evaluated classes at `sizes`, one for each of N pictures.

        corners: whether scores are resized with aligned corners.
        """
        # a picture at a time, since the scores of many classes at full size are large
        each = zip(*(x.split(1) for x in scores), strict=True)
        return [
            mean_probabilities(parts, size, corners).argmax(1)[0].to(torch.uint8).cpu().numpy()
            for parts, size in zip(each, sizes, strict=True)
        ]


def resized(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """x (N, C, h, w) at `size`, bilinear and antialiased; as it is where it has that size."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False)
