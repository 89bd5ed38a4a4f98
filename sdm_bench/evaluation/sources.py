"""Pictures to measure: the real photographs as a source, and whether a source holds the pictures of a split."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sdm_bench.datasets.transforms import Resized
from sdm_bench.errors import UserError
from sdm_bench.evaluation.task import Task
from sdm_bench.metrics.features import ImageSource, files_source
from sdm_bench.weights.registry import entry
from sdm_bench.weights.store import require


def refuse_missing(source: ImageSource, expected: Iterable[str]) -> None:
    """Raises UserError where `source` doesn't hold exactly the pictures with the ids `expected`."""
    missing = sorted(set(expected) - set(source.ids))
    extra = sorted(set(source.ids) - set(expected))
    if missing or extra:
        listed = (
            f"{len(missing)} missing ({', '.join(missing[:3])})" if missing else f"{len(extra)} too many ({extra[0]})"
        )
        raise UserError(f"{source.name}: not the pictures of the split: {listed}; `sdm-bench generate` resumes")


def pinned_weights(task: Task, name: str) -> Path:
    """The cached weights called `name`; raises UserError where they are not those that the protocol was made with."""
    expected, found = task.protocol.weights.get(name), entry(name).tensors_sha256
    if expected != found:
        raise UserError(f"{task.protocol.name} needs {name} with tensors {expected}; this program knows {found}")
    return require([name])[name]


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
