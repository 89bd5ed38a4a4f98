"""Pictures -> features, once: read, resized, sent through a network in batches, kept in the cache."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn

from sdm_bench.base.devices import full_precision, pick_device
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import tolerated
from sdm_bench.base.finite import NotFinite, named
from sdm_bench.base.processes import decided, shared
from sdm_bench.base.progress import say, track
from sdm_bench.base.tensors import Tensors, tensors_sha256, write_safetensors
from sdm_bench.datasets.pictures import ahead
from sdm_bench.metrics.images import ImageSource
from sdm_bench.metrics.inception import feature_tensors, folded, load_inception
from sdm_bench.metrics.resize import Resize, resize_mode

INCEPTION = "inception-2015-12-05"
# Part of the cache key: raised whenever a change of this room changes a feature.
EXTRACTION_VERSION = "3"
# Beside the features in a file: their SHA-256, by which a flipped bit is noticed.
DIGEST = "sha256"


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


def inception_extractor(weights: Tensors, resize: str = "clean", device: str = "auto") -> Extractor:
    """FID's Inception with the tensors `weights`; `resize` is a name of metrics/resize.py."""
    network = load_inception(weights, device)
    digest = tensors_sha256(feature_tensors(network))
    return Extractor(INCEPTION, digest, resize_mode(resize), folded(network), pick_device(device))


def extract(
    source: ImageSource,
    extractor: Extractor,
    cache: Path | None = None,
    batch_size: int = 32,
    unstored: list[str] | None = None,
) -> np.ndarray:
    """Features float32 (N, D) of the pictures in the order of their ids.

    With `cache`, a folder, they are kept there under a key of everything that changes them, and taken from there. Where
    they can't be kept, `unstored` takes a line that says so.
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
    # processes may have caches of their own: the first one's counts
    kept = decided(lambda: _read(path, parts, len(source)) if path else None)
    if kept is not None:
        return kept
    features = np.stack(shared(partial(_features, source, extractor, batch_size), len(source)))
    refuse_features(features, source)

    def keep() -> None:
        assert path is not None
        with tolerated([] if unstored is None else unstored, f"features of {source.name}"):
            write_safetensors(path, {"features": torch.from_numpy(features), DIGEST: _digest(features)}, parts)

    if path:
        decided(keep)
    return features


def refuse_features(features: np.ndarray, source: ImageSource) -> None:
    """Raises NotFinite, naming the pictures, where features (N, D) hold NaN or Inf."""
    whole = np.isfinite(features).all(axis=1)
    wrong = [name for name, good in zip(source.ids, whole, strict=True) if not good]
    if wrong:
        raise NotFinite(f"NaN or Inf in the features of {source.name}: {named(wrong)}")


def _digest(features: np.ndarray) -> Tensor:
    """The SHA-256 of features, uint8 (32,)."""
    digest = hashlib.sha256(np.ascontiguousarray(features).data).digest()
    return torch.frombuffer(bytearray(digest), dtype=torch.uint8)


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
            features, digest, found = stored.get_tensor("features"), stored.get_tensor(DIGEST), stored.metadata()
        if found != parts or len(features) != count:
            raise ValueError("of other pictures than its name says")
        if digest.tolist() != _digest(features).tolist():
            raise ValueError("not the numbers that were stored")
    except Exception as error:  # a damaged file fails in as many ways as there are bytes
        say(f"{path}: broken ({error}); extracting the features again")
        return None
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
    with torch.inference_mode(), full_precision():
        return extractor.module(images)[: len(batch)].float().cpu().numpy()
