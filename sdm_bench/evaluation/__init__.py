"""Samples and a protocol in, result rows out, metric by metric."""

from collections.abc import Callable, Sequence

import click

from sdm_bench.errors import unknown_name
from sdm_bench.evaluation.measures import fid_rows, lpips_rows
from sdm_bench.evaluation.segmentation import miou_rows
from sdm_bench.evaluation.task import Task
from sdm_bench.results import ResultRow

MEASURES: dict[str, Callable[[Task], list[ResultRow]]] = {"fid": fid_rows, "lpips": lpips_rows, "miou": miou_rows}


def evaluate(task: Task, metrics: Sequence[str]) -> tuple[list[ResultRow], list[str]]:
    """The rows of `metrics`, and a line for every metric that could not be computed, with the reason."""
    for metric in metrics:
        if metric not in MEASURES:
            raise unknown_name("metric", metric, MEASURES)
    rows: list[ResultRow] = []
    failures: list[str] = []
    for metric in metrics:
        try:
            rows += MEASURES[metric](task)
        except click.ClickException as error:
            failures.append(f"{metric}: {error.message}")
    return rows, failures
