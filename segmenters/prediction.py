"""Pictures -> maps of evaluated classes, with a segmenter from wherever its weights lie."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.datasets.base import ClassTable
from sdm_bench.errors import UserError
from sdm_bench.files import sha256_file
from sdm_bench.tensors import Tensors, load_strictly, read_safetensors
from sdm_bench.trained import SHIPPED, shipped_weights
from sdm_bench.training.checkpoints import WeightsAbout, read_weights
from sdm_bench.training.runs import TrainingRun
from segmenters.catalog import ARCHITECTURES, build_segmenter, load, released_names


@dataclass(frozen=True)
class Segmenter:
    """A trained segmenter of one dataset.

    network: pictures (N, 3, h, w) in [-1, 1] -> scores (N, classes, h', w'), one a class of mean IoU. image_size: the
    (height, width) it was trained at; pictures of another size are resized to it first.
    """

    name: str
    network: nn.Module
    image_size: tuple[int, int]
    sha256: str
    device: torch.device

    @torch.inference_mode()
    def predict(self, images: np.ndarray) -> np.ndarray:
        """uint8 (N, H, W) indices of evaluated classes for uint8 pictures (N, H, W, 3)."""
        x = torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1).to(self.device)
        scores = self.network(resized(x, self.image_size))
        return resized(scores, images.shape[1:3]).argmax(1).to(torch.uint8).cpu().numpy()


def resized(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """x (N, C, h, w) at `size`, bilinear and antialiased; as it is where it has that size."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False)


def load_segmenter(source: str, dataset: str, classes: ClassTable, device: torch.device) -> Segmenter:
    """The segmenter at `source`.

    source: a run of `sdm-bench segment train`, a weights file with its JSON, a registry name, or `toy` for the shipped
    one. Raises UserError where it is of another dataset or doesn't fit.
    """
    if source in released_names():
        return _released(source, classes, device)
    path = shipped_weights("unet") if source == SHIPPED else Path(source)
    if not path.exists():
        known = ", ".join([*released_names(), SHIPPED])
        raise UserError(f"--segmenter {source}: neither a run, nor a weights file, nor one of {known}")
    tensors, about, file = _read(path)
    if about.dataset != dataset:
        raise UserError(f"--segmenter {source}: trained on {about.dataset}; expected one for {dataset}")
    if about.method not in ARCHITECTURES:
        raise UserError(f"--segmenter {source}: holds a {about.method}; expected one of {', '.join(ARCHITECTURES)}")
    network = build_segmenter(about.method, **about.network)
    return _loaded(f"{about.method} ({source})", network, tensors, about.image_size, file, device)


def _read(path: Path) -> tuple[Tensors, WeightsAbout, Path]:
    if path.is_dir():
        run = TrainingRun(path)
        return *run.weights(), run.weights_file()
    tensors, about = read_weights(path)
    if about is None:
        raise UserError(f"{path}: expected {path.stem}.json beside it, which says what the weights are of")
    return tensors, about, path


def _released(name: str, classes: ClassTable, device: torch.device) -> Segmenter:
    from sdm_bench.weights.store import require

    path = require([name])[name]
    architecture = released_names()[name]
    tensors = load(architecture.from_released)(read_safetensors(path))
    network = build_segmenter(architecture.name, num_classes=len(classes.evaluated_names))
    return _loaded(name, network, tensors, architecture.released_weights[name], path, device)


def _loaded(
    name: str, network: nn.Module, tensors: Tensors, size: tuple[int, int], file: Path, device: torch.device
) -> Segmenter:
    load_strictly(network, tensors, file)
    return Segmenter(name, network.to(device).eval(), size, sha256_file(file), device)
