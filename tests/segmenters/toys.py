"""The segmenters as their toy presets build them, a step of training, and predictions."""

from importlib import resources
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.models.preset import read_preset
from segmenters.architectures import build_segmenter
from segmenters.prediction import Segmenter


def toy(name: str, dataset: str, num_classes: int) -> nn.Module:
    """The network of the toy preset of segmenter `name`."""
    text = resources.files("segmenters").joinpath(f"presets/{name}.yaml").read_text(encoding="utf-8")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network: nn.Module = build_segmenter(
            name, num_classes=num_classes, **read_preset(text, name, "toy", dataset).network
        )
    return network


def half_megabytes(network: nn.Module) -> float:
    """The size of a network's state dict in half precision."""
    return 2e-6 * sum(value.numel() for value in network.state_dict().values())


def trained_step(network: nn.Module, size: tuple[int, int] = (32, 64)) -> tuple[Tensor, list[str]]:
    """The scores of two random pictures of `size`, and the names of the parameters without a gradient that matters."""
    generator = torch.Generator().manual_seed(0)
    scores = network.train()(torch.rand((2, 3, *size), generator=generator) * 2 - 1)
    F.cross_entropy(scores, torch.randint(scores.shape[1], (2, *size), generator=generator)).backward()
    untouched = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    return scores.detach(), untouched


def predict(segmenter: Segmenter, pictures: np.ndarray, **how: Any) -> np.ndarray:
    """uint8 (N, H, W) at the pictures' own size, of uint8 pictures (N, H, W, 3)."""
    each = zip(*(segmenter.prepare(picture, **how) for picture in pictures), strict=True)
    height, width = pictures.shape[1:3]
    scores = segmenter.scores([torch.stack(x) for x in each])
    return np.stack(segmenter.classes(scores, [(height, width)] * len(pictures)))
