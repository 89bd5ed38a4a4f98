"""Curves of trainings, from their stats.jsonl."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from reports.figures.drawing import Drawing
from reports.figures.material import Material
from reports.figures.registry import NothingToDraw
from reports.figures.style import PAGE_WIDTH, PLOT_WIDTH, entitle, explain, look, plots, styled
from reports.figures.text import told_apart
from reports.names import dataset_name, method_name
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_text
from sdm_bench.checkpoints.runs import TrainingRun, TrainOptions

STATS_FILE = "stats.jsonl"
# What a line of it says beside the means since the line before.
ABOUT = ("step", "seconds", "steps_per_second")
ALT = "Curves of every loss of a method's trainings against steps"


class Trained(NamedTuple):
    """A training and its statistics: a line each, with `step` and a number for each loss."""

    folder: Path
    options: TrainOptions
    stats: pd.DataFrame


def training(material: Material) -> list[Drawing]:
    """A figure for all trainings of a method on a dataset at one size, a plot for each loss.

    Raises NothingToDraw where no run has statistics, UserError for a broken file of them.
    """
    folders = [each for each in dict.fromkeys(material.runs) if each.is_dir() and (each / STATS_FILE).is_file()]
    groups: dict[tuple, list[Trained]] = {}
    for folder in folders:
        run = TrainingRun(folder)
        if not run.exists:
            raise UserError(f"{folder / STATS_FILE}: no train.json beside it, which says what was trained")
        options = run.options()
        made = Trained(folder, options, read_stats(folder / STATS_FILE))
        if len(made.stats):
            groups.setdefault((options.method, options.dataset, options.image_size), []).append(made)
    if not groups:
        raise NothingToDraw(f"figure training: no {STATS_FILE} in any of the runs; `sdm-bench train` writes it")
    return [_drawn(_name(key, list(groups)), runs) for key, runs in groups.items()]


def read_stats(path: Path) -> pd.DataFrame:
    """The lines of a stats.jsonl, sorted by step; raises UserError that names the line that is none."""
    lines = []
    for number, text in enumerate(read_text(path, "JSON").splitlines(), start=1):
        try:
            line = json.loads(text)
        except ValueError as error:
            raise UserError(f"{path}, line {number}: not JSON: {error}") from error
        wrong = not isinstance(line, dict) or type(line.get("step")) is not int
        if wrong or not all(isinstance(value, int | float) for value in line.values()):
            raise UserError(f"{path}, line {number}: expected a whole number `step` and numbers beside it")
        lines.append(line)
    frame = pd.DataFrame(lines, columns=None if lines else ["step"])
    return frame.sort_values("step", kind="stable")


def _name(key: tuple, among: Sequence[tuple]) -> str:
    if len(among) == 1:
        return "training"
    method, dataset, (height, width) = key
    return "-".join(["training", *(re.sub(r"[^\w.@+]+", "_", each) for each in (method, dataset)), f"{width}x{height}"])


def _drawn(name: str, runs: Sequence[Trained]) -> Drawing:
    losses = [str(each) for each in dict.fromkeys(column for run in runs for column in run.stats) if each not in ABOUT]
    options = runs[0].options
    title = method_name(options.method)
    details = [{**_details(run), "folder": run.folder.resolve().name} for run in runs]
    names = told_apart([title] * len(runs), details)
    columns = min(3, len(losses))
    records = []
    with styled():
        width = PLOT_WIDTH if columns > 1 else PAGE_WIDTH / 2
        figure, axes = plots(columns, -(-len(losses) // columns), height=1.7, width=width)
        handles = {}
        for loss, plot in zip(losses, axes, strict=False):
            for number, (run, heading) in enumerate(zip(runs, names, strict=True)):
                if loss not in run.stats:
                    continue
                there = run.stats[["step", loss]].dropna()
                handles[heading] = plot.plot(
                    there["step"],
                    there[loss],
                    color=look(number).color,
                    linestyle=("-", "--", ":", "-.")[number // 7 % 4],
                )[0]
                records += [
                    {
                        "series": heading,
                        "run": run.folder.resolve().name,
                        "loss": loss,
                        "step": int(step),
                        "value": value,
                    }
                    for step, value in zip(there["step"], there[loss], strict=True)
                ]
            plot.set(xlabel="step", ylabel=loss)
        for plot in axes[len(losses) :]:
            plot.remove()
        height, across = options.image_size
        entitle(figure, f"{title} on {dataset_name(options.dataset)}, {across}x{height}")
        explain(figure, list(handles.values()), list(handles))
    return Drawing(name, figure, pd.DataFrame(records), ALT)


def _details(run: Trained) -> dict[str, str]:
    """What trainings of a method may differ in, as headings say it."""
    options = run.options
    return {
        "training seed": str(options.seed),
        "preset": options.preset,
        "condition dropout": f"{options.condition_dropout:g}",
        "batch size": str(options.training.batch_size),
        "learning rate": f"{options.training.learning_rate:g}",
        "init": "" if options.init is None else Path(options.init).name,
    }
