"""How well a segmenter that was trained here segments real photographs that it has not seen."""

from pathlib import Path
from typing import Any

import pandas as pd

from sdm_bench.base.devices import pick_device
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_json
from sdm_bench.base.processes import decided, start_processes, together
from sdm_bench.checkpoints.runs import TrainingRun
from sdm_bench.checkpoints.segmenters import load_segmenter
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.evaluation.context import photographs_source
from sdm_bench.evaluation.scoring import MIoUSection, SegmentationScorer
from sdm_bench.metrics.miou import frequency_weighted_iou, iou_per_class, mean_iou, pixel_accuracy

HELD_OUT = "held-out.json"
PREDICTIONS = "predictions"


def held_out(run: Path, device: str = "auto", split: str = "val") -> dict[str, Any]:
    """What a trained segmenter makes of the real photographs of a split, which is also written to the run's folder.

    miou (mean over the classes in the labels or the predictions), accuracy, fwiou, images, and `iou` by class, None for
    a class that never occurs. Raises UserError where the split is what it was trained on.
    """
    start_processes(device)
    with together():
        return _held_out(TrainingRun(run), device, split)


def _held_out(trained: TrainingRun, device: str, split: str) -> dict[str, Any]:
    run, options = trained.folder, trained.options()
    dataset, seen = (open_dataset(options.dataset, Path(options.data), name) for name in (split, "train"))
    if dataset.split == seen.split:
        raise UserError(f"{dataset.root}: one split, which it was trained on")
    transform = Transform(options.training.recipe, options.image_size, dataset.keeps_aspect, training=False)
    segmenter = load_segmenter(str(run), options.dataset, dataset.classes, pick_device(device))
    scorer = SegmentationScorer(segmenter, dataset, lambda: options.image_size, run / PREDICTIONS)
    photographs = photographs_source(Resized(dataset, transform))
    (found,) = scorer.score(photographs, [MIoUSection(average="union")])
    each = zip(dataset.classes.evaluated_names, iou_per_class(found.confusion), strict=True)
    figures = {
        "miou": mean_iou(found.confusion),
        "accuracy": pixel_accuracy(found.confusion),
        "fwiou": frequency_weighted_iou(found.confusion),
        "images": len(dataset),
        "size": options.image_size,
        "step": TrainingRun(run).state()["step"],
        "iou": {name: None if pd.isna(value) else float(value) for name, value in each},
    }
    decided(lambda: write_json(run / HELD_OUT, figures))
    return figures


def held_out_table(found: dict[str, Any]) -> str:
    """IoU of each class and the means, for a terminal."""
    rows = {**found["iou"], **{name: found[name] for name in ("miou", "fwiou", "accuracy")}}
    return pd.Series(rows, dtype=float).to_string(float_format="{:.4f}".format, na_rep="absent")
