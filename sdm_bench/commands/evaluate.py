"""Measure samples, or anybody's pictures, and store the numbers."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sdm_bench.commands.generate import Where
from sdm_bench.datasets.catalog import open_dataset
from sdm_bench.datasets.transforms import DEFAULT_RECIPE, Resized, Transform
from sdm_bench.devices import pick_device
from sdm_bench.errors import UserError
from sdm_bench.evaluation import evaluate
from sdm_bench.evaluation.task import Samples, Task
from sdm_bench.metrics.features import folder_source
from sdm_bench.progress import say
from sdm_bench.protocols.catalog import DEFAULT, protocol
from sdm_bench.results import ResultRow, store
from sdm_bench.sampling import SampleFolder, SampleOptions

RESULTS_FILE = "results.csv"


def evaluate_samples(
    metrics: Sequence[str],
    run: Path | None = None,
    images: Path | None = None,
    where: Where | None = None,
    name: str | None = None,
    protocol_name: str = DEFAULT,
    segmenter: str | None = None,
    out: Path | None = None,
    device: str = "auto",
) -> tuple[list[ResultRow], list[str]]:
    """Measures the samples of a run, or a folder of somebody else's pictures, and stores the rows.

    out: the CSV the rows are added to, by default `<run>/results.csv`. Returns rows and failed metrics with reasons.
    """
    if (run is None) == (images is None):
        raise UserError("say what to measure: either a run's folder or --images")
    where = where or Where()
    if run is not None:
        samples = Samples.of_run(run)
        real = _real_of_run(SampleFolder(run).options(), where)
    else:
        assert images is not None
        samples = Samples.of_images(images, name)
        real = _real_of_images(images, where)
    task = Task(samples, real, protocol(protocol_name), pick_device(device), segmenter)
    rows, failures = evaluate(task, metrics)
    target = out or ((run / RESULTS_FILE) if run is not None else Path(RESULTS_FILE))
    if rows:
        store(target, rows)
        say(f"{target}: {len(rows)} rows")
    return rows, failures


def _real_of_run(options: SampleOptions, where: Where) -> Resized:
    if where.dataset not in (None, options.dataset):
        raise UserError(f"--dataset {where.dataset}: the samples are of {options.dataset}")
    dataset = open_dataset(options.dataset, where.data or Path(options.data), options.split)
    return Resized(dataset, Transform(options.recipe, options.image_size, dataset.keeps_aspect, training=False))


def _real_of_images(images: Path, where: Where) -> Resized:
    if where.dataset is None or where.data is None:
        raise UserError("--images needs --dataset and --data: what are the pictures to be compared with?")
    dataset = open_dataset(where.dataset, where.data, where.split)
    height, width = folder_source(images).read(0).shape[:2]
    return Resized(dataset, Transform(DEFAULT_RECIPE, (height, width), dataset.keeps_aspect, training=False))


def summary(rows: Sequence[ResultRow]) -> str:
    """The headline rows as a plain table for a terminal."""
    shown = [row for row in rows if not row.class_name]
    columns = ["dataset", "method", "metric", "value", "spread", "num_images", "seeds", "protocol", "extractor"]
    frame = pd.DataFrame([row.model_dump(include=set(columns)) for row in shown], columns=columns)
    return frame.to_string(index=False, na_rep="", float_format="{:.4f}".format)
