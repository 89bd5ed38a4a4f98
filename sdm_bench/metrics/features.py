"""Pictures -> features, once: read, resized, sent through a network in batches, kept in the cache."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch import Tensor, nn

from sdm_bench.datasets.pictures import IMAGE_SUFFIXES, ahead, in_parallel, read_image
from sdm_bench.devices import pick_device
from sdm_bench.errors import UserError
from sdm_bench.files import atomic_path, sha256_file
from sdm_bench.metrics.inception import feature_tensors, load_inception
from sdm_bench.metrics.resize import Resize, resize_mode
from sdm_bench.processes import shared
from sdm_bench.progress import say, track
from sdm_bench.tensors import tensors_sha256

EXTRACTION_VERSION = "1"
"""Part of the cache key: raised whenever a change of this room changes a feature."""


@dataclass(frozen=True)
class ImageSource:
    """Pictures to measure.

    read: index -> uint8 (H, W, 3). manifest: SHA-256 of the ids and of all that decides pixels.
    """

    name: str
    ids: tuple[str, ...]
    read: Callable[[int], np.ndarray]
    manifest: str

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Extractor:
    """A network that turns pictures into features. module: the resized input (N, 3, h, w) -> (N, D).

    weights_sha256 is over the tensors that decide the features, so it doesn't depend on the file they came in.
    """

    name: str
    weights_sha256: str
    resize: Resize
    module: nn.Module
    device: torch.device


def inception_extractor(weights: Path, resize: str = "clean", device: str = "auto") -> Extractor:
    """FID's Inception with the weights of a safetensors file; `resize` is a name of metrics/resize.py."""
    network = load_inception(weights, device)
    digest = tensors_sha256(feature_tensors(network))
    return Extractor("inception-2015-12-05", digest, resize_mode(resize), network, pick_device(device))


def folder_source(folder: Path) -> ImageSource:
    """The PNG, JPEG and WebP pictures directly in `folder`, sorted by stem, which is their id.

    Raises UserError where there are none or two have one stem; other files and folders are passed over with a line.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; expected a flat folder of pictures")
    entries = sorted(folder.iterdir())
    files: dict[str, Path] = {}
    for path in entries:
        hidden = path.name.startswith(".")
        if hidden or path.suffix.lower() not in IMAGE_SUFFIXES or not path.is_file():
            continue
        if path.stem in files:
            raise UserError(f"{path}: the same id as {files[path.stem]}; expected one picture an id")
        files[path.stem] = path
    if not files:
        raise UserError(
            f"{folder}: no pictures; expected {', '.join(IMAGE_SUFFIXES)} directly in it, not in folders below"
        )
    others = [path.name for path in entries if path not in files.values()]
    if others:
        say(f"{folder}: {len(files)} pictures; passed over {', '.join(others[:5])}{', ...' * (len(others) > 5)}")
    return files_source(str(folder), files)


def files_source(name: str, files: dict[str, Path]) -> ImageSource:
    """The pictures of `files` (id -> file), sorted by id."""
    ids = tuple(sorted(files))
    paths = [files[key] for key in ids]
    lines = [f"{key} {digest}\n" for key, digest in zip(ids, in_parallel(sha256_file, paths), strict=True)]
    manifest = hashlib.sha256("".join(lines).encode()).hexdigest()
    return ImageSource(name, ids, lambda index: read_image(paths[index]), manifest)


def extract(source: ImageSource, extractor: Extractor, cache: Path | None = None, batch_size: int = 32) -> np.ndarray:
    """Features float32 (N, D) of the pictures in the order of their ids.

    With `cache`, a folder, they are kept there under a key of everything that changes them, and taken from there.
    Raises UserError for a picture that can't be read. The batch size changes nothing but the last bits. Under torchrun
    every process extracts its share and gets them all.
    """
    if batch_size < 1:
        raise UserError(f"a batch size of {batch_size}; expected at least 1")
    parts = cache_key(source, extractor)
    path = (
        cache / f"{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()}.safetensors"
        if cache
        else None
    )
    kept = _read(path, parts, len(source)) if path else None
    if kept is not None:
        return kept
    features = np.stack(shared(partial(_features, source, extractor, batch_size), len(source)))
    if path:
        with atomic_path(path) as temporary:
            save_file({"features": features}, temporary, metadata=parts)
    return features


def cache_key(source: ImageSource, extractor: Extractor) -> dict[str, str]:
    """Everything that changes the features of `source`; stored beside them."""
    return {
        "manifest": source.manifest,
        "extractor": extractor.name,
        "weights_sha256": extractor.weights_sha256,
        "resize": extractor.resize.name,
        "extraction_version": EXTRACTION_VERSION,
    }


def _read(path: Path, parts: dict[str, str], count: int) -> np.ndarray | None:
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as stored:
            features, found = stored.get_tensor("features"), stored.metadata()
    except SafetensorError as error:
        say(f"{path}: broken ({error}); extracting the features again")
        return None
    assert (found, len(features)) == (parts, count), f"{path} holds {len(features)} features of {found}"
    return features


def _features(source: ImageSource, extractor: Extractor, batch_size: int, indices: Sequence[int]) -> list[np.ndarray]:
    """The features of the pictures at `indices`, one row each."""

    def prepared(position: int) -> Tensor:
        return extractor.resize(source.read(indices[position]))

    pictures = ahead(prepared, len(indices))
    shown = track(pictures, f"features of {source.name}", len(indices), unit="pictures")
    return [row for batch in batched(shown, batch_size) for row in _forward(extractor, batch)]


def batched(pictures: Iterable[Tensor], size: int) -> Iterator[list[Tensor]]:
    """Runs of `size` pictures, the last one shorter."""
    stream = iter(pictures)
    while batch := list(islice(stream, size)):
        yield batch


def _forward(extractor: Extractor, batch: Sequence[Tensor]) -> np.ndarray:
    """Features (N, D). A batch of one becomes two: libraries round a single picture otherwise than several."""
    whole = torch.stack([*batch, *batch] if len(batch) == 1 else list(batch))
    images = whole.to(extractor.device, memory_format=torch.channels_last)
    with torch.inference_mode(), _full_precision(extractor.device):
        return extractor.module(images)[: len(batch)].float().cpu().numpy()


def _full_precision(device: torch.device) -> AbstractContextManager[None]:
    """GPUs round convolutions to ten bits unless told not to."""
    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False, fp32_precision="ieee")
