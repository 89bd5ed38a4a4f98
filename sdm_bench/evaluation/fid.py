"""The Fréchet distance and its companions, all from the same features in one pass."""

from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say
from sdm_bench.base.tensors import Tensors
from sdm_bench.evaluation.companions import COMPANIONS, FEW_IMAGES, CompanionFields, FeaturePair, companions
from sdm_bench.evaluation.context import EvaluationContext, Size, mean_and_spread
from sdm_bench.evaluation.extractors import extractor_of, pinned_weights
from sdm_bench.evaluation.metric import Metric, MetricResult, Output
from sdm_bench.metrics.efficientnet import EFFICIENTNET_LITE0
from sdm_bench.metrics.features import INCEPTION, Extractor
from sdm_bench.metrics.frechet import Gaussian, frechet_distance, gaussian
from sdm_bench.metrics.frechet_float32 import frechet_distance_float32
from sdm_bench.metrics.statistics_files import read_statistics
from sdm_bench.protocols.protocols import Protocol
from sdm_bench.results.sample_sets import spell_seeds

EVALUATED_SPLIT = "evaluated split"


class FIDSection(CompanionFields):
    """What a protocol states of the Fréchet distance on a dataset, and of the numbers beside it.

    extractor: registry name of its weights. resize: a mode of metrics/resize.py, from the picture to Inception; other
    networks have their own.
    real: the photographs of the evaluated split, resized to the samples' size as the recipe `real_recipe` does, or
    "stored" as they are; or statistics that the authors ship. real_count: how many photographs there are, None where
    anything goes.
    covariance: the numbers in which covariances and their root are computed: "float32" as OASIS's program does, with
    the float64 value beside it.
    samples, sample_size: see evaluation/groups.py.
    """

    resize: Literal["clean", "legacy_pytorch", "sdm", "tf1", "its own"]
    real: Literal["evaluated split", "statistics of the training split"] = "evaluated split"
    real_recipe: Literal["sdm", "spade", "stored"] = "sdm"
    real_count: int | None = None
    covariance: Literal["float64", "float32"] = "float64"
    samples: int | None = None
    sample_size: Size | None = None


class FeatureName(NamedTuple):
    """How numbers of an extractor's features are called: what their names and their titles begin with."""

    prefix: str
    distance: str
    others: str


# Numbers of other features than Inception's are of another size, so that they have names of their own.
FEATURE_NAMES = {
    INCEPTION: FeatureName("", "FID", ""),
    "dinov2-vit-l-14": FeatureName("dinov2_", "FD-DINOv2", "DINOv2 "),
    "clip-vit-b-32": FeatureName("clip_", "CLIP-FID", "CLIP "),
    EFFICIENTNET_LITE0: FeatureName("efficientnet_", "FD-EfficientNet-Lite0", "EfficientNet-Lite0 "),
}


def _outputs(called: FeatureName) -> tuple[Output, ...]:
    prefix, others = called.prefix, called.others
    return (
        Output(f"{prefix}fid", called.distance, "lower", digits=2, main=True),
        Output(f"{prefix}fid_float64", f"{called.distance} (float64)", "lower", digits=2),
        Output(f"{prefix}fd_infinity", f"{others}FD-infinity", "lower", digits=2),
        Output(f"{prefix}kid", f"{others}KID" if others else "KID", "lower"),
        Output(f"{prefix}kid_standard_error", f"{others}KID error", "lower"),
        Output(f"{prefix}kid_subsets", f"{others}KID of subsets", "lower"),
        Output(f"{prefix}precision", f"{others}precision", "higher", highest=1.0),
        Output(f"{prefix}recall", f"{others}recall", "higher", highest=1.0),
        Output(f"{prefix}density", f"{others}density", "higher"),
        Output(f"{prefix}coverage", f"{others}coverage", "higher", highest=1.0),
        Output(f"{prefix}inception_score", f"{others}IS", "higher"),
    )


class ReferenceStatistics(NamedTuple):
    """The real side. fitted: its Gaussian. features: (N, D); None where only statistics are known.

    images: the number N of real pictures, None where a file doesn't say. sha256: of what it is made of. note: what a
    row has to say of it.
    """

    fitted: Gaussian
    features: np.ndarray | None
    images: int | None
    sha256: str
    note: str = ""


class FID(Metric):
    """The Fréchet Inception distance of every seed's pictures to the real ones, and its companions where asked for.

    A value is the mean over seeds, its spread their standard deviation; each seed is a set of its own.
    """

    name = "fid"
    summary = "Fréchet distance, with KID, precision, recall and others of the same features"
    section = FIDSection
    outputs: ClassVar[tuple[Output, ...]] = tuple(
        output for called in FEATURE_NAMES.values() for output in _outputs(called)
    )

    def weights(self, section: FIDSection, segmenter: str | None = None) -> list[str]:
        return [section.extractor]

    def refuse(self, section: FIDSection, protocol: Protocol, statistics: bool) -> None:
        if section.real != EVALUATED_SPLIT and not statistics:
            raise UserError(
                f"{protocol.name} compares with {section.real}, as its authors ship them; give --statistics the folder "
                "with m.npy and s.npy, or an .npz"
            )
        if section.covariance == "float32" and statistics:
            raise UserError(
                f"{protocol.name} takes the covariance of the photographs' features in float32; "
                "--statistics don't hold it"
            )

    def measure(self, context: EvaluationContext) -> MetricResult:
        section: FIDSection = context.section
        self.refuse(section, context.protocol, context.statistics is not None)
        extractor = extractor_of(context, section.extractor, section.resize)
        real = _reference(context, extractor)
        weights = pinned_weights(context.protocol, section.extractor)
        found: dict[str, list[float]] = {}
        left_out: dict[str, None] = {}
        measured = context.groups()
        for source in measured.values():
            of_seed, lines = _values(context, context.features(source, extractor), real, weights)
            left_out |= dict.fromkeys(lines)
            for name, value in of_seed.items():
                found.setdefault(name, []).append(value)
        for line in left_out:
            say(line)
        _warn_of_few(context, real)
        common = {
            "extractor": f"{extractor.name}, {section.resize}",
            "extractor_sha256": extractor.weights_sha256,
            "num_real": real.images,
            "reference_sha256": real.sha256,
            "note": real.note,
            "seeds": spell_seeds(measured),
        }
        prefix = FEATURE_NAMES[section.extractor].prefix
        rows = []
        for name, values in found.items():
            output = self.output(f"{prefix}{name}")
            rows.append(
                context.row(metric=output.name, direction=output.direction, **mean_and_spread(values), **common)
            )
        return MetricResult(rows, [])


def _values(
    context: EvaluationContext, features: np.ndarray, real: ReferenceStatistics, weights: Tensors
) -> tuple[dict[str, float], list[str]]:
    """The numbers of one seed by name, FID first, and a line for each companion that was left out."""
    section: FIDSection = context.section
    found = distances(features, real, section)
    if real.features is None or not section.companions:
        return found, []
    pair = FeaturePair(features, real.features, real.fitted, weights, section, context.few_allowed)
    beside, left_out = companions(pair)
    return found | beside, left_out


def distances(features: np.ndarray, real: ReferenceStatistics, section: FIDSection) -> dict[str, float]:
    """The Fréchet distance of features (N, D) as the protocol computes it; in float32 with that in float64 beside.

    Raises UserError where statistics that somebody brings have other dimensions.
    """
    there, expected = real.fitted.mean.size, features.shape[1]
    if there != expected:
        raise UserError(f"{real.note}: features of {there} dimensions; expected {expected}, as the extractor's have")
    found = {"fid": frechet_distance(features, real.fitted)}
    if real.features is not None and section.covariance == "float32":
        found = {"fid": frechet_distance_float32(real.features, features), "fid_float64": found["fid"]}
    return found


def _reference(context: EvaluationContext, extractor: Extractor) -> ReferenceStatistics:
    """The real side: photographs, or statistics from a file that the user brings."""
    if context.statistics is not None:
        return read_reference(context.statistics, extractor)
    photographs = context.photographs(context.section.real_recipe)
    features = context.features(photographs, extractor)
    return ReferenceStatistics(gaussian(features), features, len(features), photographs.manifest)


def read_reference(path: Path, extractor: Extractor) -> ReferenceStatistics:
    """The statistics in a file; raises UserError where it says that other weights or another resizing made it."""
    stored = read_statistics(path)
    resize, digest = extractor.resize.name, extractor.weights_sha256
    for name, value in {"extractor": extractor.name, "resize": resize, "weights_sha256": digest}.items():
        if stored.about.get(name, value) != value:
            raise UserError(f"--statistics {path}: made with {name} {stored.about[name]}; expected {value}")
    made = f"of {stored.count} images" if stored.count else "of an unknown number of images"
    note = f"real: statistics {made}, {path.name} {stored.sha256[:12]}"
    return ReferenceStatistics(gaussian(stored.statistics()), None, stored.count, stored.sha256, note)


def _warn_of_few(context: EvaluationContext, reference: ReferenceStatistics) -> None:
    section: Any = context.section
    count = len(next(iter(context.samples.images.values())))
    if count < FEW_IMAGES:
        called = FEATURE_NAMES[section.extractor].distance
        say(f"warning: {called} from {count} images, fewer than {FEW_IMAGES}; comparable only at this number of images")
    real = len(context.dataset)
    if context.statistics is None and section.real_count not in (None, real):
        say(f"warning: {real} photographs; the real set of {context.protocol.name} has {section.real_count}")
    if reference.features is None and reference.images is not None and reference.images < FEW_IMAGES:
        say(f"warning: --statistics of {reference.images} images, fewer than {FEW_IMAGES}")
    if reference.features is None and section.companions:
        say(f"{', '.join(COMPANIONS)} left out: they need the real pictures, not their statistics")
