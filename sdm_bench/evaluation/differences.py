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
from sdm_bench.results.sample_sets import SampleSet, made_by

# The number with examples there as often as counts, int (N,), say.
Estimate = Callable[[np.ndarray], float]
METRICS = ("fid", "lpips", "miou")
# Digits of a digest in what sets are called.
SHORT_DIGEST = 8


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
    titles = _titles([samples for samples, _ in opened])
    found = []
    for name in dict.fromkeys(asked.metrics):
        measured = []
        for samples, dataset in opened:
            section = metric(name).stated(chosen, dataset.kind)
            segmenter = asked.segmenter if name == "miou" else None
            context = EvaluationContext(samples, dataset, chosen, name, section, device, segmenter, shared=work)
            measured.append(_measured(context, asked))
        found += [
            _difference(measured[0], other, titles[0], title)
            for other, title in zip(measured[1:], titles[1:], strict=True)
        ]
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


def _difference(first: Measured, second: Measured, first_title: str, second_title: str) -> Difference:
    output = metric(first.context.metric).outputs[0]
    if first.context.metric == "fid":
        output = metric("fid").output(f"{FEATURE_NAMES[first.context.section.extractor].prefix}fid")
    return Difference(
        output.title,
        output.digits,
        first_title,
        second_title,
        first.value,
        interval(second.value - first.value, second.resampled - first.resampled),
        second.value,
        len(first.context.dataset),
    )


def _titles(sets: Sequence[SampleSet]) -> list[str]:
    """What each set is called: its method, variant and guidance, and what else tells it from another."""
    parts = [_parts(samples) for samples in sets]
    chosen = ["method", "variant", "guidance"]

    def title(said: dict[str, str]) -> str:
        return ", ".join(part for name in chosen if (part := said[name]))

    for name in parts[0]:
        alike: dict[str, set[str]] = {}
        for said in parts:
            alike.setdefault(title(said), set()).add(said[name])
        # means over other numbers of seeds are never compared without a word
        varies = name == "seeds" and len({said[name] for said in parts}) > 1
        if name not in chosen and (varies or any(len(different) > 1 for different in alike.values())):
            chosen.append(name)
    return list(map(title, parts))


def _parts(samples: SampleSet) -> dict[str, str]:
    """What can be said of a set, in the order in which it is tried; where it is comes last."""
    made = {} if samples.options is None else made_by(samples.options)

    def said(word: str, name: str, length: int | None = None) -> str:
        value = made.get(name)
        return "" if value in (None, "") else f"{word} {str(value)[:length]}"

    return {
        "method": samples.name,
        "variant": str(made.get("variant", "")),
        "guidance": "" if made.get("guidance") is None else f"guidance {made['guidance']:g}",
        "solver": f"{made['solver']} {made['steps']} steps" if made.get("solver") else "",
        "seeds": f"seeds {samples.seeds}",
        "training seed": said("training seed", "training_seed"),
        "training steps": said("training steps", "training_steps"),
        "configuration": said("configuration", "configuration_sha256", SHORT_DIGEST),
        "weights": said("weights", "weights_sha256", SHORT_DIGEST),
        "where": samples.where,
    }
