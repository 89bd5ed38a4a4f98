"""Pictures side by side: every pixel as it is, and text that meets nothing."""

import io
import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from reports.figures.sheet import BLANK, LEAST_DPI, Bar, Sheet, draw_sheet
from reports.figures.style import PAGE_WIDTH, styled
from reports.figures.text import text_width, told_apart, wrapped

LONG = "DDPM, concatenated label map, training seed 1"


def pictures(rows: int, columns: int, size: tuple[int, int]) -> list[list[np.ndarray]]:
    rng = np.random.default_rng(0)
    return [[rng.integers(0, 256, (*size, 3), np.uint8) for _ in range(columns)] for _ in range(rows)]


def written(sheet: Sheet) -> tuple[np.ndarray, int]:
    """The PNG, and by how much pictures are enlarged in it."""
    stream = io.BytesIO()
    with styled():
        figure = draw_sheet(sheet)
        figure.savefig(stream, format="png", dpi=figure.dpi)
    scale = figure.axes[0].images[0].get_array().shape[0] // sheet.rows[0][0].shape[0]
    return np.asarray(Image.open(stream).convert("RGB")), scale


def places(canvas: np.ndarray, picture: np.ndarray) -> list[tuple[int, int]]:
    """Where a picture stands on a canvas, pixel for pixel."""
    height, width = picture.shape[:2]
    found = np.argwhere((canvas == picture[0, 0]).all(axis=2))
    return [
        (int(y), int(x)) for y, x in found if np.array_equal(canvas[y : y + height, x : x + width], picture)
    ]  # fmt: skip


@pytest.mark.parametrize("size", [(32, 64), (20, 20), (100, 130)])
def test_every_pixel_of_every_picture_is_there_and_none_is_squashed(size: tuple[int, int]) -> None:
    rows = pictures(2, 3, size)
    canvas, scale = written(Sheet(rows, ["label map", "photograph", LONG]))
    corners = [[places(canvas, each.repeat(scale, 0).repeat(scale, 1)) for each in row] for row in rows]
    assert all(len(found) == 1 for row in corners for found in row)
    (top, left), (_, right) = corners[0][0][0], corners[0][2][0]
    assert corners[1][0][0][1] == left
    assert corners[1][0][0][0] > top
    assert right > left


@pytest.mark.parametrize("columns", [1, 3, 9, 14])
def test_headings_never_collide(columns: int) -> None:
    headings = [*["label map", LONG] * columns][:columns]
    legend = [(f"class of some length {number}", (number, 0, 0)) for number in range(25)]
    bar = Bar("cividis", "standard deviation over samples, of 255", 60.0)
    with styled():
        figure = draw_sheet(Sheet(pictures(2, columns, (32, 64)), headings, [LONG, "SDM"], 0, legend, bar))
        renderer = FigureCanvasAgg(figure).get_renderer()
        boxes = [text.get_window_extent(renderer) for text in figure.texts]
        panels = [axes.get_window_extent(renderer) for axes in figure.axes]
    assert figure.get_figwidth() <= PAGE_WIDTH + 0.01
    assert figure.dpi >= LEAST_DPI
    slack = 0.5
    inner = [box.from_extents(box.x0 + slack, box.y0 + slack, box.x1 - slack, box.y1 - slack) for box in boxes]
    assert not any(first.overlaps(second) for first, second in itertools.combinations(inner, 2))
    assert not any(box.overlaps(panel) for box in inner for panel in panels)
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1 for box in inner)


def test_a_missing_picture_is_said_and_a_blank_place_is_white() -> None:
    (first, second), *_ = pictures(1, 2, (96, 96))
    with styled():
        figure = draw_sheet(Sheet([[first, None, BLANK], [second, first, first]], ["a", "b", "c"]))
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert said == ["missing"]
    assert len(figure.axes) == 5


def test_text_is_wrapped_by_its_width() -> None:
    lines = wrapped(f"{LONG} Donaudampfschifffahrtsgesellschaft", 60, 7)
    assert all(text_width(line, 7) <= 60 for line in lines)
    assert " ".join(lines).replace("- ", "").replace(" ", "") == LONG.replace(" ", "") + (
        "Donaudampfschifffahrtsgesellschaft"
    )


def test_headings_that_are_alike_are_told_apart() -> None:
    details = [{"seed": "0", "folder": "a"}, {"seed": "1", "folder": "b"}, {"seed": "1", "folder": "b"}]
    assert told_apart(["SDM", "SDM", "SPADE"], details) == ["SDM, seed 0", "SDM, seed 1", "SPADE"]
    assert told_apart(["SDM"] * 3, details) == ["SDM, seed 0", "SDM, seed 1 (1)", "SDM, seed 1 (2)"]


def test_blocks_of_rows_have_more_room_between_them() -> None:
    picture = np.full((32, 32, 3), 128, np.uint8)
    with styled():
        figure = draw_sheet(Sheet([[picture]] * 4, ["a"], blocks=[2]))
        figure.canvas.draw()
        boxes = [axes.get_window_extent() for axes in figure.axes]
    rooms = [upper.y0 - lower.y1 for upper, lower in itertools.pairwise(boxes)]
    assert rooms[0] == pytest.approx(rooms[2], abs=0.5)
    assert rooms[1] > 3 * rooms[0] > 0
    assert min(box.y0 for box in boxes) >= 0
    assert max(box.y1 for box in boxes) <= figure.bbox.height
