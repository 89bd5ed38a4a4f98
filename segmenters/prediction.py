"""Pictures -> maps of evaluated classes, with a segmenter from wherever its weights lie."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from segmenters.configured import PREFIX, load_configured
from segmenters.picture_segmenter import head_scores, mean_probabilities
from segmenters.preprocessing import PREPROCESSING, Preprocessing, ShortSides, Size, as_it_is, enlarged

LONGEST, MULTIPLE = 1000, 32
"""Where short sides are given: the longest long side, and what sides are multiples of, as CSAIL's evaluation has it."""


@dataclass(frozen=True)
class Segmenter:
    """A trained segmenter of one dataset.

    network: pictures (N, 3, h, w) in [-1, 1] -> scores (N, classes, h', w'), one a class of mean IoU. preprocessing:
    how its authors feed it. Where that is None, it is one's own: every picture is resized to `image_size`, the (height,
    width) it was trained at, whatever else was done to it before.
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
    def predict(self, passes: Sequence[Tensor], sizes: Sequence[Size], corners: bool = False) -> list[np.ndarray]:
        """uint8 (H, W) indices of evaluated classes at `sizes`, one for each of N pictures.

        passes: prepared pictures (N, 3, h, w), a tensor a pass. corners: whether scores are resized with aligned ones.
        """
        scores = [head_scores(self.network, x.to(self.device)) for x in passes]
        each = zip(*(x.split(1) for x in scores), strict=True)
        return [_classes(parts, size, corners) for parts, size in zip(each, sizes, strict=True)]


def _classes(scores: Sequence[Tensor], size: Size, corners: bool) -> np.ndarray:
    """uint8 (H, W): a picture at a time, since the scores of many classes at full size are large."""
    return mean_probabilities(scores, size, corners).argmax(1)[0].to(torch.uint8).cpu().numpy()


def resized(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """x (N, C, h, w) at `size`, bilinear and antialiased; as it is where it has that size."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False)


def load_segmenter(source: str, dataset: str, classes: ClassTable, device: torch.device) -> Segmenter:
    """The segmenter at `source`.

    source: a run of `sdm-bench segment train`, a weights file with its JSON, a registry name, `toy` for the shipped
    one, or "mmseg:CONFIG.py,CHECKPOINT.pth". Raises UserError where it is of another dataset or doesn't fit.
    """
    if source in released_names():
        return _released(source, classes, device)
    if source.startswith(PREFIX):
        configured, files = load_configured(source, classes)
        preprocessing = configured.preprocessing
        return Segmenter(source, configured.to(device).eval(), None, _digest(files), device, preprocessing)
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
