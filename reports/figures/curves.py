"""Plots of FID, mIoU and LPIPS along something: one plot a metric, one curve a way to sample."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from reports.cells import ARROWS
from reports.figures.drawing import Drawing
from reports.figures.groups import Group, ceiling, datum, error, headings
from reports.figures.material import Material
from reports.figures.style import QUIET, Look, entitle, explain, look, plots, styled
from reports.lines import Line
from sdm_bench.evaluation.metric import all_outputs

CEILING = "photographs"
METRICS = ("fid", "miou", "lpips")


def axis_label(metric: str) -> str:
    """What an axis of a metric is called, with its better direction."""
    output = all_outputs()[metric]
    return f"{output.title} {ARROWS[output.direction]}"


def draw_curves(
    group: Group,
    material: Material,
    found: Sequence[Sequence[Line]],
    across: tuple[str, Callable[[Line], float]],
    without: Sequence[str],
    alt: str,
) -> Drawing:
    """A plot of every metric.

    found: the curves. across: the label of the axis, and the place of a line on it. without: what headings need not
    say.
    """
    metrics = [name for name in METRICS if any(name in line.rows for curve in found for line in curve)]
    names = headings([curve[0] for curve in found], without)
    records: list[dict[str, Any]] = []
    label, place = across
    with styled():
        figure, axes = plots(len(metrics))
        for metric, plot in zip(metrics, axes, strict=True):
            handles = [_curve(plot, curve, metric, place, look(number)) for number, curve in enumerate(found)]
            for curve, name in zip(found, names, strict=True):
                there = [line for line in curve if metric in line.rows]
                records += [{"x": place(line), **datum(name, line.rows[metric], line)} for line in there]
            plot.set(xlabel=label, ylabel=axis_label(metric))
            highest = ceiling(group, material.rows) if metric == "miou" else None
            if highest is not None:
                _ceiling(plot, highest)
                records.append({"series": CEILING, "metric": metric, "value": highest})
        entitle(figure, group.shared.title)
        explain(figure, handles, names)
    return Drawing(group.name, figure, pd.DataFrame(records), alt)


def _curve(plot: Axes, curve: Sequence[Line], metric: str, place: Callable[[Line], float], drawn: Look) -> Any:
    there = [line for line in curve if metric in line.rows]
    values = [line.rows[metric].value for line in there]
    halves = [error(line.rows[metric])[0] for line in there]
    how: dict[str, Any] = {"color": drawn.color, "marker": drawn.marker, "linestyle": drawn.line}
    return plot.errorbar([place(line) for line in there], values, yerr=halves, **how)


def _ceiling(plot: Axes, value: float) -> None:
    """A dashed line at the mean IoU of the photographs."""
    plot.axhline(value, color=QUIET, linestyle="--", linewidth=0.8)
    above: dict[str, Any] = {"xytext": (0, 1.5), "textcoords": "offset points", "color": QUIET}
    plot.annotate(CEILING, (0.02, value), xycoords=("axes fraction", "data"), **above)
