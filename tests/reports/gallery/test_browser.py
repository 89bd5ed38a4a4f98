"""The gallery in a real browser."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.gallery.gallery import Shelf, page, write_galleries
from reports.gallery.pictures import Pictures, encoded
from reports.pictured import of_runs
from reports.shown import Shown
from tests.evaluation.measured import noisy, real_at
from tests.reports.gallery.browser import opened, started, until
from tests.reports.gallery.made import make_run
from tests.reports.gallery.test_gallery import data_of

SHOWN = "[...document.querySelectorAll('.row')].map((each) => Number(each.dataset.row))"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with started() as found:
        yield found


@pytest.fixture
def tab(browser: Any, gallery: Path) -> Iterator[Any]:
    with opened(browser, gallery.as_uri()) as found:
        until(found, "document.querySelectorAll('.row > .cell').length === 25")
        yield found


def captions(tab: Any, column: int) -> list[str]:
    """What stands below the pictures of a column of the page."""
    found: list[str] = tab.locator(f".row .cell:nth-child({column}) .caption").all_text_contents()
    return found


def test_every_picture_is_shown_and_described(tab: Any) -> None:
    assert tab.locator(".row").count() == 5
    until(tab, "[...document.images].every((each) => each.complete && each.naturalWidth === 64)")
    texts = tab.evaluate("[...document.images].map((each) => each.alt)")
    assert len(texts) == len(set(texts)) == 5 * 5
    assert texts[:3] == [
        "label map, toyville_500000_000019",
        "photograph, toyville_500000_000019",
        "SDM ddim 3, seed 0, toyville_500000_000019",
    ]
    assert captions(tab, 1)[:2] == ["500000", "500001"]


def test_rows_are_sorted_by_a_number_with_what_has_none_last(tab: Any) -> None:
    tab.select_option("#sort", "0")
    tab.select_option("#of", label="SDM ddim 3 s=1.5")
    assert tab.evaluate(SHOWN) == [4, 2, 1, 0, 3]
    assert captions(tab, 4) == ["0.5000", "0.7000", "0.8000", "0.9000", "none"]
    tab.click("#order")
    assert tab.evaluate(SHOWN) == [0, 1, 2, 4, 3]
    tab.select_option("#of", label="all methods, mean")
    assert tab.evaluate(SHOWN) == [0, 2, 1, 4, 3]
    tab.select_option("#sort", "1")
    tab.click("#order")
    assert tab.evaluate(SHOWN) == [4, 3, 2, 1, 0]


def test_the_distance_to_the_photograph_is_a_number_to_sort_by(tab: Any, gallery: Path) -> None:
    tab.select_option("#sort", "2")
    tab.select_option("#of", "2")
    values = data_of(gallery)["measures"][2]["values"][2]["0"]
    assert tab.evaluate(SHOWN) == sorted(range(5), key=lambda row: values[row])


def test_rows_are_chosen_by_class_and_text(tab: Any, gallery: Path) -> None:
    data = data_of(gallery)
    having = {row: {each for each, _ in classes} for row, classes in enumerate(data["present"])}
    some = next(each for each in range(35) if 0 < sum(each in classes for classes in having.values()) < 5)
    name = data["classes"][some][0]
    tab.locator(".chip", has_text=name).first.click()
    assert tab.evaluate(SHOWN) == [row for row, classes in having.items() if some in classes]
    assert tab.locator(".chip[aria-pressed=true]").count() == 1
    tab.click("#reset")
    tab.fill("#text", "500003")
    assert tab.evaluate(SHOWN) == [3]
    assert tab.text_content("#count") == "1 of 5 label maps"
    tab.fill("#text", name)
    assert set(tab.evaluate(SHOWN)) >= {row for row, classes in having.items() if some in classes}
    tab.fill("#text", "no such thing")
    assert tab.evaluate(SHOWN) == []
    assert tab.is_visible("#nothing")
    tab.click("#reset")
    assert tab.evaluate(SHOWN) == [0, 1, 2, 3, 4]


def test_another_seed_shows_its_pictures_and_numbers(tab: Any, gallery: Path) -> None:
    inline = data_of(gallery, "pictures")
    tab.select_option("#sort", "0")

    def source(column: int) -> str:
        found: str = tab.locator("[data-row='1'] img").nth(column).get_attribute("src")
        return found.removeprefix("data:image/webp;base64,")

    assert [source(2), source(4)] == [inline["0-0"][1], inline["2-0"][1]]
    tab.click("#seeds input[value='1']")
    assert [source(2), source(4)] == [inline["0-1"][1], inline["2-0"][1]]
    assert captions(tab, 3) == ["0.1000", "0.2000", "0.3000", "0.4000", "0.5000"]
    assert "seed=1" in tab.url
    tab.keyboard.press("s")
    assert source(2) == inline["0-0"][1]


def test_keys_move_open_and_close(tab: Any) -> None:
    for key, row in {"j": 0, "k": 0}.items():
        tab.keyboard.press(key)
        assert tab.get_attribute(".row.current", "data-row") == str(row)
    tab.keyboard.press("j")
    tab.keyboard.press("4")
    assert tab.is_visible("#viewer")
    assert tab.text_content("#viewer-title") == "toyville_500001_000019"
    assert tab.locator("#right option:checked").text_content() == "SDM ddim 3 s=1.5"
    tab.keyboard.press("5")
    assert tab.locator("#right option:checked").text_content() == "SPADE"
    tab.keyboard.press("9")
    tab.keyboard.press("j")
    assert tab.text_content("#viewer-title") == "toyville_500002_000019"
    tab.keyboard.press("v")
    assert tab.locator("#panes figure").count() == 5
    tab.keyboard.press("?")
    assert tab.is_visible("#help")
    tab.keyboard.press("Escape")
    assert not tab.is_visible("#help")
    tab.keyboard.press("Escape")
    assert not tab.is_visible("#viewer")
    tab.keyboard.press("/")
    tab.keyboard.type("j3")
    assert tab.input_value("#text") == "j3"
    assert not tab.is_visible("#viewer")


def test_all_pictures_share_one_zoom(tab: Any) -> None:
    tab.keyboard.press("j")
    tab.keyboard.press("a")
    frame = tab.locator(".frame").nth(2).bounding_box()
    tab.mouse.move(frame["x"] + frame["width"] / 4, frame["y"] + frame["height"] / 2)
    tab.mouse.wheel(0, -500)
    until(tab, "zoom.larger > 1")
    moved = "[...document.querySelectorAll('#panes img')].map((each) => getComputedStyle(each).transform)"
    before = tab.evaluate(moved)
    assert len(before) == 5
    assert len(set(before)) == 1
    tab.mouse.down()
    tab.mouse.move(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2, steps=2)
    tab.mouse.up()
    after = tab.evaluate(moved)
    assert len(set(after)) == 1
    assert after != before
    tab.keyboard.press("0")
    assert tab.evaluate("[zoom.larger, zoom.x, zoom.y]") == [1, 0, 0]


def test_the_slider_uncovers_one_of_two_pictures(tab: Any) -> None:
    tab.locator("[data-row='2'] button").nth(3).click()
    names = tab.locator("#panes figcaption b").all_text_contents()
    assert names == ["photograph", "SDM ddim 3 s=1.5"]
    assert "mIoU 0.7000" in tab.text_content("#panes")
    tab.locator("#panes input[type=range]").fill("20")
    clip = "getComputedStyle(document.querySelector('.over')).clipPath"
    assert tab.evaluate(clip) == "inset(0px 0px 0px 20%)"
    tab.locator("#panes input[type=range]").focus()
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate(clip) == "inset(0px 0px 0px 20.5%)"


def test_the_class_below_the_pointer_is_named(tab: Any, toy_cityscapes: Path) -> None:
    example = real_at(toy_cityscapes)[1]
    names = real_at(toy_cityscapes).dataset.classes.names
    for line, column in ((2, 30), (30, 32), (15, 5)):
        expected = names[example.label[line, column]]
        place = {"x": (column + 0.5) * 2, "y": (line + 0.5) * 2}
        tab.locator("[data-row='1'] .label img").hover(position=place)
        until(tab, f"document.getElementById('tip').textContent.trim() === '{expected}'")
    tab.keyboard.press("j")
    tab.keyboard.press("j")
    tab.keyboard.press("a")
    frame = tab.locator(".frame").nth(4)
    box = frame.bounding_box()
    frame.hover(position={"x": 5.5 / 64 * box["width"], "y": 15.5 / 32 * box["height"]})
    expected = names[example.label[15, 5]]
    until(tab, f"document.getElementById('under').textContent.trim() === '{expected}'")


def test_the_address_keeps_the_view(browser: Any, gallery: Path) -> None:
    with opened(browser, gallery.as_uri()) as tab:
        tab.click("#seeds input[value='1']")
        tab.select_option("#sort", "0")
        tab.select_option("#of", "0")
        tab.click("#order")
        tab.fill("#text", "5000")
        tab.keyboard.press("Escape")
        tab.keyboard.press("j")
        tab.keyboard.press("3")
        address = tab.url
    state = "JSON.stringify([view, order])"
    with opened(browser, address) as tab:
        assert tab.is_visible("#viewer")
        found, order = json.loads(tab.evaluate(state))
        assert order == [4, 3, 2, 1, 0]
        assert {**found, "left": None} == {
            "seed": 1, "sort": 0, "of": 0, "down": True, "classes": [], "text": "5000", "row": 4, "open": "pair",
            "left": None, "right": 2,
        }  # fmt: skip
    with opened(browser, gallery.as_uri() + "#seed=7&sort=99&of=x&classes=-1,999,a&row=nobody&open=pair") as tab:
        found, order = json.loads(tab.evaluate(state))
        assert order == [0, 1, 2, 3, 4]
        assert (found["seed"], found["sort"], found["of"], found["classes"], found["open"]) == (0, -1, -1, [], "")


def test_a_number_leads_to_its_account(tab: Any) -> None:
    link = tab.locator("section.table td a").first
    link.click()
    account = tab.locator(link.get_attribute("href"))
    assert account.is_visible()
    assert "sample_set" in account.text_content()


CONTRASTS = """
(() => {
  const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const parts = (color) => color.match(/[\\d.]+/g).map(Number);
  const ground = (each) => {
    const color = parts(getComputedStyle(each).backgroundColor);
    return color.length < 4 || color[3] > 0 ? color : ground(each.parentElement);
  };
  const texts = [...document.querySelectorAll("body *")].filter((each) => each.checkVisibility()
    && !["SCRIPT", "STYLE", "OPTION"].includes(each.tagName)
    && [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
  return texts.map((each) => {
    const [low, high] = [light(parts(getComputedStyle(each).color)), light(ground(each))].sort((a, b) => a - b);
    return [(high + 0.05) / (low + 0.05), each.outerHTML.slice(0, 100)];
  });
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_can_be_read(scheme: str, browser: Any, gallery: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    with opened(browser, gallery.as_uri(), color_scheme=scheme) as tab:
        tab.locator(".chip").first.click()
        first = tab.evaluate(ground)
        for _ in range(2):
            found = tab.evaluate(CONTRASTS)
            assert len(found) > 60
            assert [each for each in found if each[0] < 4.5] == []
            tab.keyboard.press("d")
        assert tab.evaluate(ground) == first
        tab.keyboard.press("d")
        other = tab.evaluate(ground)
        assert other != first
        tab.reload()
        assert tab.evaluate(ground) == other
        assert (first == "rgb(255, 255, 255)") == (scheme == "light")


def test_print_has_every_row_and_no_controls(tab: Any) -> None:
    tab.evaluate("[...filled].forEach(empty)")
    assert len(re.findall(rb"/Subtype\s*/Image", tab.pdf())) == 25
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert not tab.is_visible("#controls")
    right = tab.evaluate("document.querySelector('.row .cell:last-child').getBoundingClientRect().right")
    assert right <= 1200


def test_a_narrow_window_keeps_label_maps_in_sight(browser: Any, gallery: Path) -> None:
    with opened(browser, gallery.as_uri(), viewport={"width": 390, "height": 800}, is_mobile=True) as tab:
        assert tab.evaluate("document.querySelector('.above').getBoundingClientRect().width") <= 390
        tab.evaluate("scrollTo(300, 900)")
        until(tab, "document.querySelector('.cell.label') !== null")
        assert tab.evaluate("document.querySelector('.cell.label').getBoundingClientRect().left") >= 0
        tab.keyboard.press("j")
        tab.keyboard.press("2")
        assert tab.evaluate("document.getElementById('viewer').scrollWidth") <= 390


def test_pictures_beside_the_page_are_loaded(
    browser: Any, toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.gallery.data.Pictures", lambda folder, rows: Pictures(folder, rows, limit=1000))
    real = real_at(toy_cityscapes, (80, 160))
    run = make_run(tmp_path / "run", real, [0], noisy, data=str(toy_cityscapes), image_size=(80, 160))
    (path,) = write_galleries(tmp_path / "a page #1.html", of_runs([run]), Shelf([], [], [run]))
    with opened(browser, path.as_uri()) as tab:
        until(tab, "document.images.length === 15")
        until(tab, "[...document.images].every((each) => each.complete && each.naturalWidth === 128)")
        tab.keyboard.press("j")
        tab.keyboard.press("a")
        whole = "[...document.querySelectorAll('#panes img')]"
        until(tab, f"{whole}.every((each) => each.complete && each.naturalWidth === 160)")
        assert tab.evaluate(f"{whole}.length") == 3


def many(gallery: Path, rows: int, columns: int) -> str:
    """A page of many rows that repeat those of a gallery."""
    data = data_of(gallery)
    repeated = [row % 5 for row in range(rows)]
    data["ids"] = [f"scene_{row:05d}" for row in range(rows)]
    for field in ("present", "maps"):
        data[field] = [data[field][row] for row in repeated]
    data["columns"] = [{"title": f"method {column}", "seeds": [0], "stochastic": True} for column in range(columns)]
    values = [{"0": [(row * 7919 + column) % rows / rows for row in range(rows)]} for column in range(columns)]
    data["measures"] = [{"title": "mIoU", "short": "mIoU", "digits": 4, "values": values}]
    small = base64.b64encode(encoded(np.zeros((32, 64, 3), np.uint8)).small).decode()
    kinds = ["label", "photograph", *(f"{column}-0" for column in range(columns))]
    pictures = {kind: [small] * rows for kind in kinds}
    return page(data, pictures, Shown("cityscapes", "val", (32, 64), "l"), [], Shelf([], [], []))


def test_five_thousand_rows_are_filled_where_they_are_seen(browser: Any, gallery: Path, tmp_path: Path) -> None:
    path = tmp_path / "many.html"
    path.write_text(many(gallery, 5000, 10))
    with opened(browser, path.as_uri()) as tab:
        assert tab.locator(".row").count() == 5000
        there = "document.querySelectorAll('.row > .cell.label').length"
        until(tab, f"{there} > 3")
        assert tab.evaluate(there) < 100
        tab.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        last = "document.querySelector('[data-row=\"4999\"] img')?.complete"
        until(tab, last)
        assert tab.evaluate(there) < 100
        tab.select_option("#sort", "0")
        tab.select_option("#of", "1")
        order = tab.evaluate(SHOWN)
        assert order == sorted(range(5000), key=lambda row: (row * 7919 + 1) % 5000)
        tab.fill("#text", "scene_0499")
        assert tab.text_content("#count") == "10 of 5000 label maps"


def test_names_that_are_markup_are_text(browser: Any, gallery: Path, tmp_path: Path) -> None:
    hostile = "</script><img src=x onerror=document.title='wrong'>"
    data, inline = data_of(gallery), data_of(gallery, "pictures")
    data["ids"][0] = hostile
    data["columns"][0]["title"] = hostile
    data["classes"] = [[f"{hostile}{name}", color] for name, color in data["classes"]]
    path = tmp_path / "page.html"
    path.write_text(page(data, inline, Shown("cityscapes", "val", (32, 64), "l"), [hostile], Shelf([], [], [])))
    with opened(browser, path.as_uri()) as tab:
        tab.keyboard.press("j")
        tab.keyboard.press("a")
        assert tab.text_content("#viewer-title") == hostile
        assert tab.title() == "cityscapes val: gallery"
        assert tab.locator("img[src=x]").count() == 0
