"""The Fréchet distance of a task and its companions, all from the same features in one pass."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sdm_bench.errors import UserError
from sdm_bench.evaluation.sources import (
    INCEPTION,
    features_of,
    pinned_weights,
    protocol_extractor,
    real_source,
    refuse_missing,
)
from sdm_bench.evaluation.task import Measured, Task, mean_and_spread
from sdm_bench.files import sha256_file
from sdm_bench.metrics.extrapolation import frechet_distance_infinity
from sdm_bench.metrics.features import Extractor, ImageSource
from sdm_bench.metrics.frechet import Gaussian, frechet_distance, gaussian
from sdm_bench.metrics.inception_score import inception_score
from sdm_bench.metrics.kernel import kernel_distance
from sdm_bench.metrics.manifold import density_coverage, precision_recall
from sdm_bench.metrics.statistics_files import read_statistics
from sdm_bench.progress import say
from sdm_bench.protocols.catalog import Protocol
from sdm_bench.protocols.sections import FIDProtocol
from sdm_bench.results import ResultRow
from sdm_bench.tensors import read_safetensors

FEW_IMAGES = 2048
"""Fewer images than this leave the covariances of FID's features singular and the distance biased upwards."""
LOWER = ("fid", "kid", "kid_standard_error", "fd_infinity")
"""Metrics, by the end of their names, of which lower is better."""
PREFIXES = {INCEPTION: "", "dinov2-vit-l-14": "dinov2_", "clip-vit-b-32": "clip_"}
"""What metrics of other features are called with: their numbers are of another size."""


class Reference(NamedTuple):
    """The real side. features: (N, D); None where only statistics are known. note: what a row has to say of it."""

    fitted: Gaussian
    features: np.ndarray | None
    note: str


def fid_rows(task: Task) -> Measured:
    """The Fréchet Inception distance of every seed's pictures to the real ones, and its companions where asked for.

    A value is the mean over seeds, its spread their standard deviation; each seed is a set of its own.
    """
    about = task.protocol.fid_on(task.dataset.name)
    weights = pinned_weights(task.protocol, about.extractor)
    extractor = protocol_extractor(about, weights, str(task.device))
    real = _reference(task, about, extractor)
    found: dict[str, list[float]] = {}
    for source in task.samples.sources.values():
        _refuse_other_count(source, task)
        for name, value in _values(about, features_of(source, extractor), real, weights).items():
            found.setdefault(name, []).append(value)
    _warn_of_few(about, task)
    prefix = PREFIXES[about.extractor]
    title = f"{extractor.name}, {about.resize}"
    return Measured([_row(task, f"{prefix}{name}", values, title, real.note) for name, values in found.items()], [])


def _values(about: FIDProtocol, features: np.ndarray, real: Reference, weights: Path) -> dict[str, float]:
    """The metrics of one seed by name, FID first; a companion that needs more images is left out with a line."""
    found = {"fid": frechet_distance(features, real.fitted)}
    if not about.companions or real.features is None:
        return found
    sets = Sets(features, real.features, real.fitted, weights)
    for names, compute in COMPANIONS.items():
        if names == INCEPTION_SCORE and about.extractor != INCEPTION:
            continue
        try:
            found |= compute(sets)
        except UserError as error:
            say(f"{names} left out: {error.message}")
    return found


class Sets(NamedTuple):
    """What companions are computed of: features (N, D) and (M, D), the real ones' fit, the extractor's weights."""

    generated: np.ndarray
    real: np.ndarray
    fitted: Gaussian
    weights: Path


def _kernel(sets: Sets) -> dict[str, float]:
    found = kernel_distance(sets.generated, sets.real)
    return {"kid": found.value, "kid_standard_error": found.standard_error}


def _infinity(sets: Sets) -> dict[str, float]:
    return {"fd_infinity": frechet_distance_infinity(sets.generated, sets.fitted).value}


def _precision_recall(sets: Sets) -> dict[str, float]:
    found = precision_recall(sets.real, sets.generated)
    return {"precision": found.precision, "recall": found.recall}


def _density_coverage(sets: Sets) -> dict[str, float]:
    found = density_coverage(sets.real, sets.generated)
    return {"density": found.density, "coverage": found.coverage}


def _inception_score(sets: Sets) -> dict[str, float]:
    """Where the weights have the classifier that it needs; the packaged ones have not. Its logits have no bias."""
    classifier = read_safetensors(sets.weights).get("fc.weight")
    if classifier is None:
        return {}
    return {"inception_score": inception_score(sets.generated @ classifier.numpy().T, logits=True).mean}


INCEPTION_SCORE = "Inception score"
COMPANIONS: dict[str, Callable[[Sets], dict[str, float]]] = {
    "KID": _kernel,
    "FD-infinity": _infinity,
    "precision and recall": _precision_recall,
    "density and coverage": _density_coverage,
    INCEPTION_SCORE: _inception_score,
}


def _row(task: Task, name: str, values: list[float], title: str, note: str) -> ResultRow:
    fields: dict[str, Any] = mean_and_spread(values)
    fields["note"] = ", ".join(part for part in (fields.get("note", ""), note) if part)
    return task.row(metric=name, **fields, direction="lower" if name.endswith(LOWER) else "higher", extractor=title)


def _reference(task: Task, about: FIDProtocol, extractor: Extractor) -> Reference:
    """The real side: photographs, or statistics from a file that the user brings."""
    if task.statistics is not None:
        return _read_reference(task.statistics, extractor)
    refuse_without_statistics(task.protocol, about)
    features = features_of(real_source(task.photographs(about.real_recipe)), extractor)
    return Reference(gaussian(features), features, "")


def refuse_without_statistics(protocol: Protocol, about: FIDProtocol) -> None:
    """Raises UserError where a protocol compares with statistics that the user has to bring."""
    if about.real != "evaluated split":
        raise UserError(
            f"{protocol.name} compares with {about.real}, as its authors ship them; give --statistics the folder "
            "with m.npy and s.npy, or an .npz"
        )


def _read_reference(path: Path, extractor: Extractor) -> Reference:
    """Raises UserError where the file says that other weights or another resizing made it."""
    stored = read_statistics(path)
    resize, digest = extractor.resize.name, extractor.weights_sha256
    for name, value in {"extractor": extractor.name, "resize": resize, "weights_sha256": digest}.items():
        if stored.about.get(name, value) != value:
            raise UserError(f"--statistics {path}: made with {name} {stored.about[name]}; expected {value}")
    file = sha256_file(path if path.is_file() else path / "s.npy")[:12]
    made = f"of {stored.count} images" if stored.count else "of an unknown number of images"
    return Reference(gaussian(stored.statistics()), None, f"real: statistics {made}, {path.name} {file}")


def _refuse_other_count(source: ImageSource, task: Task) -> None:
    expected = [record.id for record in task.dataset.records]
    if task.samples.options is not None:
        refuse_missing(source, expected)
    elif len(source) != len(expected):
        say(f"warning: {source.name} has {len(source)} pictures, the real set {len(expected)}")


def _warn_of_few(about: FIDProtocol, task: Task) -> None:
    count = len(next(iter(task.samples.sources.values())))
    if count < FEW_IMAGES:
        say(f"warning: FID from {count} images, fewer than {FEW_IMAGES}; comparable only at this number of images")
    real = len(task.dataset)
    if task.statistics is None and about.real_count not in (None, real):
        say(f"warning: {real} photographs; the real set of {task.protocol.name} has {about.real_count}")
