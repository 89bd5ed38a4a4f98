"""The figure of a study: how often each method was preferred to each other, with intervals."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.figures.drawing import Drawing
from reports.figures.style import DPI, INK, PLOT_WIDTH, QUIET, entitle, explain, look, styled
from reports.names import dataset_name
from reports.study.statistics import LEVEL
from reports.study.tally import ALL, Tally

# Inches for a line of a pair, and around the plot.
STEP, AROUND = 0.2, 0.75
ALT = "For each pair and dataset, the share of choices that preferred the first method, a mark with its interval"


def preference_figure(tally: Tally) -> Drawing:
    """A plot: pairs from top to bottom, a mark for each dataset; hollow marks are without those who failed."""
    titles = tally.key.titles()
    pairs = list(dict.fromkeys(each.pair for each in tally.comparisons))
    datasets = list(dict.fromkeys(each.dataset for each in tally.comparisons))
    series = [(dataset, group) for dataset in datasets for group in tally.groups]
    offsets = np.linspace(-0.3, 0.3, len(series)) if len(series) > 1 else [0.0]
    with styled():
        height = max(1, len(series)) * len(pairs) * STEP + AROUND
        figure = Figure(figsize=(PLOT_WIDTH * 1.5, height), dpi=DPI, layout="constrained")
        axes = figure.subplots()
        axes.axvline(50, color=QUIET, linestyle="--", linewidth=0.8)
        handles, labels = [], []
        for (dataset, group), offset in zip(series, offsets, strict=True):
            drawn = look(datasets.index(dataset))
            found = [each for each in tally.comparisons if (each.dataset, each.group) == (dataset, group)]
            there = [each for each in found if each.rate.count]
            values = np.array([each.rate.value * 100 for each in there])
            ends = np.array([[each.rate.low * 100, each.rate.high * 100] for each in there]).reshape(-1, 2)
            handles.append(
                axes.errorbar(
                    values,
                    [pairs.index(each.pair) + offset for each in there],
                    xerr=np.abs(ends - values[:, None]).T,
                    color=drawn.color,
                    marker=drawn.marker,
                    markerfacecolor=drawn.color if group == ALL else "white",
                    linestyle="none",
                )
            )
            labels.append(dataset_name(dataset) if group == ALL else f"{dataset_name(dataset)}, {group}")
        axes.set(
            yticks=range(len(pairs)),
            yticklabels=[f"{titles[first]} over {titles[second]}" for first, second in pairs],
            ylim=(len(pairs) - 0.5, -0.5),
            xlim=(0, 100),
            xlabel="preferred, percent of choices",
        )
        axes.tick_params(colors=INK)
        entitle(figure, f"{tally.people}; {LEVEL:.0%} intervals of Wilson")
        explain(figure, handles, labels)
    records = [
        {
            "dataset": dataset_name(each.dataset),
            "preferred": titles[each.pair[0]],
            "over": titles[each.pair[1]],
            "participants": each.group,
            "preference": each.rate.value * 100,
            "from": each.rate.low * 100,
            "to": each.rate.high * 100,
            "choices": each.rate.count,
        }
        for each in tally.comparisons
    ]
    return Drawing("preference", figure, pd.DataFrame(records), ALT)
