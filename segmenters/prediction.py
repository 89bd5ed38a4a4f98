"""Pictures -> maps of evaluated classes, with a segmenter from wherever its weights lie."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.datasets.base import ClassTable
from sdm_bench.errors import UserError
from sdm_bench.files import sha256_file
from sdm_bench.tensors import Tensors, load_strictly, read_safetensors, to_unit_range
from sdm_bench.trained import SHIPPED, shipped_weights
from sdm_bench.training.checkpoints import WeightsAbout, read_weights
from sdm_bench.training.runs import TrainingRun
from segmenters.catalog import ARCHITECTURES, build_segmenter, load, released_files, released_names
from segmenters.picture_segmenter import mean_probabilities
from segmenters.preprocessing import PREPROCESSING, Preprocessing


@dataclass(frozen=True)
class Segmenter:
    """A trained segmenter of one dataset.

    network: pictures (N, 3, h, w) in [-1, 1] -> scores (N, classes, h', w'), one a class of mean IoU. image_size: the
    (height, width) it was trained at; pictures of another size are resized to it first, unless its authors feed it in a
    way of their own, `preprocessing`.
    """

    name: str
    network: nn.Module
    image_size: tuple[int, int]
    sha256: str
    device: torch.device
    preprocessing: Preprocessing | None = None

    @torch.inference_mode()
    def predict(self, images: np.ndarray) -> np.ndarray:
        """uint8 (N, H, W) indices of evaluated classes for uint8 pictures (N, H, W, 3)."""
        pictures = [x.to(self.device) for x in self._pictures(images)]
        height, width = images.shape[1:3]
        probabilities = mean_probabilities(self.network, pictures, (height, width))
        return probabilities.argmax(1).to(torch.uint8).cpu().numpy()

    def _pictures(self, images: np.ndarray) -> list[Tensor]:
        if self.preprocessing is not None:
            return self.preprocessing.pictures(images)
        return [resized(torch.stack([to_unit_range(image) for image in images]), self.image_size)]


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
    load_strictly(network, tensors, file)
    name = f"{about.method} ({source})"
    return Segmenter(name, network.to(device).eval(), about.image_size, sha256_file(file), device)


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

    prefixes = released_files(name)
    files = require(prefixes)
    tensors = {f"{prefixes[part]}{key}": v for part, file in files.items() for key, v in read_safetensors(file).items()}
    architecture = released_names()[name]
    network = build_segmenter(architecture.name, num_classes=len(classes.evaluated_names))
    load_strictly(network, load(architecture.from_released)(tensors), name)
    return Segmenter(
        name=name,
        network=network.to(device).eval(),
        image_size=architecture.released_weights[name],
        sha256=_digest(list(files.values())),
        device=device,
        preprocessing=PREPROCESSING[architecture.preprocessing] if architecture.preprocessing else None,
    )


def _digest(files: list[Path]) -> str:
    """The sha256 of a file, or of the sha256s of several."""
    each = [sha256_file(file) for file in files]
    return each[0] if len(each) == 1 else hashlib.sha256("".join(each).encode()).hexdigest()
