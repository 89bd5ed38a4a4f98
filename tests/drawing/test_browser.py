"""The page in a real browser: painting, making, cancelling, the history, saving."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdm_bench.drawing.server import DrawingServer
from sdm_bench.sampling.edit_folders import EditFolder
from tests.drawing.served import serving, toy_editor
from tests.reports.gallery.browser import opened, started, until

IDLE = "document.getElementById('make').disabled === false"
STATUS = "document.getElementById('status').textContent"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with started() as found:
        yield found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DrawingServer]:
    with serving(toy_editor(3), tmp_path / "out") as found:
        yield found


@pytest.fixture
def tab(browser: Any, server: DrawingServer) -> Iterator[Any]:
    with opened(browser, server.address) as found:
        until(found, f"{STATUS}.startsWith('paint')")
        yield found


def choose(tab: Any, name: str) -> None:
    tab.get_by_role("radio", name=name, exact=True).click()


def paint(tab: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draws a line with the mouse; places are shares of the label map's width and height."""
    box = tab.locator("#canvas").bounding_box()
    points = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (start, end)]
    tab.mouse.move(*points[0])
    tab.mouse.down()
    tab.mouse.move(*points[1], steps=4)
    tab.mouse.up()


def label(tab: Any) -> np.ndarray:
    return np.array(tab.evaluate("Array.from(painting.label)")).reshape(32, 64)


def test_what_is_painted_is_made_anew_shown_kept_and_saved(tab: Any, server: DrawingServer, tmp_path: Path) -> None:
    source = server.session.source
    assert (label(tab) == source.label).all()
    choose(tab, "car")
    paint(tab, (0.3, 0.7), (0.5, 0.7))
    painted = label(tab)
    assert set(np.unique(painted[painted != source.label])) == {26}
    assert 40 < (painted != source.label).sum() < 200
    tab.keyboard.press("Enter")
    until(tab, "document.querySelectorAll('#shown img').length === 3 && " + IDLE, 60)
    until(tab, "[...document.images].every((each) => each.complete && each.naturalWidth === 64)")
    first, second = tab.evaluate("[...document.querySelectorAll('#shown img')].slice(1).map((each) => each.src)")
    assert len({first, second, tab.evaluate("document.getElementById('source').src")}) == 3
    assert tab.locator("#history button").count() == 1
    tab.keyboard.press("s")
    until(tab, f"{STATUS}.startsWith('saved in')")
    folder = tmp_path / "out" / "drawn-001"
    assert tab.evaluate(STATUS).endswith(str(folder))
    assert EditFolder(folder).seeds() == [0, 1]
    assert (EditFolder(folder).pictures().edit(0).example.label == painted).all()


def test_a_running_edit_is_cancelled(browser: Any, tmp_path: Path) -> None:
    with serving(toy_editor(900), tmp_path) as server, opened(browser, server.address) as tab:
        until(tab, f"{STATUS}.startsWith('paint')")
        choose(tab, "sky")
        paint(tab, (0.2, 0.8), (0.4, 0.8))
        tab.click("#make")
        until(tab, f"{STATUS}.startsWith('step ') && document.getElementById('progress').value > 1", 30)
        assert tab.locator("#make").is_disabled()
        tab.keyboard.press("Escape")
        until(tab, f"{STATUS} === 'cancelled' && {IDLE}", 30)
        assert server.session.jobs[0].state == "cancelled"
        assert tab.locator("#shown img").count() == 1
        assert tab.locator("#save").is_disabled()


def test_tools_keys_and_undo(tab: Any, server: DrawingServer) -> None:
    source = server.session.source.label
    tab.locator("#canvas").focus()
    tab.keyboard.press("f")
    assert tab.get_attribute("#fill", "aria-pressed") == "true"
    choose(tab, "tunnel")
    paint(tab, (0.5, 0.95), (0.5, 0.95))
    filled = label(tab)
    changed = filled != source
    # one region of one class, that of the pixel
    assert set(np.unique(source[changed])) == {source[30, 32]}
    assert changed[30, 32]
    tab.keyboard.press("z")
    assert (label(tab) == source).all()
    tab.keyboard.press("y")
    assert (label(tab) == filled).all()
    tab.keyboard.press("p")
    paint(tab, (0.5, 0.02), (0.5, 0.02))
    top = server.session.opened.reader.classes.names[source[0, 32]]
    assert tab.get_by_role("radio", name=top, exact=True).get_attribute("aria-checked") == "true"
    size = int(tab.input_value("#size"))
    tab.keyboard.press("]")
    assert int(tab.input_value("#size")) == size + 1
    tab.keyboard.press("o")
    assert tab.evaluate("painting.opacity") == 0.4
    tab.click("#reset")
    assert (label(tab) == source).all()
    assert tab.locator("#redo").is_disabled()


def test_nothing_painted_is_said_and_the_history_brings_maps_back(tab: Any) -> None:
    tab.fill("#count", "1")
    tab.click("#make")
    until(tab, f"{STATUS}.startsWith('nothing is painted') && {IDLE}")
    assert tab.locator("#status.wrong").count() == 1
    choose(tab, "car")
    paint(tab, (0.3, 0.7), (0.5, 0.7))
    once = label(tab)
    tab.click("#make")
    until(tab, f"{STATUS}.startsWith('done') && {IDLE}", 60)
    paint(tab, (0.7, 0.7), (0.8, 0.7))
    tab.click("#make")
    until(tab, f"document.querySelectorAll('#history button').length === 2 && {IDLE}", 60)
    tab.get_by_role("button", name="edit 1").click()
    assert (label(tab) == once).all()
    assert tab.evaluate(STATUS) == "edit 1"


def test_the_palette_is_walked_by_keys(tab: Any) -> None:
    first = tab.locator("#classes [aria-checked='true']")
    name = first.text_content()
    first.focus()
    tab.keyboard.press("ArrowRight")
    now = tab.locator("#classes [aria-checked='true']").text_content()
    assert now != name
    assert tab.evaluate("document.activeElement.textContent") == now
