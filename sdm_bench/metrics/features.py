"""Pictures -> features, once: read, resized, sent through a network in batches, kept in the cache."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
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
EXTRACTION_VERSION = "5"
# Pictures that a thread sends through a network at a time, and threads that do: what a layer makes then stays near the
# core and below a few GB in all.
CPU_BATCH, MOST_THREADS = 8, 16
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

    shown = partial(track, what=f"features of {source.name}", total=len(indices), unit="pictures")
    with full_precision():
        if extractor.device.type == "cpu":
            return list(shown(_on_cores(extractor, prepared, len(indices), min(batch_size, CPU_BATCH))))
        pictures = shown(ahead(prepared, len(indices)))
        return [row for batch in batched(pictures, batch_size) for row in _forward(extractor, batch)]


def _on_cores(
    extractor: Extractor, prepared: Callable[[int], Tensor], count: int, batch_size: int
) -> Iterator[np.ndarray]:
    """The features of prepared(0), prepared(1), ..., one row each, by threads that do whole batches.

    Each decodes, resizes and computes on a core of its own: none waits for the others at every layer, nor the network
    for the pictures, and the bits don't depend on the number of cores.
    """
    cores = torch.get_num_threads()
    threads = min(cores, MOST_THREADS)
    starts = range(0, count, batch_size)

    def computed(number: int) -> np.ndarray:
        start = starts[number]
        return _forward(extractor, [prepared(k) for k in range(start, min(start + batch_size, count))])

    try:
        batches = ahead(computed, len(starts), 2 * threads, threads, partial(torch.set_num_threads, cores // threads))
        for batch in batches:
            yield from batch
    finally:
        # threads that start later take over what was set last
        torch.set_num_threads(cores)


def batched(pictures: Iterable[Tensor], size: int) -> Iterator[list[Tensor]]:
    """Runs of `size` pictures, the last one shorter."""
    stream = iter(pictures)
    while batch := list(islice(stream, size)):
        yield batch


def _forward(extractor: Extractor, batch: Sequence[Tensor]) -> np.ndarray:
    """Features (N, D). A batch of one becomes two: libraries round a single picture otherwise than several."""
    whole = torch.stack([*batch, *batch] if len(batch) == 1 else list(batch))
    images = whole.to(extractor.device, memory_format=torch.channels_last)
    with torch.inference_mode():
        return extractor.module(images)[: len(batch)].float().cpu().numpy()
