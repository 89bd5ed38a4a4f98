"""Mean IoU of a segmenter's predictions with the label maps, and its ceiling: the same of the real photographs.

A generator whose pictures are easier to segment than photographs is not better than reality: the ceiling stands in
every table, and what lies above it is marked.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sdm_bench import __version__
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_object, sha256_file, tolerated, write_json
from sdm_bench.base.finite import refuse_weights
from sdm_bench.base.processes import decided
from sdm_bench.base.progress import say
from sdm_bench.datasets.digests import labels_sha256
from sdm_bench.evaluation.context import EvaluationContext, mean_and_spread
from sdm_bench.evaluation.metric import FRACTION, Metric, MetricResult, Output
from sdm_bench.evaluation.scoring import SCORED, ConfusionResult, MIoUSection, SegmentationScorer
from sdm_bench.metrics.images import ImageSource
from sdm_bench.metrics.miou import frequency_weighted_iou, iou_per_class, mean_iou, pixel_accuracy
from sdm_bench.results.per_image import PerImage
from sdm_bench.results.rows import REAL, ResultRow
from sdm_bench.results.sample_sets import spell_seeds
from sdm_bench.weights.store import MissingWeights, cache_folder

if TYPE_CHECKING:
    from segmenters.prediction import Segmenter

# What --segmenter begins with for files of MMSegmentation, see segmenters/configured.py.
PREFIX = "mmseg:"
OWN_SEGMENTER = (
    "name another with --segmenter: a run of `sdm-bench segment train`, a weights file, `toy`, or any network of "
    "MMSegmentation as mmseg:CONFIG.py,CHECKPOINT.pth"
)


class MeanIoU(Metric):
    """Mean IoU, mean over seeds, and its relatives; IoU of each class; and the ceiling's rows, where there is one."""

    name = "miou"
    summary = "mean IoU of a segmenter's predictions, with accuracy and the ceiling"
    section = MIoUSection
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("miou", "mIoU", "higher", unit=FRACTION, highest=1.0, main=True),
        Output("accuracy", "accuracy", "higher", unit=FRACTION, highest=1.0),
        Output("fwiou", "fwIoU", "higher", unit=FRACTION, highest=1.0),
        Output("group_miou", "mIoU, mean over groups", "higher", unit=FRACTION, highest=1.0),
        Output("iou", "IoU", "higher", unit=FRACTION, highest=1.0, per_class=True),
    )

    def weights(self, section: MIoUSection, segmenter: str | None = None) -> list[str]:
        if section.segmenter is None or segmenter is not None:
            return []
        from segmenters.architectures import released_files

        return list(released_files(section.segmenter))

    def refuse_segmenter(self, source: str | None) -> None:
        from sdm_bench.checkpoints.segmenters import refuse_unknown

        if source is not None:
            refuse_unknown(source)

    def measure(self, context: EvaluationContext) -> MetricResult:
        section: MIoUSection = context.section
        segmenter = segmenter_of(context, section)
        groups = context.groups()
        found = {seed: _scored(context, segmenter, source) for seed, source in groups.items()}
        common = {
            "direction": "higher",
            "extractor": segmenter.name,
            "extractor_sha256": segmenter.sha256,
            "seeds": spell_seeds(groups),
            "note": _other_segmenter(context, section),
        }
        rows = list(_rows(context, [each.confusion for each in found.values()], common))
        ceiling = list(_ceiling_rows(context, segmenter, common))
        if ceiling and rows[0].value > ceiling[0].value:
            mark = f"above the ceiling of {REAL}, {ceiling[0].value:.4f}"
            note = "; ".join(part for part in (rows[0].note, mark) if part)
            rows[0] = rows[0].model_copy(update={"note": note})
        return MetricResult([*rows, *ceiling], list(_per_image(context, found, segmenter.sha256)))


def segmenter_of(context: EvaluationContext, section: MIoUSection) -> "Segmenter":
    """The segmenter that is asked for, or else the protocol's; built once an evaluation."""
    from sdm_bench.checkpoints.segmenters import load_segmenter
    from segmenters.architectures import released_names

    dataset, name = context.dataset, context.segmenter or section.segmenter
    if name is None and section.mmseg is not None:
        raise UserError(
            f"{context.protocol.name} measures by MMSegmentation's {section.mmseg.config}: give --segmenter "
            f"{PREFIX}DIR/{section.mmseg.config}.py,DIR/{section.mmseg.checkpoint}, or name another"
        )
    if name is None:
        raise UserError(f"{context.protocol.name} knows no published segmenter for {dataset.name}; {OWN_SEGMENTER}")
    pinned = context.protocol.weights
    key = (name, tuple(sorted(pinned.items())) if name in released_names() else ())
    if key not in context.shared.segmenters:
        try:
            found = load_segmenter(name, dataset.name, dataset.classes, context.device, pinned)
            refuse_weights(found.network.state_dict(), name)
            context.shared.segmenters[key] = found
        except MissingWeights as error:
            raise UserError(f"{error.short}; bring them or {OWN_SEGMENTER}") from error
    return context.shared.segmenters[key]


def _other_segmenter(context: EvaluationContext, section: MIoUSection) -> str:
    """What rows say where the protocol's numbers are by files of MMSegmentation and these are by others."""
    if section.mmseg is None:
        return ""
    source = context.segmenter or ""
    config, _, checkpoint = source.removeprefix(PREFIX).partition(",")
    expected = section.mmseg
    named = (Path(config).stem, Path(checkpoint).name) == (expected.config, expected.checkpoint)
    if source.startswith(PREFIX) and named and sha256_file(Path(checkpoint)).startswith(expected.sha256):
        return ""
    return f"not by the segmenter of {context.protocol.name}, {expected.checkpoint}"


def _scored(context: EvaluationContext, segmenter: "Segmenter", source: ImageSource) -> ConfusionResult:
    """What is found in the pictures of `source`; those of other protocols that feed the network alike come with it."""

    def key(section: MIoUSection) -> tuple:
        return "confusion", source.manifest, segmenter.sha256, section.key(SCORED)

    section: MIoUSection = context.section
    kept = context.shared.kept
    if key(section) not in kept:
        planned: list[MIoUSection] = [section, *context.shared.planned.get(context.metric, [])]
        alike = {key(each): each for each in planned if each.input_key == section.input_key}
        unstored = context.shared.unstored
        scorer = SegmentationScorer(
            segmenter, context.dataset, lambda: context.samples.size, context.predictions, unstored
        )
        scored = dict(zip(alike, scorer.score(source, list(alike.values())), strict=True))
        if labels_sha256(context.dataset) != context.samples.labels_sha256:
            raise UserError(f"{context.dataset.root}: label maps changed while they were read; measure again")
        kept |= scored
    found: ConfusionResult = kept[key(section)]
    return found


def _rows(context: EvaluationContext, confusions: Sequence[np.ndarray], common: dict[str, Any]) -> Iterator[ResultRow]:
    """Rows of the confusion matrices of every group, mean IoU first."""
    section: MIoUSection = context.section
    names, counted = counted_classes(context)
    of_groups = [without_dropped(context, each) for each in confusions]
    corpus = section.groups == "corpus"
    measured = [np.sum(of_groups, axis=0)] if corpus else of_groups
    figures = {
        "miou": [mean_iou(each, section.average, counted) for each in measured],
        "accuracy": [pixel_accuracy(each) for each in measured],
        "fwiou": [frequency_weighted_iou(each) for each in measured],
    }
    if corpus and len(of_groups) > 1:
        figures["group_miou"] = [mean_iou(each, section.average, counted) for each in of_groups]
    for name, values in figures.items():
        yield context.row(metric=name, unit=FRACTION, **mean_and_spread(values), **common)
    per_class = np.stack([iou_per_class(each) for each in measured])
    for name, values in zip(names, per_class.T, strict=True):
        present = values[~np.isnan(values)]
        if present.size:
            yield context.row(metric="iou", class_name=str(name), unit=FRACTION, **mean_and_spread(present), **common)


def counted_classes(context: EvaluationContext) -> tuple[np.ndarray, np.ndarray]:
    """The names of the classes that the protocol doesn't drop, and which of them the mean may be over."""
    section: MIoUSection = context.section
    every = np.array(section.class_names(context.dataset.classes))
    names = every[~np.isin(every, section.dropped)]
    return names, ~np.isin(names, section.without)


def without_dropped(context: EvaluationContext, confusion: np.ndarray) -> np.ndarray:
    """A confusion matrix without the rows and columns of classes that the protocol drops."""
    section: MIoUSection = context.section
    kept = ~np.isin(section.class_names(context.dataset.classes), section.dropped)
    return confusion[np.ix_(kept, kept)]


def _ceiling_rows(context: EvaluationContext, segmenter: "Segmenter", common: dict[str, Any]) -> Iterator[ResultRow]:
    """The rows of the real photographs at the samples' size; none where label maps come without them."""
    if any(record.image is None for record in context.dataset.records):
        return
    if len(context.samples.sizes) > 1:
        say(f"no ceiling of mean IoU: {context.samples.where} has pictures of several sizes")
        return
    photographs = context.photographs(context.section.ceiling_recipe)
    made_by = {name: ResultRow.model_fields[name].default for name in MADE_BY}
    of_real = {
        **common,
        **made_by,
        "method": REAL,
        "track": "",
        "sample_set": photographs.manifest,
        "manifest_sha256": photographs.manifest,
        "seeds": "",
        "num_images": len(photographs),
        "folder": str(context.dataset.root.resolve()),
    }
    for row in _rows(context, [ceiling_confusion(context, segmenter)], of_real):
        yield row.model_copy(update={"note": common["note"]})


# Fields that say who made pictures, which photographs have none of.
MADE_BY = (
    *("variant", "solver", "steps", "guidance", "training_steps", "training_seed", "weights_sha256"),
    *("configuration_sha256", "incomplete"),
)


def ceiling_confusion(context: EvaluationContext, segmenter: "Segmenter") -> np.ndarray:
    """The confusion matrix of the real photographs; computed once for all that decides it, and kept in the cache."""
    section: MIoUSection = context.section
    photographs = context.photographs(section.ceiling_recipe)
    scorer = SegmentationScorer(segmenter, context.dataset, lambda: context.samples.size)
    key = {
        **scorer.key(photographs, section),
        "labels": context.samples.labels_sha256,
        "classes": section.classes,
        "dataset": context.dataset.name,
        "program": __version__,
    }
    name = hashlib.sha256(repr(sorted(key.items())).encode()).hexdigest()[:32]
    file = cache_folder() / "ceilings" / f"{name}.json"
    # processes may have caches of their own: the first one's counts
    kept = decided(lambda: _kept_confusion(file, len(section.class_names(context.dataset.classes))))
    if kept is not None:
        return kept
    confusion = _scored(context, segmenter, photographs).confusion

    def keep() -> None:
        with tolerated(context.shared.unstored, f"ceiling of {context.dataset.name}"):
            write_json(file, {**key, "sha256": _digest(confusion), "confusion": confusion.tolist()})

    decided(keep)
    return confusion


def _kept_confusion(file: Path, count: int) -> np.ndarray | None:
    """The kept confusion matrix of `count` classes; None where there is none, and with a line where it is damaged."""
    if not file.is_file():
        return None
    try:
        found = read_object(file, confusion=list, sha256=str)
        confusion = np.array(found["confusion"], np.int64)
        if confusion.shape != (count, count) or found["sha256"] != _digest(confusion):
            raise ValueError("not the numbers that were stored")
    except (UserError, ValueError, TypeError, OverflowError) as error:
        say(f"{file}: broken ({error}); measuring the photographs again")
        return None
    return confusion


def _digest(confusion: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(confusion, "<i8").data).hexdigest()


def _per_image(context: EvaluationContext, found: dict[int, ConfusionResult], extractor: str) -> Iterator[PerImage]:
    for seed, result in found.items():
        for name, value in result.each.items():
            yield context.per_image(seed, name, extractor, "miou", value)
