"""Plots of FID, mIoU and LPIPS along something: a plot a metric and axis, a curve a way to sample."""

from collections.abc import Callable, Sequence
from math import isnan
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from reports.cells import ARROWS
from reports.figures.drawing import Drawing
from reports.figures.groups import Group, ceiling, datum, error, headings
from reports.figures.material import Material
from reports.figures.published import Theirs, published_beside
from reports.figures.style import LINES, QUIET, Look, entitle, explain, logarithmic, look, plots, styled
from reports.lines import Line
from reports.names import column_name
from sdm_bench.evaluation.metric import all_outputs

CEILING = "photographs"
METRICS = ("fid", "miou", "lpips")


def axis_label(metric: str) -> str:
    """What an axis of a metric is called, with its better direction."""
    output = all_outputs()[metric]
    return f"{column_name(output.title)} {ARROWS[output.direction]}"


class Across(NamedTuple):
    """An axis that curves go along. name: of its column in the data. place: of a line, NaN where it is not known."""

    name: str
    label: str
    place: Callable[[Line], float]
    logarithmic: bool = False


def draw_curves(
    group: Group,
    material: Material,
    found: Sequence[Sequence[Line]],
    across: Sequence[Across],
    without: Sequence[str],
    alt: str,
) -> Drawing:
    """A plot of every metric along each axis, those of one axis in a row.

    found: the curves. without: what headings need not say.
    """
    metrics = [name for name in METRICS if any(name in line.rows for curve in found for line in curve)]
    names = headings([curve[0] for curve in found], without)
    methods = {curve[0].first.method for curve in found}
    theirs = [each for each in published_beside(group, material, metrics) if each.method in methods]
    records = _records(group, material, found, names, metrics, across)
    records += [record for each in theirs for record in each.records()]
    with styled():
        figure, axes = plots(len(metrics), len(across))
        drawn: dict[str, Any] = {}
        for number, plot in enumerate(axes):
            axis, metric = across[number // len(metrics)], metrics[number % len(metrics)]
            for place, (curve, name) in enumerate(zip(found, names, strict=True)):
                made = _curve(plot, curve, metric, axis.place, look(place))
                drawn |= {name: made} if made else {}
            for place, each in enumerate(theirs):
                made = _published(plot, each, metric, place)
                drawn |= {each.title: made} if made else {}
            plot.set(xlabel=axis.label, ylabel=axis_label(metric))
            if axis.logarithmic:
                places = {axis.place(line) for curve in found for line in curve}
                logarithmic(plot, sorted(place for place in places if not isnan(place)))
            highest = ceiling(group, material.rows) if metric == "miou" else None
            if highest is not None:
                _ceiling(plot, highest)
        entitle(figure, group.shared.title)
        explain(figure, list(drawn.values()), list(drawn))
    return Drawing(group.name, figure, pd.DataFrame(records), alt)


def _records(
    group: Group,
    material: Material,
    found: Sequence[Sequence[Line]],
    names: Sequence[str],
    metrics: Sequence[str],
    across: Sequence[Across],
) -> list[dict[str, Any]]:
    records = []
    for metric in metrics:
        for curve, name in zip(found, names, strict=True):
            for line in (line for line in curve if metric in line.rows):
                places = {axis.name: axis.place(line) for axis in across}
                records.append({**places, **datum(name, line.rows[metric], line)})
    highest = ceiling(group, material.rows) if "miou" in metrics else None
    return [*records, *([] if highest is None else [{"series": CEILING, "metric": "miou", "value": highest}])]


def _curve(plot: Axes, curve: Sequence[Line], metric: str, place: Callable[[Line], float], drawn: Look) -> Any:
    """The marks and what joins them; None where there is no number with a place."""
    there = [line for line in curve if metric in line.rows and not isnan(place(line))]
    if not there:
        return None
    values = [line.rows[metric].value for line in there]
    halves = [error(line.rows[metric])[0] for line in there]
    how: dict[str, Any] = {"color": drawn.color, "marker": drawn.marker, "linestyle": drawn.line}
    return plot.errorbar([place(line) for line in there], values, yerr=halves, **how)


def _published(plot: Axes, theirs: Theirs, metric: str, number: int) -> Any:
    """A thin grey line at what somebody published; None where that is of other metrics."""
    if metric not in theirs.numbers:
        return None
    return plot.axhline(theirs.numbers[metric], color=QUIET, linestyle=LINES[1:][number % 3], linewidth=0.6)


def _ceiling(plot: Axes, value: float) -> None:
    """A dashed line at the mean IoU of the photographs."""
    plot.axhline(value, color=QUIET, linestyle="--", linewidth=0.8)
    above: dict[str, Any] = {"xytext": (0, 1.5), "textcoords": "offset points", "color": QUIET}
    plot.annotate(CEILING, (0.02, value), xycoords=("axes fraction", "data"), **above)
