"""In what two sets of pictures of the same label maps differ, with 95 % intervals of a paired bootstrap over them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, vstack

from sdm_bench.base.errors import UserError
from sdm_bench.base.processes import start_processes
from sdm_bench.base.progress import track
from sdm_bench.evaluation.context import EvaluationContext, SharedWork
from sdm_bench.evaluation.evaluate import Evaluation, open_samples, refuse_edits
from sdm_bench.evaluation.extractors import extractor_of
from sdm_bench.evaluation.fid import EVALUATED_SPLIT, FEATURE_NAMES
from sdm_bench.evaluation.lpips import diversities
from sdm_bench.evaluation.metric import metric
from sdm_bench.evaluation.miou import counted_classes, segmenter_of, without_dropped
from sdm_bench.evaluation.scoring import SegmentationScorer
from sdm_bench.metrics.miou import mean_iou
from sdm_bench.metrics.resampling import Interval, PairedFeatures, draws, interval
from sdm_bench.protocols.protocols import DEFAULT, protocol
from sdm_bench.results.sample_sets import SampleSet

# The number with examples there as often as counts, int (N,), say.
Estimate = Callable[[np.ndarray], float]
METRICS = ("fid", "lpips", "miou")


@dataclass(frozen=True)
class Comparison:
    """What is compared: sets of pictures with the first of them, each by an Evaluation that says where it is.

    metrics: of METRICS. resamples: of the bootstrap. seed: of its draws.
    """

    sets: Sequence[Evaluation]
    metrics: Sequence[str]
    protocol: str = DEFAULT
    segmenter: str | None = None
    resamples: int = 200
    seed: int = 0
    device: str = "auto"


class Difference(NamedTuple):
    """One number of one set beside that of the first. metric: its title. difference: second minus first."""

    metric: str
    digits: int
    first: str
    second: str
    first_value: float
    difference: Interval
    second_value: float
    examples: int


class Measured(NamedTuple):
    """A number of one set, whole and of each resample."""

    context: EvaluationContext
    value: float
    resampled: np.ndarray


def differences(asked: Comparison) -> list[Difference]:
    """The differences of each further set from the first, by metric.

    Raises UserError where fewer than two sets are given, a set lacks pictures, sets are not of the same label maps, or
    a protocol measures otherwise than over the evaluated split.
    """
    if len(asked.sets) < 2:
        raise UserError("expected at least two sets of pictures: the first, and those that are compared with it")
    unknown = [name for name in asked.metrics if name not in METRICS]
    if unknown:
        raise UserError(f"--metric {unknown[0]}: no difference of it is measured; expected {', '.join(METRICS)}")
    if asked.segmenter is not None and "miou" not in asked.metrics:
        raise UserError(f"--segmenter {asked.segmenter}: does nothing without --metric miou")
    device, chosen, work = start_processes(asked.device), protocol(asked.protocol), SharedWork()
    opened = [open_samples(each) for each in asked.sets]
    for samples, _ in opened:
        refuse_edits([metric(name) for name in asked.metrics], samples)
        _refuse_incomparable(opened[0][0], samples)
    found = []
    for name in dict.fromkeys(asked.metrics):
        measured = []
        for samples, dataset in opened:
            section = metric(name).stated(chosen, dataset.kind)
            segmenter = asked.segmenter if name == "miou" else None
            context = EvaluationContext(samples, dataset, chosen, name, section, device, segmenter, shared=work)
            measured.append(_measured(context, asked))
        found += [_difference(measured[0], other) for other in measured[1:]]
    return found


def _refuse_incomparable(first: SampleSet, other: SampleSet) -> None:
    """Raises UserError where what is about two sets is not the same, so that a difference says nothing of methods."""
    if (other.dataset, other.labels_sha256) != (first.dataset, first.labels_sha256):
        raise UserError(f"{other.where}: of other label maps than {first.where}; expected the same")
    for what, mine, theirs in (
        ("size", first.size_title, other.size_title),
        ("track", first.track, other.track),
    ):
        if mine != theirs:
            raise UserError(f"{other.where}: {what} {theirs}; {first.where} has {mine}; expected the same")


def _measured(context: EvaluationContext, asked: Comparison) -> Measured:
    examples = len(context.dataset)
    estimate = ESTIMATES[context.metric](context)
    counts = draws(examples, asked.resamples, asked.seed)
    title = f"resampling {context.metric} of {context.samples.name}"
    resampled = np.array([estimate(each) for each in track(counts, title, len(counts), unit="resamples")])
    return Measured(context, estimate(np.ones(examples, np.int64)), resampled)


def _of_fid(context: EvaluationContext) -> Estimate:
    """The Fréchet distance to the photographs of the same examples, mean over seeds."""
    section = context.section
    if section.real != EVALUATED_SPLIT or section.covariance != "float64":
        raise UserError(
            f"{context.protocol.name}: its distance is not to the photographs of the same label maps in float64, "
            f"which alone is resampled; expected another --protocol, such as {DEFAULT}"
        )
    extractor = extractor_of(context, section.extractor, section.resize)
    photographs = context.photographs(section.real_recipe)
    real = context.features(photographs, extractor)
    pairs = []
    for source in context.groups().values():
        _refuse_other_order(context, source.ids)
        pairs.append(PairedFeatures.of(context.features(source, extractor), real))
    return lambda counts: float(np.mean([pair.distance(counts) for pair in pairs]))


def _of_lpips(context: EvaluationContext) -> Estimate:
    """LPIPS diversity, mean over label maps."""
    if context.section.preprocessing != "plain":
        raise UserError(
            f"{context.protocol.name}: its LPIPS is a mean over batches of label maps, which can't be resampled; "
            f"expected another --protocol, such as {DEFAULT}"
        )
    ids, each = diversities(context)
    _refuse_other_order(context, ids)
    return lambda counts: float(counts @ each / counts.sum())


def _of_miou(context: EvaluationContext) -> Estimate:
    """Mean IoU of the sum of the pictures' confusion matrices, mean over seeds; or of all groups in one matrix."""
    section = context.section
    scorer = SegmentationScorer(segmenter_of(context, section), context.dataset, lambda: context.samples.size)
    counted = counted_classes(context)[1]
    seeds = []
    for source in context.groups().values():
        _refuse_other_order(context, source.ids)
        found = scorer.matrices(source, [section], range(len(source)))
        # of many classes few are in a picture
        seeds.append(vstack([csr_array(without_dropped(context, each).reshape(1, -1)) for _, (each,) in found]))
    if section.groups == "corpus":
        seeds = [sum(seeds[1:], seeds[0])]
    size = len(counted)

    def estimate(counts: np.ndarray) -> float:
        summed = [(each.T @ counts).reshape(size, size) for each in seeds]
        return float(np.mean([mean_iou(each, section.average, counted) for each in summed]))

    return estimate


ESTIMATES = {"fid": _of_fid, "lpips": _of_lpips, "miou": _of_miou}


def _refuse_other_order(context: EvaluationContext, ids: Sequence[str]) -> None:
    """Raises UserError unless there is a picture of each example of the split, in its order."""
    expected = [record.id for record in context.dataset.records]
    if list(ids) != expected:
        raise UserError(
            f"{context.samples.where}: pictures of {len(ids)} label maps of {len(expected)}; "
            "a difference is over all of them"
        )


def _difference(first: Measured, second: Measured) -> Difference:
    output = metric(first.context.metric).outputs[0]
    if first.context.metric == "fid":
        output = metric("fid").output(f"{FEATURE_NAMES[first.context.section.extractor].prefix}fid")
    return Difference(
        output.title,
        output.digits,
        _called(first.context),
        _called(second.context),
        first.value,
        interval(second.value - first.value, second.resampled - first.resampled),
        second.value,
        len(first.context.dataset),
    )


def _called(context: EvaluationContext) -> str:
    """What a set is called: its method, and what else of the sampling or the training tells it apart."""
    samples, options = context.samples, context.samples.options
    guidance = getattr(options, "guidance", None)
    variant = getattr(options, "variant_title", "")
    parts = [samples.name, variant, f"guidance {guidance:g}" if guidance is not None else ""]
    return ", ".join(part for part in parts if part)
