"""Segmenters that take pictures in [-1, 1] and normalise them as their authors did, and their prediction of record."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from segmenters.mmsegmentation import MODELS, EncoderDecoder
from segmenters.preprocessing import PREPROCESSING, Size


@MODELS.register_module()
class PictureSegmenter(EncoderDecoder):
    """An EncoderDecoder from RGB pictures (N, 3, H, W) in [-1, 1] to scores (N, classes, H, W).

    preprocessing: a name in PREPROCESSING. Nothing is resized on the way in.
    """

    def __init__(self, preprocessing: str, **parts: Any):
        super().__init__(**parts)
        self.preprocessing = PREPROCESSING[preprocessing]

    def scores(self, x: Tensor) -> Tensor:
        """Scores (N, classes, h, w), at the resolution of the head, of normalised pictures (N, 3, H, W)."""
        return self.decode_head(self.backbone(x))

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """The backbone's maps of pictures in [-1, 1]."""
        return self.backbone(self.preprocessing.normalised(inputs))

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Scores of pictures in [-1, 1] at the size that the first of `batch_img_metas` gives as `img_shape`."""
        scores = self.scores(self.preprocessing.normalised(inputs))
        return resized_scores(scores, tuple(batch_img_metas[0]["img_shape"][:2]))

    def _forward(self, inputs: Tensor, data_samples: Any = None) -> Tensor:
        return self.encode_decode(inputs, [{"img_shape": inputs.shape[2:]}])


def head_scores(network: EncoderDecoder, x: Tensor) -> Tensor:
    """Scores (N, classes, h, w) of pictures (N, 3, H, W) in [-1, 1], at the resolution that the head gives."""
    if isinstance(network, PictureSegmenter):
        return network.scores(network.preprocessing.normalised(x))
    return network.encode_decode(x, [{"img_shape": tuple(x.shape[2:])}])


def resized_scores(scores: Tensor, size: tuple[int, ...], corners: bool = False) -> Tensor:
    """Scores (N, classes, h, w) at `size`, bilinear; corners: with aligned corners."""
    if tuple(scores.shape[2:]) == size:
        return scores
    return F.interpolate(scores, size=size, mode="bilinear", align_corners=corners)


def mean_probabilities(scores: Sequence[Tensor], size: Size, corners: bool = False) -> Tensor:
    """Class probabilities (N, classes, H, W) at `size`, averaged over passes.

    scores: (N, classes, h, w), a tensor a pass, each of a size of its own.
    """
    passes = (resized_scores(each, size, corners).softmax(1) for each in scores)
    return sum(passes, torch.zeros(())) / len(scores)


def renamed(tensors: Mapping[str, Tensor], prefixes: Mapping[str, str]) -> dict[str, Tensor]:
    """A state dict with the first of `prefixes` that a key has replaced; other keys are kept."""
    return {_renamed(key, prefixes): value for key, value in tensors.items()}


def _renamed(key: str, prefixes: Mapping[str, str]) -> str:
    found = next((prefix for prefix in prefixes if key.startswith(prefix)), None)
    return key if found is None else prefixes[found] + key.removeprefix(found)
