"""Ranks of the same samples under every protocol: lines that cross where protocols disagree."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from reports.averages import average_trainings
from reports.cells import ARROWS
from reports.figures.drawing import Drawing
from reports.figures.groups import datum, file_names, headings
from reports.figures.material import Material
from reports.figures.registry import NothingToDraw
from reports.figures.style import FONT, PAGE_WIDTH, Look, entitle, explain, look, plots, styled
from reports.figures.text import text_width
from reports.lines import IDENTITY, Line, make_lines
from reports.names import column_name, dataset_name
from reports.sensitivity import readings_of
from sdm_bench.base.progress import say
from sdm_bench.evaluation.metric import Output, main_outputs
from sdm_bench.results.rows import REAL

# Points: of the numbers beside the marks.
SMALL = 5.5
# Protocols in half of a page's width.
FITTING = 7
ALT = "Ranks of the methods, a column for each protocol; lines cross where protocols rank the same samples differently"


class Compared(NamedTuple):
    """What readings share that are ranked against each other."""

    dataset: str
    split: str
    image_size: str
    labels_sha256: str
    num_images: int
    incomplete: str
    track: str

    @property
    def title(self) -> str:
        """What a reader has to know of all numbers."""
        parts = [f"{dataset_name(self.dataset)} {self.split}", self.image_size, f"{self.num_images} images"]
        return ", ".join([*parts, *filter(None, [self.incomplete])])


class Ranking(NamedTuple):
    """Readings of one metric by one network, each measured under all of `protocols`."""

    output: Output
    protocols: tuple[str, ...]
    readings: Sequence[Line]


def sensitivity(material: Material) -> list[Drawing]:
    """A figure for samples of the same label maps, a plot for each metric that two protocols measured of two of them.

    Raises NothingToDraw where there is none.
    """
    outputs = main_outputs()
    lines = [line for line in make_lines(material.rows, outputs) if line.first.method != REAL]
    if material.average:
        lines, _ = average_trainings(lines)
    found: dict[Compared, list[Line]] = {}
    for reading in readings_of(lines, outputs):
        shared = Compared(*(getattr(reading.first, name) for name in Compared._fields))
        found.setdefault(shared, []).append(reading)
    ranked = {shared: ranking for shared, of in found.items() if (ranking := _rankings(of))}
    if not ranked:
        raise NothingToDraw("figure sensitivity: no two sample sets measured under the same two protocols")
    names = file_names("sensitivity", list(ranked))
    return [_drawn(name, shared, of) for name, (shared, of) in zip(names, ranked.items(), strict=True)]


def _rankings(found: Sequence[Line]) -> list[Ranking]:
    """The rankings: of each metric and network, the readings that have all protocols that most of them have."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for reading in found:
        groups.setdefault((reading.first.metric, reading.first.extractor_sha256), []).append(reading)
    rankings = []
    for (metric, _), of in groups.items():
        sets = [tuple(sorted(reading.rows)) for reading in of]
        protocols = max(sets, key=lambda each: (sum({*each} <= {*other} for other in sets) * (len(each) - 1), each))
        whole = [reading for reading in of if {*protocols} <= {*reading.rows}]
        for reading in of:
            if reading not in whole:
                say(f"sensitivity: {reading.title} left out: not measured under all of {', '.join(protocols)}")
        if len(protocols) > 1 and len(whole) > 1:
            rankings.append(Ranking(main_outputs()[metric], protocols, whole))
    return sorted(rankings, key=lambda each: list(main_outputs()).index(each.output.name))


def ranks(ranking: Ranking, protocol: str) -> list[int]:
    """The rank of each reading under a protocol, 1 the best; equal numbers share one."""
    values = [reading.rows[protocol].value for reading in ranking.readings]
    better = (lambda a, b: a < b) if ranking.output.direction == "lower" else (lambda a, b: a > b)
    return [1 + sum(better(other, value) for other in values) for value in values]


def _drawn(name: str, shared: Compared, rankings: Sequence[Ranking]) -> Drawing:
    # one heading and look for a sample set in all plots
    sets = {_sample_set(line): line for each in rankings for line in each.readings}
    titles = dict(zip(sets, headings(list(sets.values())), strict=True))
    looks = {key: look(number) for number, key in enumerate(sets)}
    most = max(len(each.readings) for each in rankings)
    records: list[dict[str, Any]] = []
    handles: dict[str, Any] = {}
    with styled():
        width = max(_width(each) for each in rankings)
        columns = max(1, min(len(rankings), int(PAGE_WIDTH / width)))
        figure, axes = plots(columns, -(-len(rankings) // columns), height=0.7 + 0.24 * most, width=width)
        for each, plot in zip(rankings, axes, strict=False):
            for line in each.readings:
                key = _sample_set(line)
                handles[titles[key]] = _line(plot, each, line, looks[key])
                for protocol in each.protocols:
                    rank = {"rank": ranks(each, protocol)[list(each.readings).index(line)]}
                    records.append({**datum(titles[key], line.rows[protocol], line), **rank})
            _label(plot, each, most)
        for plot in axes[len(rankings) :]:
            plot.remove()
        entitle(figure, shared.title)
        explain(figure, list(handles.values()), list(handles))
    return Drawing(name, figure, pd.DataFrame(records), ALT)


def _sample_set(reading: Line) -> tuple:
    """What a reading is of, under whatever protocol."""
    same = [name for name in IDENTITY if name != "protocol"]
    return *(getattr(reading.first, name) for name in same), reading.first.seeds, reading.trainings


def _line(plot: Axes, ranking: Ranking, reading: Line, drawn: Look) -> Line2D:
    place = list(ranking.readings).index(reading)
    heights = [ranks(ranking, protocol)[place] for protocol in ranking.protocols]
    for column, (height, protocol) in enumerate(zip(heights, ranking.protocols, strict=True)):
        text = f"{reading.rows[protocol].value:.{ranking.output.digits}f}"
        above: dict[str, Any] = {"xytext": (0, 4), "textcoords": "offset points", "ha": "center", "fontsize": SMALL}
        plot.annotate(text, (column, height), path_effects=[withStroke(linewidth=1.5, foreground="white")], **above)
    how: dict[str, Any] = {"color": drawn.color, "marker": drawn.marker, "linestyle": drawn.line, "markersize": 5}
    return plot.plot(range(len(heights)), heights, **how)[0]


def _label(plot: Axes, ranking: Ranking, most: int) -> None:
    count = len(ranking.protocols)
    plot.set_title(f"{column_name(ranking.output.title)} {ARROWS[ranking.output.direction]}", loc="left")
    plot.set(xticks=range(count), xlim=(-0.5, count - 0.5), ylim=(most + 0.4, 0.4), yticks=range(1, most + 1))
    plot.set_ylabel("rank")
    level = _level(ranking)
    plot.set_xticklabels(ranking.protocols, rotation=0 if level else 30, ha="center" if level else "right")


def _width(ranking: Ranking) -> float:
    """Inches for a plot in which no two numbers meet, at most a page."""
    return PAGE_WIDTH if len(ranking.protocols) > FITTING else PAGE_WIDTH / 2


def _level(ranking: Ranking) -> bool:
    """Whether the protocols' names fit beside each other."""
    longest = max(text_width(name, FONT) for name in ranking.protocols)
    return (longest + FONT) * len(ranking.protocols) < (_width(ranking) - 0.5) * 72
