"""What measuring starts from: the photographs as pictures to measure, and features by a protocol's extractor."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sdm_bench.datasets.transforms import Resized
from sdm_bench.errors import UserError
from sdm_bench.metrics.features import Extractor, ImageSource, extract, files_source, inception_extractor
from sdm_bench.protocols.catalog import Protocol
from sdm_bench.protocols.sections import FIDProtocol
from sdm_bench.weights.registry import entry
from sdm_bench.weights.store import cache_folder, require

INCEPTION = "inception-2015-12-05"


def refuse_missing(source: ImageSource, expected: Iterable[str]) -> None:
    """Raises UserError where `source` doesn't hold exactly the pictures with the ids `expected`."""
    missing = sorted(set(expected) - set(source.ids))
    extra = sorted(set(source.ids) - set(expected))
    if missing or extra:
        listed = (
            f"{len(missing)} missing ({', '.join(missing[:3])})" if missing else f"{len(extra)} too many ({extra[0]})"
        )
        raise UserError(f"{source.name}: not the pictures of the split: {listed}; `sdm-bench generate` resumes")


def pinned_weights(protocol: Protocol, name: str) -> Path:
    """The cached weights called `name`; raises UserError where they are not those that the protocol was made with."""
    expected, found = protocol.weights.get(name), entry(name).tensors_sha256
    if expected != found:
        raise UserError(f"{protocol.name} needs {name} with tensors {expected}; this program knows {found}")
    return require([name])[name]


def protocol_extractor(about: FIDProtocol, weights: Path, device: str) -> Extractor:
    """The network that a protocol takes features from, with its resizing."""
    if about.extractor == INCEPTION:
        return inception_extractor(weights, about.resize, device)
    from sdm_bench.metrics.vit import vit_extractor

    return vit_extractor(about.extractor, weights, device)


def features_of(source: ImageSource, extractor: Extractor) -> np.ndarray:
    """Features (N, D) of pictures, from the user's cache where they are known."""
    return extract(source, extractor, cache_folder() / "features")


def real_source(real: Resized) -> ImageSource:
    """The real photographs at the samples' size, as pictures to measure."""
    records = real.dataset.records
    paths = [record.image for record in records if record.image is not None]
    if len(paths) < len(records):
        raise UserError(
            f"{real.dataset.root}: {len(records) - len(paths)} label maps have no photograph to compare with"
        )
    files = files_source("real", dict(zip((record.id for record in records), paths, strict=True)))
    digest = hashlib.sha256(f"{real.transform!r} {files.manifest}".encode())

    def read(index: int) -> np.ndarray:
        image = real[index].image
        assert image is not None
        return image

    return ImageSource(f"real {real.dataset.name} {real.dataset.split}", files.ids, read, digest.hexdigest())
