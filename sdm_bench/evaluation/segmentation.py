"""Mean IoU of a segmenter's predictions with the label maps, and its ceiling: the same of the real photographs.

A generator whose pictures the segmenter reads better than photographs is not better than reality: the ceiling stands in
every table, and what lies above it is marked.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sdm_bench import __version__
from sdm_bench.datasets.transforms import Resized
from sdm_bench.errors import UserError
from sdm_bench.evaluation.sources import real_source, refuse_missing
from sdm_bench.evaluation.task import Task, mean_and_spread
from sdm_bench.files import read_json, write_json
from sdm_bench.metrics.features import ImageSource, files_source
from sdm_bench.metrics.miou import (
    confusion_matrix,
    frequency_weighted_iou,
    iou_per_class,
    mean_iou,
    pixel_accuracy,
)
from sdm_bench.progress import track
from sdm_bench.results import ResultRow
from sdm_bench.weights.store import MissingWeights, cache_folder

if TYPE_CHECKING:
    from segmenters.prediction import Segmenter

SEGMENTER_BATCH = 16
OWN_SEGMENTER = "name another with --segmenter: a run of `sdm-bench segment train`, a weights file, or `toy`"
REAL = "real photographs"
"""What tables call the ceiling's row."""


def miou_rows(task: Task) -> list[ResultRow]:
    """Mean IoU, mean over seeds, and its relatives; IoU of each class; and the ceiling's rows, where there is one."""
    segmenter = _segmenter(task)
    confusions = [confusion(segmenter, task.real, source) for source in task.samples.sources.values()]
    common = {"direction": "higher", "extractor": f"{segmenter.name} {segmenter.sha256[:12]}"}
    above = _ceiling(task, segmenter)
    if above is None:
        return _rows(task, confusions, common)
    about = {"method": REAL, "variant": "", "solver": "", "steps": None, "guidance": None, "weights_sha256": ""}
    of_real = _rows(task, [above], {**common, **about, "seeds": "", "manifest_sha256": real_source(task.real).manifest})
    rows = _rows(task, confusions, common)
    ceiling = of_real[0].value
    if rows[0].value > ceiling:
        rows[0] = rows[0].model_copy(update={"note": f"above the ceiling of {REAL}, {ceiling:.4f}"})
    return [*rows, *of_real]


def _rows(task: Task, confusions: Sequence[np.ndarray], common: dict[str, Any]) -> list[ResultRow]:
    """Rows of the confusion matrices of every seed, mean IoU first."""
    average = task.protocol.miou.average
    figures = {
        "miou": [mean_iou(each, average) for each in confusions],
        "accuracy": [pixel_accuracy(each) for each in confusions],
        "fwiou": [frequency_weighted_iou(each) for each in confusions],
    }
    rows = [task.row(metric=name, **{**mean_and_spread(values), **common}) for name, values in figures.items()]
    per_class = np.stack([iou_per_class(each) for each in confusions])
    for name, values in zip(task.dataset.classes.evaluated_names, per_class.T, strict=True):
        found = mean_and_spread(values[~np.isnan(values)]) if not np.isnan(values).all() else None
        if found is not None:
            rows.append(task.row(metric="iou", class_name=name, **{**found, **common}))
    return rows


def confusion(segmenter: "Segmenter", real: Resized, source: ImageSource) -> np.ndarray:
    """int64 (C, C), entry [true, predicted] a number of pixels, of the pictures of `source` and the real label maps."""
    classes = real.dataset.classes
    index_of = {name: index for index, name in enumerate(source.ids)}
    refuse_missing(source, [record.id for record in real.dataset.records])
    total = np.zeros((len(classes.evaluated_names),) * 2, np.int64)
    starts = range(0, len(real), SEGMENTER_BATCH)
    for start in track(starts, f"segmenting {source.name}", len(starts), unit="batches"):
        examples = [real[i] for i in range(start, min(start + SEGMENTER_BATCH, len(real)))]
        pictures = np.stack([source.read(index_of[example.id]) for example in examples])
        for example, predicted in zip(examples, segmenter.predict(pictures), strict=True):
            total += confusion_matrix(classes.evaluate_as[example.label], predicted, len(total))
    return total


def real_confusion(segmenter: "Segmenter", real: Resized) -> np.ndarray:
    """As `confusion`, of the real photographs; computed once for a segmenter, a split and its transform."""
    source = real_source(real)
    labels = files_source("labels", {record.id: record.label for record in real.dataset.records})
    key = {
        "photographs": source.manifest,
        "labels": labels.manifest,
        "transform": repr(real.transform),
        "segmenter": segmenter.sha256,
        "version": __version__,
    }
    name = hashlib.sha256(repr(sorted(key.items())).encode()).hexdigest()[:32]
    file = cache_folder() / "ceilings" / f"{name}.json"
    if not file.is_file():
        write_json(file, {**key, "confusion": confusion(segmenter, real, source).tolist()})
    return np.array(read_json(file)["confusion"], np.int64)


def _ceiling(task: Task, segmenter: "Segmenter") -> np.ndarray | None:
    """The confusion matrix of the real photographs; None where label maps come without them."""
    if any(record.image is None for record in task.dataset.records):
        return None
    return real_confusion(segmenter, task.real)


def _segmenter(task: Task) -> "Segmenter":
    from segmenters.prediction import load_segmenter

    dataset = task.dataset
    source = task.segmenter or task.protocol.miou.segmenter.get(dataset.name)
    if source is None:
        raise UserError(f"{task.protocol.name} knows no published segmenter for {dataset.name}; {OWN_SEGMENTER}")
    try:
        return load_segmenter(source, dataset.name, dataset.classes, task.device)
    except MissingWeights as error:
        raise UserError(f"{error.message}\nor {OWN_SEGMENTER}") from error
