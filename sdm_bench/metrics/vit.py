"""Vision transformers as extractors beside Inception: DINOv2 and CLIP, by the `transformers` library (extra `vit`).

Inception ranks generators otherwise than people do, DINOv2 closer to them (Stein et al. 2023, arXiv:2306.04675), and
its distance falls where only ImageNet's classes are matched (Kynkäänniemi et al. 2022, arXiv:2203.06026). Each name
of vit.yaml is one published reading: a network, how pictures are resized for it, and what of it is the feature.
"""

import importlib
import math
from functools import cache, partial
from importlib import resources
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.base.devices import pick_device
from sdm_bench.base.errors import unknown_name
from sdm_bench.base.pretrained import transformers_library, transformers_network
from sdm_bench.base.sections import Section, parsed
from sdm_bench.base.tensors import Tensors, tensors_sha256
from sdm_bench.metrics.features import Extractor
from sdm_bench.metrics.resize import Pixels, Resize, resized_before

# What DINOv2 adds to the side of its grid of positions when it resizes them.
POSITION_OFFSET = 0.1


class ViT(Section):
    """One published reading, an entry of vit.yaml.

    classes: of `transformers`, model and configuration; settings: the latter's fields. side: height and width of the
    input, pixels. resize: "module:function" from a uint8 picture (H, W, 3) and `side` to float32 (side, side, 3),
    0..255. mean, deviation: of red, green and blue in [0, 1], by which the input is normalised. output: the field of
    the model's output that is the feature, (N, dimensions); unit_length: scaled to length 1. unused: beginnings of
    names in the weights that decide nothing.
    """

    classes: tuple[str, str]
    settings: dict[str, int]
    side: int
    resize: str
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    output: str
    dimensions: int
    unit_length: bool = False
    unused: tuple[str, ...] = ()

    def resizing(self) -> Resize:
        """From a picture to the network's input; its name is that of the function and the side."""
        module, _, function = self.resize.partition(":")
        centre, half_range = ((255 * r, 255 * g, 255 * b) for r, g, b in (self.mean, self.deviation))
        pixels = partial(getattr(importlib.import_module(module), function), side=self.side)
        return Resize(f"{function}-{self.side}", pixels, centre, half_range)


@cache
def readings() -> dict[str, ViT]:
    """The published readings of vit.yaml by name."""
    text = resources.files("sdm_bench.metrics").joinpath("vit.yaml").read_text(encoding="utf-8")
    return {name: parsed(ViT, fields, f"vit.yaml: {name}") for name, fields in yaml.safe_load(text).items()}


def short_side_cropped(image: Pixels, side: int) -> Pixels:
    """float32 (side, side, 3), 0..255: the short side bicubic to `side`, rounded to 8 bits, and the middle of that.

    torchvision's Resize(side) and CenterCrop(side); of a picture twice as wide as high it keeps half.
    """
    resized = _short_side(image, side)
    top, left = (round((extent - side) / 2) for extent in resized.shape[:2])
    return resized[top : top + side, left : left + side].astype(np.float32)


def short_side_floor_cropped(image: Pixels, side: int) -> Pixels:
    """As `short_side_cropped`, the crop's corner rounded down: as `transformers` prepares pictures for CLIP."""
    resized = _short_side(image, side)
    top, left = ((extent - side) // 2 for extent in resized.shape[:2])
    return resized[top : top + side, left : left + side].astype(np.float32)


def _short_side(image: Pixels, side: int) -> Pixels:
    height, width = image.shape[:2]
    shorter = min(height, width)
    return resized_before(image, (int(side * height / shorter), int(side * width / shorter)), "bicubic")


class ViTFeatures(nn.Module):
    """float32 (N, 3, side, side), normalised -> features (N, D)."""

    def __init__(self, network: nn.Module, output: str, unit_length: bool):
        super().__init__()
        self.network, self.output, self.unit_length = network, output, unit_length

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = getattr(self.network(pixel_values=x), self.output)
        return F.normalize(features, dim=1) if self.unit_length else features


def vit_extractor(name: str, weights: Tensors, device: str = "auto") -> Extractor:
    """The extractor called `name` in vit.yaml, with tensors under Hugging Face's names.

    Raises UserError on an unknown name, for weights of another network, and without the library.
    """
    if name not in readings():
        raise unknown_name("vision transformer", name, readings())
    # under the published names, so that the digest doesn't depend on the library's
    about = readings()[name]
    tensors = {key: value.float() for key, value in weights.items() if not key.startswith(about.unused)}
    network = _network(about, tensors, name)
    digest = tensors_sha256({key: value for key, value in tensors.items() if not key.endswith("mask_token")})
    module = ViTFeatures(network, about.output, about.unit_length).eval().requires_grad_(False)
    chosen = pick_device(device)
    return Extractor(name, digest, about.resizing(), module.to(chosen), chosen)


def resized_positions(positions: Tensor, side: int) -> Tensor:
    """DINOv2's learnt positions (1, 1 + G^2, C), the first the class token's, for a grid of `side`^2 patches.

    Bicubic at a scale of (side + 0.1) / G, not side / G, as facebookresearch/dinov2@027a9ac,
    dinov2/models/vision_transformer.py; `transformers` leaves the tenth out, which moves the last of 16 by a fifth
    of the distance of two of 37.
    """
    grid = math.isqrt(positions.shape[1] - 1)
    square = positions[:, 1:].reshape(1, grid, grid, -1).permute(0, 3, 1, 2)
    scale = (side + POSITION_OFFSET) / grid
    resized = F.interpolate(square, scale_factor=(scale, scale), mode="bicubic")
    return torch.cat([positions[:, :1], resized.flatten(2).transpose(1, 2)], 1)


def _network(about: ViT, tensors: Tensors, source: str) -> nn.Module:
    model, config = (getattr(transformers_library(), name) for name in about.classes)
    network = transformers_network(model, config(**about.settings), tensors, source)
    if about.classes[0] == "Dinov2Model":
        _fix_positions(network, about.side)
    return network


def _fix_positions(network: Any, side: int) -> None:
    """Resizes DINOv2's positions to the pictures' size once, so that the library doesn't at every call."""
    embeddings = network.embeddings
    with torch.no_grad():
        resized = resized_positions(embeddings.position_embeddings, side // embeddings.patch_size)
    embeddings.position_embeddings = nn.Parameter(resized)
