"""Edits, measured: what changed outside the erased part, what is seen inside, and whether the border shows.

N is the number of pairs; every seed is measured by itself, the value is the mean over seeds.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.base.processes import shared
from sdm_bench.base.progress import say, track
from sdm_bench.base.sections import Section
from sdm_bench.base.tensors import tensors_sha256, to_unit_range
from sdm_bench.evaluation.context import EvaluationContext, mean_and_spread
from sdm_bench.evaluation.lpips import network_of
from sdm_bench.evaluation.metric import FRACTION, Metric, MetricResult, Output
from sdm_bench.evaluation.miou import MeanIoU, segmenter_of
from sdm_bench.evaluation.scoring import MIoUSection, SegmentationScorer
from sdm_bench.metrics.editing import (
    Energy,
    border_energy,
    mean_squared_error,
    psnr,
    seam,
    spatial_lpips,
    summed,
)
from sdm_bench.metrics.images import ImageSource
from sdm_bench.metrics.miou import mean_iou, pixel_accuracy
from sdm_bench.results.per_image import PerImage
from sdm_bench.sampling.edit_folders import Edit, EditedPictures, ErasedPart

NO_NETWORK = "pixels"
EXACT = "outside not a value differs, so that PSNR is infinite"


class EditMetric(Metric):
    """A metric of a folder of edits."""

    edits: ClassVar[bool] = True

    def weights(self, section: Any, segmenter: str | None = None) -> list[str]:
        return []


class EditSection(Section):
    """What a protocol states of edits' pixels. photographs: across how many, at most, each border's curve is laid."""

    photographs: int = 64


class EditPixels(EditMetric):
    """Mean squared error and PSNR outside, of all pairs' pixels alike; the seam, over all pairs' borders together.

    Photographs of the seam are the pictures that were edited, evenly chosen among the pairs.
    """

    name = "edit"
    summary = "of edits: PSNR and MSE outside what was erased, and whether its border is a seam"
    section = EditSection
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("edit_psnr", "PSNR outside", "higher", digits=2),
        Output("edit_mse", "MSE outside", "lower", digits=3),
        Output("edit_seam", "seam", "lower", digits=2),
        Output("edit_seam_within", "seam inside a class", "lower", digits=2),
    )

    def measure(self, context: EvaluationContext) -> MetricResult:
        dataset = edited_pictures(context)
        photographs = _evenly(dataset, context.section.photographs)
        found = _each_picture(context, "edited pixels", lambda edit, picture: _pixels(edit, picture, photographs))
        rows = [row for name in VALUES for row in _row_of(context, self, name, found)]
        return MetricResult(rows, list(_per_image(context, found)))


# Of one picture: the error outside, and by kind of pairs its border's energy and that in photographs.
Pixels = dict[str, Any]
BORDERS = {"edit_seam": "all", "edit_seam_within": "within"}
VALUES = ("edit_psnr", "edit_mse", *BORDERS)


def _pixels(edit: Edit, picture: np.ndarray, photographs: list[Edit]) -> Pixels:
    source = edit.example.image
    assert source is not None
    found: Pixels = {
        "edit_mse": mean_squared_error(picture, source, _outside(edit)),
        "outside": int((~edit.erased).sum()),
    }
    for kind, label in (("all", None), ("within", edit.example.label)):
        across = [
            border_energy(each.example.image, edit.erased, None if label is None else each.label)
            for each in photographs
            if each.example.image is not None
        ]
        found[kind] = border_energy(picture, edit.erased, label), summed(across)
    return found


def _outside(edit: Edit) -> np.ndarray:
    """bool (H, W): what was not erased; raises UserError where that is nothing."""
    if edit.erased.all():
        raise UserError(f"{edit.example.id}: the whole picture was erased; nothing is left outside to be compared")
    return ~edit.erased


def _value(name: str, found: list[Pixels]) -> float:
    """A number of one seed's pictures; nan where there is none."""
    if name in BORDERS:
        edited, photographs = zip(*(each[BORDERS[name]] for each in found), strict=True)
        return seam(summed([Energy(*each) for each in edited]), summed([Energy(*each) for each in photographs]))
    error = sum(each["edit_mse"] * each["outside"] for each in found) / sum(each["outside"] for each in found)
    return error if name == "edit_mse" else psnr(error)


def _row_of(context: EvaluationContext, of: Metric, name: str, found: dict[int, dict[str, Pixels]]) -> Iterator[Any]:
    values = [_value(name, list(each.values())) for each in found.values()]
    if not np.isfinite(values).all():
        if name in BORDERS:
            say(f"{context.samples.where}: no {of.output(name).title}: no pair of pixels, or photographs without steps")
        return
    note = EXACT if name == "edit_mse" and not any(values) else ""
    fields: dict[str, Any] = {"direction": of.output(name).direction, "extractor": NO_NETWORK, "extractor_sha256": ""}
    yield context.row(metric=name, note=note, **mean_and_spread(values), **fields)


def _per_image(context: EvaluationContext, found: dict[int, dict[str, Pixels]]) -> Iterator[PerImage]:
    for seed, each in found.items():
        for id, pixels in each.items():
            for name in VALUES:
                value = _value(name, [pixels])
                if np.isfinite(value):
                    yield context.per_image(seed, id, "", name, value)


class EditLPIPSSection(Section):
    """What a protocol states of LPIPS outside. weights: registry name of the backbone."""

    weights: Literal["lpips-alex", "lpips-vgg"]


class EditLPIPS(EditMetric):
    """The mean over pairs of the spatial LPIPS between edited picture and source, outside what was erased."""

    name = "edit_lpips"
    summary = "of edits: spatial LPIPS outside what was erased"
    section = EditLPIPSSection
    outputs: ClassVar[tuple[Output, ...]] = (Output("edit_lpips", "LPIPS outside", "lower"),)

    def weights(self, section: EditLPIPSSection, segmenter: str | None = None) -> list[str]:
        return [section.weights]

    def measure(self, context: EvaluationContext) -> MetricResult:
        edited_pictures(context)
        network = network_of(context, context.section.weights)
        digest = tensors_sha256(network.network.state_dict())

        def of_picture(edit: Edit, picture: np.ndarray) -> float:
            assert edit.example.image is not None
            pair = to_unit_range(picture), to_unit_range(edit.example.image)
            return float(spatial_lpips(network, *pair)[_outside(edit)].mean())

        found = _each_picture(context, "LPIPS of edits", of_picture)
        means = [float(np.mean(list(each.values()))) for each in found.values()]
        fields: dict[str, Any] = {"extractor": context.section.weights, "extractor_sha256": digest}
        row = context.row(metric=self.name, direction="lower", **mean_and_spread(means), **fields)
        per_image = [
            context.per_image(seed, id, digest, self.name, value)
            for seed, each in found.items()
            for id, value in each.items()
        ]
        return MetricResult([row], per_image)


class EditMIoU(MeanIoU):
    """Mean IoU and accuracy of a segmenter's predictions with the edited label maps, of erased pixels alone."""

    name = "edit_miou"
    summary = "of edits: mean IoU inside what was erased, against the edited label maps"
    edits: ClassVar[bool] = True
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("edit_miou", "mIoU inside", "higher", unit=FRACTION, highest=1.0),
        Output("edit_accuracy", "accuracy inside", "higher", unit=FRACTION, highest=1.0),
    )

    def measure(self, context: EvaluationContext) -> MetricResult:
        section: MIoUSection = context.section
        dataset = edited_pictures(context)
        segmenter = segmenter_of(context, section)
        scorer = SegmentationScorer(
            segmenter,
            ErasedPart.of(dataset),
            lambda: context.samples.size,
            context.predictions,
            context.shared.unstored,
        )
        found = {seed: scorer.score(source, [section])[0] for seed, source in context.samples.images.items()}
        fields: dict[str, Any] = {"extractor": segmenter.name, "extractor_sha256": segmenter.sha256}
        measures = {
            "edit_miou": [mean_iou(each.confusion, section.average) for each in found.values()],
            "edit_accuracy": [pixel_accuracy(each.confusion) for each in found.values()],
        }
        rows = [
            context.row(metric=name, unit=FRACTION, direction="higher", **mean_and_spread(values), **fields)
            for name, values in measures.items()
        ]
        per_image = [
            context.per_image(seed, id, segmenter.sha256, self.name, value)
            for seed, result in found.items()
            for id, value in result.each.items()
            if np.isfinite(value)
        ]
        return MetricResult(rows, per_image)


def edited_pictures(context: EvaluationContext) -> EditedPictures:
    """What was edited; raises UserError for samples that are no edits."""
    if not isinstance(context.dataset, EditedPictures):
        raise UserError(f"{context.metric}: of a folder of `sdm-bench edit`; {context.samples.where} is none")
    return context.dataset


def _evenly(dataset: EditedPictures, most: int) -> list[Edit]:
    """At most so many of the pairs, evenly over their order."""
    count = min(most, len(dataset))
    return [dataset.edit(place) for place in np.linspace(0, len(dataset) - 1, count).round().astype(int).tolist()]


def _each_picture(
    context: EvaluationContext, what: str, measure: Callable[[Edit, np.ndarray], Any]
) -> dict[int, dict[str, Any]]:
    """What `measure` finds in every picture, by seed and id; shared by all processes."""
    dataset = edited_pictures(context)
    places = {record.id: place for place, record in enumerate(dataset.records)}
    jobs = [(source, place) for source in context.samples.images.values() for place in range(len(source))]

    def work(numbers: Any) -> list[Any]:
        return [_of(*jobs[number]) for number in track(numbers, what, len(numbers), unit="pictures")]

    def _of(source: ImageSource, place: int) -> Any:
        return measure(dataset.edit(places[source.ids[place]]), source.read(place))

    values = iter(shared(work, len(jobs)))
    return {seed: {id: next(values) for id in source.ids} for seed, source in context.samples.images.items()}
