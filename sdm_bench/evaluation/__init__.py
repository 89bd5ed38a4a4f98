"""Samples and a protocol in, result rows out, metric by metric."""

from collections.abc import Callable, Sequence

import click

from sdm_bench.errors import unknown_name
from sdm_bench.evaluation.distances import fid_rows
from sdm_bench.evaluation.diversity import lpips_rows
from sdm_bench.evaluation.segmentation import miou_rows
from sdm_bench.evaluation.task import Measured, Task
from sdm_bench.weights.store import MissingWeights

MEASURES: dict[str, Callable[[Task], Measured]] = {"fid": fid_rows, "lpips": lpips_rows, "miou": miou_rows}


def check_names(metrics: Sequence[str]) -> None:
    """Raises UserError for a metric that there isn't."""
    for metric in metrics:
        if metric not in MEASURES:
            raise unknown_name("metric", metric, MEASURES)


def evaluate(task: Task, metrics: Sequence[str]) -> tuple[Measured, list[str]]:
    """What `metrics` found, and a line for every metric that could not be computed, with the reason."""
    check_names(metrics)
    found = Measured([], [])
    failures: list[str] = []
    for metric in metrics:
        try:
            measured = MEASURES[metric](task)
        except MissingWeights as error:
            failures.append(f"{metric}: {error.short}")
        except click.ClickException as error:
            failures.append(f"{metric}: {error.message}")
        else:
            found.rows.extend(measured.rows)
            found.per_image.extend(measured.per_image)
    return found, failures
