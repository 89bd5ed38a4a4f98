"""Mean IoU of a segmenter's predictions with the label maps, and its ceiling: the same of the real photographs.

A generator whose pictures the segmenter reads better than photographs is not better than reality: the ceiling stands in
every table, and what lies above it is marked.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sdm_bench import __version__
from sdm_bench.errors import UserError
from sdm_bench.evaluation.predictions import Reading, Seen
from sdm_bench.evaluation.sources import real_source
from sdm_bench.evaluation.task import Measured, Task, mean_and_spread
from sdm_bench.files import read_json, write_json
from sdm_bench.metrics.features import files_source
from sdm_bench.metrics.miou import frequency_weighted_iou, iou_per_class, mean_iou, pixel_accuracy
from sdm_bench.per_image import PerImage
from sdm_bench.protocols.sections import MIoUProtocol
from sdm_bench.results import REAL, ResultRow
from sdm_bench.weights.store import MissingWeights, cache_folder

if TYPE_CHECKING:
    from segmenters.prediction import Segmenter

OWN_SEGMENTER = (
    "name another with --segmenter: a run of `sdm-bench segment train`, a weights file, `toy`, or any network of "
    "MMSegmentation as mmseg:CONFIG.py,CHECKPOINT.pth"
)


def miou_rows(task: Task) -> Measured:
    """Mean IoU, mean over seeds, and its relatives; IoU of each class; and the ceiling's rows, where there is one."""
    about = task.protocol.miou_on(task.dataset.name)
    reading = Reading(_segmenter(task, about), about, task.real, task.predictions)
    seen = {seed: reading.read(source) for seed, source in task.samples.sources.items()}
    common = {"direction": "higher", "extractor": f"{reading.segmenter.name} {reading.segmenter.sha256[:12]}"}
    rows = _rows(task, reading, [found.confusion for found in seen.values()], common)
    ceiling = _ceiling_rows(task, reading, common)
    if ceiling and rows[0].value > ceiling[0].value:
        rows[0] = rows[0].model_copy(update={"note": f"above the ceiling of {REAL}, {ceiling[0].value:.4f}"})
    return Measured([*rows, *ceiling], list(_of_images(task, seen)))


def _of_images(task: Task, seen: Mapping[int, Seen]) -> Iterator[PerImage]:
    for seed, found in seen.items():
        for index, value in found.each.items():
            yield task.per_image(seed, task.dataset.records[index].id, "miou", value)


def _ceiling_rows(task: Task, reading: Reading, common: dict[str, Any]) -> list[ResultRow]:
    """The rows of the real photographs; none where label maps come without them."""
    if any(record.image is None for record in task.dataset.records):
        return []
    made_by = {"method": REAL, "variant": "", "solver": "", "steps": None, "guidance": None, "weights_sha256": ""}
    of_real = {**common, **made_by, "seeds": "", "manifest_sha256": real_source(task.real).manifest}
    return _rows(task, reading, [real_confusion(reading)], of_real)


def _rows(task: Task, reading: Reading, confusions: Sequence[np.ndarray], common: dict[str, Any]) -> list[ResultRow]:
    """Rows of the confusion matrices of every seed, mean IoU first."""
    names = reading.class_names
    counted = ~np.isin(names, reading.about.without)
    figures = {
        "miou": [mean_iou(each, reading.about.average, counted) for each in confusions],
        "accuracy": [pixel_accuracy(each) for each in confusions],
        "fwiou": [frequency_weighted_iou(each) for each in confusions],
    }
    rows = [task.row(metric=name, **{**mean_and_spread(values), **common}) for name, values in figures.items()]
    per_class = np.stack([iou_per_class(each) for each in confusions])
    for name, values in zip(names, per_class.T, strict=True):
        found = mean_and_spread(values[~np.isnan(values)]) if not np.isnan(values).all() else None
        if found is not None:
            rows.append(task.row(metric="iou", class_name=name, **{**found, **common}))
    return rows


def real_confusion(reading: Reading) -> np.ndarray:
    """The confusion matrix of the real photographs; computed once for all that decides it."""
    source = real_source(reading.real)
    labels = files_source("labels", {record.id: record.label for record in reading.real.dataset.records})
    key = {
        **reading.key(source),
        "labels": labels.manifest,
        "transform": repr(reading.real.transform),
        "classes": reading.about.classes,
        "program": __version__,
    }
    name = hashlib.sha256(repr(sorted(key.items())).encode()).hexdigest()[:32]
    file = cache_folder() / "ceilings" / f"{name}.json"
    if not file.is_file():
        write_json(file, {**key, "confusion": reading.read(source).confusion.tolist()})
    return np.array(read_json(file)["confusion"], np.int64)


def _segmenter(task: Task, about: MIoUProtocol) -> "Segmenter":
    from segmenters.prediction import load_segmenter

    dataset = task.dataset
    source = task.segmenter or about.segmenter
    if source is None:
        raise UserError(f"{task.protocol.name} knows no published segmenter for {dataset.name}; {OWN_SEGMENTER}")
    try:
        return load_segmenter(source, dataset.name, dataset.classes, task.device)
    except MissingWeights as error:
        raise UserError(f"{error.short}; bring them or {OWN_SEGMENTER}") from error
