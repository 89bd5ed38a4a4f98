"""How figures look in print: sizes in inches and points, and colours that colour-blind readers tell apart."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from reports.figures.text import text_width, wrapped

# Inches: the text width of two columns, and the most that a plot takes of it.
PAGE_WIDTH = 7.0
PLOT_WIDTH, PLOT_HEIGHT = 2.33, 2.1
# Points.
FONT = 7.0
DPI = 300
INK, QUIET = "#000000", "#666666"
# Okabe and Ito, "Color Universal Design", 2008, without the yellow, which is too light for lines on white.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "h")
LINES = ("-", "--", ":", "-.")
SETTINGS = {
    "font.family": "DejaVu Sans",
    "font.size": FONT,
    "axes.titlesize": FONT,
    "axes.labelsize": FONT,
    "xtick.labelsize": FONT,
    "ytick.labelsize": FONT,
    "legend.fontsize": FONT,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "lines.linewidth": 1.1,
    "lines.markersize": 4,
    "errorbar.capsize": 2,
    "legend.frameon": False,
    "savefig.facecolor": "white",
    # names of methods are no formulas
    "text.parse_math": False,
    # text that journals' programs can search, and files that are the same each time
    "pdf.fonttype": 42,
    "svg.hashsalt": "sdm-bench",
}


class Look(NamedTuple):
    """What a series of numbers is drawn with."""

    color: str
    marker: str
    line: str


def look(index: int) -> Look:
    """A look of its own for each of the first 77 series; prints without colour tell them by their markers."""
    lines = LINES[index // len(COLORS) % len(LINES)]
    return Look(COLORS[index % len(COLORS)], MARKERS[index % len(MARKERS)], lines)


def logarithmic(axes: Axes, values: Sequence[float]) -> None:
    """A logarithmic axis across that names the values themselves, from the left as many as don't meet.

    What isn't a whole number is named by its first two digits.
    """
    axes.set_xscale("log")
    ends = np.log(values[-1] / values[0]) or 1.0
    # what the axis has beside its numbers and names is about a third of a plot
    width = PLOT_WIDTH * 72 * 0.66
    far, right = [], -np.inf
    for value in values:
        middle, half = np.log(value / values[0]) / ends * width, text_width(_spelt(value), FONT) / 2
        if middle - half > right + FONT / 2:
            far.append(value)
            right = middle + half
    axes.set_xticks(far, [_spelt(value) for value in far])
    axes.xaxis.set_minor_locator(NullLocator())


def _spelt(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else f"{value:.2g}"


@contextmanager
def styled() -> Iterator[None]:
    """Inside, figures are made and written in this style, whatever the user's own settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(cast(Any, SETTINGS))
        yield


def plots(
    columns: int, rows: int = 1, height: float = PLOT_HEIGHT, width: float = PLOT_WIDTH
) -> tuple[Figure, list[Axes]]:
    """A figure with plots of one size, row by row. height, width: of one, in inches, less wide where a page is full."""
    width = min(PAGE_WIDTH, columns * width)
    figure = Figure(figsize=(width, rows * height + 0.3), dpi=DPI, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    return figure, [axes for line in grid for axes in line]


def entitle(figure: Figure, title: str) -> None:
    """Writes what all numbers share above the plots."""
    width = figure.get_figwidth() * 72 - FONT
    figure.suptitle("\n".join(wrapped(title, width, FONT)), x=0.01, ha="left", fontsize=FONT, color=QUIET)


def explain(figure: Figure, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """Puts the legend below the plots, in as many columns as fit; long names are broken."""
    width = figure.get_figwidth() * 72
    lines = ["\n".join(wrapped(label, width - 40, FONT)) for label in labels]
    rows = len(labels)
    for columns in range(len(labels), 0, -1):
        made = figure.legend(
            handles,
            lines,
            loc="outside lower center",
            ncols=columns,
            handlelength=1.6,
            columnspacing=1.2,
        )
        rows = -(-len(labels) // columns)
        if columns == 1 or made.get_window_extent().width <= figure.bbox.width:
            break
        made.remove()
    figure.set_figheight(figure.get_figheight() + 0.16 * rows)
