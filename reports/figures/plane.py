"""FID against LPIPS: quality and diversity of all methods at once."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from reports.figures.curves import axis_label
from reports.figures.drawing import Drawing
from reports.figures.groups import Group, comparable, datum, error, headings
from reports.figures.material import Material
from reports.figures.published import Theirs, published_beside
from reports.figures.registry import NothingToDraw
from reports.figures.style import MARKERS, QUIET, entitle, explain, look, plots, styled
from sdm_bench.base.progress import say

METRICS = ("fid", "lpips")
ALT = "Points of all methods, FID against LPIPS, with error bars"


def plane(material: Material) -> list[Drawing]:
    """A figure for all that may be compared, a point a line that has both.

    Raises NothingToDraw where none has; lines with one alone are left out with a sentence.
    """
    drawn = [made for group in comparable("plane", material, METRICS) if (made := _drawn(group, material)) is not None]
    if not drawn:
        raise NothingToDraw("figure plane: nothing of which both FID and LPIPS were measured under one protocol")
    return drawn


def _drawn(group: Group, material: Material) -> Drawing | None:
    names = headings(group.lines)
    both = [all(metric in line.rows for metric in METRICS) for line in group.lines]
    for name, complete, line in zip(names, both, group.lines, strict=True):
        if not complete:
            say(f"{group.name}: {name} left out: only {', '.join(line.rows)} measured")
    if not any(both):
        return None
    theirs = [each for each in published_beside(group, material, METRICS) if {*METRICS} <= each.numbers.keys()]
    records: list[dict[str, Any]] = []
    with styled():
        figure, (axes,) = plots(1, height=2.8, width=3.4)
        handles = []
        for number, (name, line) in enumerate(zip(names, group.lines, strict=True)):
            if both[number]:
                fid, lpips = (line.rows[metric] for metric in METRICS)
                drawn = look(number)
                handles.append(
                    axes.errorbar(
                        lpips.value,
                        fid.value,
                        xerr=error(lpips)[0],
                        yerr=error(fid)[0],
                        color=drawn.color,
                        marker=drawn.marker,
                        linestyle="none",
                    )
                )
                records += [datum(name, row, line) for row in (fid, lpips)]
        titles = [name for name, complete in zip(names, both, strict=True) if complete]
        for number, each in enumerate(theirs):
            handles.append(_published(axes, each, number))
            titles.append(each.title)
            records += each.records()
        axes.set(xlabel=axis_label("lpips"), ylabel=axis_label("fid"))
        entitle(figure, group.shared.title)
        explain(figure, handles, titles)
    return Drawing(group.name, figure, pd.DataFrame(records), ALT)


def _published(axes: Axes, theirs: Theirs, number: int) -> Any:
    """A hollow grey mark at what somebody published."""
    fid, lpips = (theirs.numbers[metric] for metric in METRICS)
    marker = MARKERS[number % len(MARKERS)]
    (mark,) = axes.plot(lpips, fid, marker=marker, markerfacecolor="none", color=QUIET, linestyle="none")
    return mark
