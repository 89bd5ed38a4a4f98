"""Train a segmenter, and say how well it reads real photographs that it has not seen."""

from pathlib import Path
from typing import Any

import pandas as pd

from sdm_bench.datasets.catalog import open_dataset
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.devices import pick_device
from sdm_bench.evaluation.predictions import Reading
from sdm_bench.evaluation.segmentation import real_confusion
from sdm_bench.files import write_json
from sdm_bench.metrics.miou import frequency_weighted_iou, iou_per_class, mean_iou, pixel_accuracy
from sdm_bench.protocols.sections import MIoUProtocol
from sdm_bench.training.loop import LoopOptions
from sdm_bench.training.runs import TrainingRun
from segmenters.prediction import load_segmenter
from segmenters.training import resolve, run_segmenter_training

HELD_OUT = "held-out.json"
PREDICTIONS = "predictions"


def train_segmenter(
    name: str, dataset: str, data: Path, preset: str, loop: LoopOptions, out: Path, **options: Any
) -> int:
    """Trains, or resumes, a segmenter in the folder `out`; returns the steps done in all.

    options: those of segmenters.training.resolve.
    """
    return run_segmenter_training(resolve(name, dataset, data, preset, **options), loop, out)


def held_out(run: Path, device: str = "auto", split: str = "val") -> dict[str, Any]:
    """What a trained segmenter makes of the real photographs of a split, which is also written to the run's folder.

    miou (mean over the classes in the labels or the predictions), accuracy, fwiou, images, and `iou` by class, None for
    a class that never occurs.
    """
    options = TrainingRun(run).options()
    dataset = open_dataset(options.dataset, Path(options.data), split)
    transform = Transform(options.training.recipe, options.image_size, dataset.keeps_aspect, training=False)
    segmenter = load_segmenter(str(run), options.dataset, dataset.classes, pick_device(device))
    reading = Reading(segmenter, MIoUProtocol(average="union"), Resized(dataset, transform), run / PREDICTIONS)
    confusion = real_confusion(reading)
    each = zip(dataset.classes.evaluated_names, iou_per_class(confusion), strict=True)
    found = {
        "miou": mean_iou(confusion),
        "accuracy": pixel_accuracy(confusion),
        "fwiou": frequency_weighted_iou(confusion),
        "images": len(dataset),
        "size": options.image_size,
        "step": TrainingRun(run).state()["step"],
        "iou": {name: None if pd.isna(value) else float(value) for name, value in each},
    }
    write_json(run / HELD_OUT, found)
    return found


def table(found: dict[str, Any]) -> str:
    """IoU of each class and the means, for a terminal."""
    rows = {**found["iou"], **{name: found[name] for name in ("miou", "fwiou", "accuracy")}}
    return pd.Series(rows, dtype=float).to_string(float_format="{:.4f}".format, na_rep="absent")
