"""Measure samples, or anybody's pictures, and store the numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reports.tables import make_table
from sdm_bench.commands.generate import Where
from sdm_bench.commands.statistics import resolve_statistics
from sdm_bench.datasets.catalog import open_dataset
from sdm_bench.datasets.transforms import DEFAULT_RECIPE, Resized, Transform
from sdm_bench.devices import pick_device
from sdm_bench.errors import UserError
from sdm_bench.evaluation import check_names, evaluate
from sdm_bench.evaluation.account import how_measured
from sdm_bench.evaluation.distances import refuse_without_statistics
from sdm_bench.evaluation.preflight import say_missing_weights
from sdm_bench.evaluation.task import Measured, Samples, Task
from sdm_bench.metrics.features import folder_source
from sdm_bench.per_image import FILE as PER_IMAGE_FILE
from sdm_bench.per_image import store_per_image
from sdm_bench.processes import is_first
from sdm_bench.progress import say
from sdm_bench.protocols.catalog import ALL, DEFAULT, Protocol, covering, protocol
from sdm_bench.provenance import record
from sdm_bench.results import RESULTS_FILE, ResultRow, store
from sdm_bench.sampling import SampleFolder, SampleOptions


def evaluate_samples(
    metrics: Sequence[str],
    run: Path | None = None,
    images: Path | None = None,
    where: Where | None = None,
    name: str | None = None,
    protocol_name: str = DEFAULT,
    segmenter: str | None = None,
    predictions: Path | None = None,
    statistics: str | None = None,
    out: Path | None = None,
    device: str = "auto",
    command: str = "",
) -> tuple[list[ResultRow], list[str]]:
    """Measures the samples of a run, or a folder of somebody else's pictures, and stores the rows.

    protocol_name: or `all`, each that says anything about the metric on the dataset. predictions: where the
    segmenter's are kept and taken from. statistics: in place of the photographs, for FID. out: the CSV the rows are
    added to, by default `<run>/results.csv`. command: as it was typed, for the record. Returns rows and failed metrics
    with reasons.
    """
    samples, real = _subject(run, images, where or Where(), name)
    target = out or ((run / RESULTS_FILE) if run is not None else Path(RESULTS_FILE))
    check_names(metrics)
    reference = resolve_statistics(statistics)
    chosen = {metric: _protocols(metric, protocol_name, real.dataset.name, reference) for metric in metrics}
    cells = [(metric, each) for metric, protocols in chosen.items() for each in protocols]
    say_missing_weights(cells, real.dataset.name, segmenter)
    rows: list[ResultRow] = []
    failures: list[str] = []
    for metric, each in cells:
        task = Task(samples, real, each, pick_device(device), segmenter, predictions, reference)
        found, failed = evaluate(task, [metric])
        failures += [f"{each.name}, {line}" for line in failed] if protocol_name == ALL else failed
        rows += _store(target, found, how_measured(task, metric, command))
    if rows and is_first():
        say(f"{target}: {len(rows)} rows")
    return rows, failures


def _subject(run: Path | None, images: Path | None, where: Where, name: str | None) -> tuple[Samples, Resized]:
    """The samples to measure, and the real examples at their size."""
    if run is not None and images is None:
        return Samples.of_run(run), _real_of_run(SampleFolder(run).options(), where)
    if images is None or run is not None:
        raise UserError("say what to measure: either a run's folder or --images")
    return Samples.of_images(images, name), _real_of_images(images, where)


def check_before_sampling(metrics: Sequence[str], protocol_name: str) -> None:
    """Names what can't be measured whatever is sampled: unknown metrics and protocols, and missing weights."""
    check_names(metrics)
    if protocol_name != ALL:
        say_missing_weights([(metric, protocol(protocol_name)) for metric in metrics], None, None)


def _protocols(metric: str, name: str, dataset: str, statistics: Path | None) -> list[Protocol]:
    """The protocol called `name`; for `all`, those by which the metric can be measured, the others being named."""
    if name != ALL:
        return [protocol(name)]
    found = []
    for each in covering(metric, dataset):
        try:
            each.stated(metric, dataset)
            if metric == "fid" and statistics is None:
                refuse_without_statistics(each, each.fid_on(dataset))
        except UserError as error:
            say(f"left out: {error.message}")
        else:
            found.append(each)
    return found


def _store(target: Path, found: Measured, about: dict[str, Any]) -> list[ResultRow]:
    """Adds what was found to the files at `target`; returns the rows with the name of their record.

    Of several processes the first one writes.
    """
    if not is_first():
        return found.rows
    if found.per_image:
        store_per_image(target.with_name(PER_IMAGE_FILE), found.per_image)
    if not found.rows:
        return []
    name = record(target.parent, about)
    rows = [row.model_copy(update={"evaluation": name}) for row in found.rows]
    store(target, rows)
    return rows


def _real_of_run(options: SampleOptions, where: Where) -> Resized:
    if where.dataset not in (None, options.dataset):
        raise UserError(f"--dataset {where.dataset}: the samples are of {options.dataset}")
    dataset = open_dataset(options.dataset, where.data or Path(options.data), options.split)
    return Resized(dataset, Transform(DEFAULT_RECIPE, options.image_size, dataset.keeps_aspect, training=False))


def _real_of_images(images: Path, where: Where) -> Resized:
    if where.dataset is None or where.data is None:
        raise UserError("--images needs --dataset and --data: what are the pictures to be compared with?")
    dataset = open_dataset(where.dataset, where.data, where.split)
    height, width = folder_source(images).read(0).shape[:2]
    return Resized(dataset, Transform(DEFAULT_RECIPE, (height, width), dataset.keeps_aspect, training=False))


def summary(rows: Sequence[ResultRow]) -> str:
    """The headline rows as a plain table for a terminal."""
    shown = [row for row in rows if not row.class_name]
    columns = ["id", "dataset", "method", "metric", "value", "spread", "num_images", "seeds", "protocol", "extractor"]
    frame = pd.DataFrame([{"id": row.id, **row.model_dump()} for row in shown], columns=columns)
    return frame.to_string(index=False, na_rep="", float_format="{:.4f}".format)


def sensitivity(rows: Sequence[ResultRow]) -> str:
    """The table of the same pictures under several protocols, for a terminal."""
    return make_table("sensitivity", rows).markdown()
