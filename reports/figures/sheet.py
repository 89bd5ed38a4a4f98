"""Pictures side by side as a figure for print: every pixel of every picture, headings that fit, a legend of classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from reports.figures.style import FONT, INK, PAGE_WIDTH
from reports.figures.text import text_width, wrapped

# Inches: the widest panel, the room for the names of rows, between panels, between blocks of rows, and the least
# width for a legend.
PANEL, NAMES, GAP, APART, LEGEND = 2.0, 0.85, 0.02, 0.08, 4.0
# Dots an inch at least, for text that is read; smaller pictures are enlarged by a whole number.
LEAST_DPI = 200
# In the place of a picture: nothing, where the row above has it.
BLANK = np.zeros((0, 0, 3), np.uint8)
# Points: from one line of text to the next, between text and pictures, and the smallest font.
LINE, PAD, SMALLEST = 1.2, 2.0, 5.0
INCH = 72.0


@dataclass(frozen=True)
class Bar:
    """A scale of colours. label: what it is of. highest: the number of its last colour, which larger ones share."""

    colormap: str
    label: str
    highest: float


@dataclass(frozen=True)
class Sheet:
    """Pictures of one size in rows, uint8 (H, W, 3), None for one that isn't there, BLANK for an empty place.

    headings: above each column. names: of each row, before the column `named`; empty for none. legend: names and
    colours (3 values of 0 to 255) of classes. blocks: the rows before which there is more room.
    """

    rows: Sequence[Sequence[np.ndarray | None]]
    headings: Sequence[str]
    names: Sequence[str] = ()
    named: int = 0
    legend: Sequence[tuple[str, Sequence[int]]] = ()
    bar: Bar | None = None
    blocks: Sequence[int] = ()


@dataclass(frozen=True)
class Layout:
    """Where things are. dpi: dots an inch, at which a pixel of a picture is `scale` dots. All else in dots."""

    scale: int
    panel: tuple[int, int]
    dpi: int
    gap: int
    room: int
    named: int
    font: float
    headings: Sequence[Sequence[str]]
    names: Sequence[Sequence[str]]
    blocks: Sequence[int]

    def top(self, row: int) -> int:
        """Where a row begins, from the top of the first one."""
        wide = int(APART * self.dpi) * sum(block <= row for block in self.blocks)
        return row * (self.panel[0] + self.gap) + wide

    def left(self, column: int) -> int:
        """Where a column begins: the names of rows stand before one of them."""
        return column * (self.panel[1] + self.gap) + (self.room if column >= self.named else 0)

    @property
    def line(self) -> float:
        """From one line of text to the next."""
        return LINE * self.font * self.dpi / INCH

    @property
    def pad(self) -> float:
        """Free around text."""
        return PAD * self.dpi / INCH


def draw_sheet(sheet: Sheet) -> Figure:
    """The figure, to be made and written inside `styled`: panels of a whole number of dots a pixel, never squashed."""
    layout = _layout(sheet)
    height, width = layout.panel
    columns, rows = len(sheet.headings), len(sheet.rows)
    across = layout.left(columns - 1) + width
    if sheet.legend or sheet.bar:
        across = max(across, round(LEGEND * layout.dpi))
    top = round(max(map(len, layout.headings)) * layout.line + 2 * layout.pad)
    legend = _flowed([name for name, _ in sheet.legend], across, layout)
    below = round((len(legend) + (3 if sheet.bar else 0)) * 1.25 * layout.line + 2 * layout.pad)
    pictures = layout.top(rows - 1) + height
    down = top + pictures + below
    figure = Figure(figsize=(across / layout.dpi, down / layout.dpi), dpi=layout.dpi)
    for r, row in enumerate(sheet.rows):
        for c, picture in enumerate(row):
            x, y = layout.left(c), below + pictures - layout.top(r) - height
            _panel(figure, picture, (x, y, width, height), layout)
    _headings(figure, layout, down - top)
    _names(figure, layout, below + pictures)
    _legend(figure, sheet, legend, layout, below)
    if sheet.bar:
        _bar(figure, sheet.bar, layout)
    return figure


def _layout(sheet: Sheet) -> Layout:
    height, width = next(
        picture.shape[:2] for row in sheet.rows for picture in row if picture is not None and picture.size
    )
    columns = len(sheet.headings)
    room = NAMES if sheet.names else 0.0
    inches = min(PAGE_WIDTH - room, columns * PANEL)
    panels = inches - (columns - 1) * GAP
    scale = max(1, ceil(LEAST_DPI * panels / (columns * width)))
    # rounded so that the figure is never wider than a page
    dpi = ceil(columns * width * scale / panels)
    panel = width * scale / dpi * INCH
    font = _font([word for each in sheet.headings for word in each.split()], panel - 2 * PAD)
    return Layout(
        scale,
        (height * scale, width * scale),
        dpi,
        max(1, int(GAP * dpi)),
        int(room * dpi),
        sheet.named,
        font,
        [wrapped(each, panel - 2 * PAD, font) for each in sheet.headings],
        [wrapped(each, room * INCH - 2 * PAD, font) for each in sheet.names],
        sheet.blocks,
    )


def _font(words: Sequence[str], width: float) -> float:
    """The largest font, in points, at which no word is broken; the smallest readable one where there is none."""
    sizes = np.arange(FONT, SMALLEST - 0.01, -0.5)
    return float(next((size for size in sizes if all(text_width(each, size) <= width for each in words)), SMALLEST))


def _add_axes(figure: Figure, box: tuple[float, float, float, float]) -> Axes:
    """Axes at (left, bottom, width, height) in dots."""
    across, down = figure.get_size_inches() * figure.dpi
    return figure.add_axes((box[0] / across, box[1] / down, box[2] / across, box[3] / down))


def _panel(figure: Figure, picture: np.ndarray | None, box: tuple[int, int, int, int], layout: Layout) -> None:
    if picture is BLANK:
        return
    axes = _add_axes(figure, box)
    if picture is None:
        axes.set(xticks=[], yticks=[], facecolor="#EEEEEE")
        axes.text(0.5, 0.5, "missing", ha="center", va="center", fontsize=layout.font, transform=axes.transAxes)
        axes.spines[:].set_visible(False)
        return
    enlarged = picture.repeat(layout.scale, axis=0).repeat(layout.scale, axis=1)
    axes.imshow(enlarged, interpolation="none", aspect="auto")
    axes.set_axis_off()


def _text(figure: Figure, x: float, y: float, text: str, size: float, **how: Any) -> None:
    across, down = figure.get_size_inches() * figure.dpi
    figure.text(x / across, y / down, text, fontsize=size, color=INK, **how)


def _headings(figure: Figure, layout: Layout, bottom: float) -> None:
    """Each heading above the middle of its column, the last lines of all at one height."""
    _, width = layout.panel
    for column, lines in enumerate(layout.headings):
        x = layout.left(column) + width / 2
        for place, line in enumerate(reversed(lines)):
            y = bottom + layout.pad + (place + 0.25) * layout.line
            _text(figure, x, y, line, layout.font, ha="center", va="baseline")


def _names(figure: Figure, layout: Layout, top: float) -> None:
    height, _ = layout.panel
    for row, lines in enumerate(layout.names):
        middle = top - layout.top(row) - height / 2
        for place, line in enumerate(lines):
            y = middle + (len(lines) / 2 - place - 0.75) * layout.line
            _text(figure, layout.left(layout.named) - layout.pad, y, line, layout.font, ha="right", va="baseline")


def _flowed(names: Sequence[str], across: float, layout: Layout) -> list[list[tuple[int, float]]]:
    """The lines of the legend: the place of each name in `names`, and where it begins."""
    lines: list[list[tuple[int, float]]] = []
    x = 0.0
    for place, name in enumerate(names):
        width = _entry(name, layout)
        if not lines or x + width > across:
            lines.append([])
            x = 0.0
        lines[-1].append((place, x))
        x += width
    return lines


def _entry(name: str, layout: Layout) -> float:
    """The width of a class in the legend."""
    return 1.2 * layout.line + text_width(name, layout.font) * layout.dpi / INCH + 2.5 * layout.pad


def _legend(
    figure: Figure, sheet: Sheet, lines: Sequence[Sequence[tuple[int, float]]], layout: Layout, below: float
) -> None:
    across, down = figure.get_size_inches() * figure.dpi
    side = 0.75 * layout.line
    for number, line in enumerate(lines):
        y = below - layout.pad - (number + 1) * 1.25 * layout.line + 0.35 * layout.line
        for place, x in line:
            name, color = sheet.legend[place]
            box = Rectangle(
                (x / across, (y - 0.1 * layout.line) / down),
                1.2 * side / across,
                side / down,
                transform=figure.transFigure,
                facecolor=[float(value) / 255 for value in color],
                edgecolor=INK,
                linewidth=0.3,
            )
            figure.add_artist(box)
            _text(figure, x + 1.2 * layout.line, y, name, layout.font, ha="left", va="baseline")


def _bar(figure: Figure, bar: Bar, layout: Layout) -> None:
    """The scale of colours in the lower right."""
    across, _ = figure.get_size_inches() * figure.dpi
    width = min(0.4 * across, 2.2 * layout.dpi)
    axes = _add_axes(figure, (across - width - 2 * layout.pad, 2.4 * layout.line, width, 0.6 * layout.line))
    mapped = ScalarMappable(Normalize(0, bar.highest), bar.colormap)
    scale = figure.colorbar(mapped, cax=axes, orientation="horizontal", extend="max")
    scale.ax.tick_params(labelsize=layout.font, pad=1, length=1.5)
    scale.outline.set_linewidth(0.3)
    label_right = across - width - 6 * layout.pad
    _text(figure, label_right, 2.45 * layout.line, bar.label, layout.font, ha="right", va="baseline")
