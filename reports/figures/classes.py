"""IoU of each class beside the ceiling: the same segmenter on the photographs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.curves import axis_label
from reports.figures.drawing import Drawing
from reports.figures.groups import Shared, datum, error, file_names, grouped, headings, identity, is_ceiling
from reports.figures.material import Material
from reports.figures.registry import NothingToDraw
from reports.figures.style import DPI, PAGE_WIDTH, entitle, explain, look, styled
from reports.lines import Line
from sdm_bench.results.rows import REAL, ResultRow

# Classes one above the other; more stand side by side.
MOST = 40
# Inches for a class, and at the top and bottom.
STEP, AROUND = 0.17, 0.7
ALT = "IoU of each class, a mark for each method and a bar for the photographs, classes in falling order"
CEILING = "photographs"


def classes(material: Material) -> list[Drawing]:
    """A figure for all that may be compared, the classes in falling order of the ceiling or else of the mean.

    Raises NothingToDraw where no IoU of single classes was measured.
    """
    found: dict[Shared, dict[tuple, dict[str, Line]]] = {}
    for name in dict.fromkeys(row.class_name for row in material.rows if _of_class(row)):
        # as a metric of its own, a class has its lines, groups and means as every other number
        rows = [_named(row, "") for row in material.rows if _of_class(row) and row.class_name == name]
        for shared, lines in grouped(replace(material, rows=rows), ("iou",)).items():
            for line in lines:
                found.setdefault(shared, {}).setdefault(identity(line), {})[name] = line
    if not found:
        raise NothingToDraw("figure classes: no IoU of single classes; `sdm-bench evaluate --metric miou` measures it")
    names = file_names("classes", list(found))
    return [
        _drawn(name, shared, list(series.values()), material)
        for name, (shared, series) in zip(names, found.items(), strict=True)
    ]


def _of_class(row: ResultRow) -> bool:
    return row.metric == "iou" and bool(row.class_name)


def _named(row: ResultRow, name: str) -> ResultRow:
    return row.model_copy(update={"class_name": name})


def _drawn(name: str, shared: Shared, series: Sequence[dict[str, Line]], material: Material) -> Drawing:
    way = shared.ways[0]
    there = [row for row in material.rows if _of_class(row) and row.method == REAL and is_ceiling(row, shared, way)]
    ceilings = {row.class_name: row for row in sorted(there, key=lambda row: row.time)}
    values: dict[str, list[float]] = {}
    for of in series:
        for label, line in of.items():
            values.setdefault(label, []).append(line.first.value)
    height = {label: ceilings[label].value if label in ceilings else float(np.mean(values[label])) for label in values}
    labels = sorted(values, key=lambda label: (-height[label], label))
    titles = headings([next(iter(of.values())) for of in series])
    records = [datum(CEILING, ceilings[label]) for label in labels if label in ceilings]
    for title, of in zip(titles, series, strict=True):
        records += [datum(title, _named(of[label].first, label), of[label]) for label in labels if label in of]
    with styled():
        figure = _figure(labels, series, titles, ceilings)
        entitle(figure, shared.title)
    return Drawing(name, figure, pd.DataFrame(records), ALT)


def _figure(
    labels: Sequence[str], series: Sequence[dict[str, Line]], titles: Sequence[str], ceilings: dict[str, ResultRow]
) -> Figure:
    blocks = [labels[start : start + MOST] for start in range(0, len(labels), MOST)]
    width = min(PAGE_WIDTH, 3.4 * len(blocks))
    figure = Figure(figsize=(width, STEP * len(blocks[0]) + AROUND), dpi=DPI, layout="constrained")
    offsets = np.linspace(-0.28, 0.28, len(series)) if len(series) > 1 else [0.0]
    handles: list[Any] = []
    for axes, block in zip(figure.subplots(1, len(blocks), squeeze=False)[0], blocks, strict=True):
        handles = [_bars(axes, block, ceilings)] if ceilings else []
        for number, (of, offset) in enumerate(zip(series, offsets, strict=True)):
            drawn = look(number)
            places = [place for place, label in enumerate(block) if label in of]
            rows = [of[block[place]].first for place in places]
            handles.append(
                axes.errorbar(
                    [row.value for row in rows],
                    [place + offset for place in places],
                    xerr=[error(row)[0] for row in rows],
                    color=drawn.color,
                    marker=drawn.marker,
                    markersize=3,
                    linestyle="none",
                )
            )
        axes.set(
            yticks=range(len(block)), yticklabels=block, ylim=(len(blocks[0]) - 0.4, -0.6), xlabel=axis_label("iou")
        )
        axes.set_xlim(-0.02, 1.02)
    explain(figure, handles, [*([CEILING] if ceilings else []), *titles])
    return figure


def _bars(axes: Axes, block: Sequence[str], ceilings: dict[str, ResultRow]) -> Any:
    """The ceiling as a grey bar behind the marks."""
    heights = [ceilings[label].value if label in ceilings else 0.0 for label in block]
    return axes.barh(range(len(block)), heights, height=0.85, color="#D9D9D9", zorder=0.5)
