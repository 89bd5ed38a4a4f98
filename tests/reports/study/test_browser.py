"""A study in a real browser: taken by keyboard, from the disk and from the server, with nothing asked of elsewhere."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any
from urllib.parse import urlsplit

import pytest

from reports.study.answers import Sheet, read_sheets
from reports.study.key import Item, Key
from reports.study.links import links_of
from tests.reports.gallery.browser import opened, started, until
from tests.reports.gallery.test_browser import CONTRASTS
from tests.reports.study.answered import prefers
from tests.reports.study.made import built, key_of
from tests.reports.study.test_serve import started as served

CHOICE = prefers("oasis", "sdm", "spade")
# Of show.js, in seconds.
BLIND = 0.2


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with started() as found:
        yield found


def consent(tab: Any) -> None:
    for key in ("Space", "Tab", "Enter"):
        tab.keyboard.press(key)


def choose(tab: Any, key: Key) -> tuple[str, str]:
    """Answers the pair in sight by keyboard as CHOICE would; returns its item and the chosen picture."""
    until(tab, "shown.open")
    time.sleep(BLIND)
    name = tab.evaluate("current().item")
    item: Item = key.items[name]
    left, right = (source(tab, side) for side in ("left", "right"))
    assert {left, right} == {*item.pictures}
    chosen = CHOICE(item, left, right)
    before = tab.evaluate("participant.answers.length")
    tab.keyboard.press("ArrowLeft" if chosen == left else "ArrowRight")
    assert tab.evaluate("participant.answers.length") == before + 1
    return name, chosen


def source(tab: Any, side: str) -> str:
    """The id of the picture that is shown on a side."""
    shown = f"document.getElementById('{side}-picture').src.split(',')[1]"
    found: str = tab.evaluate(f"Object.keys(pictures).find((each) => pictures[each] === {shown})")
    return found


def assert_right(sheet: Sheet, given: list[tuple[str, str]], key: Key) -> None:
    """The stored answers are those that were given, complete, repeated pairs with sides swapped."""
    assert [(answer.item, answer.chosen) for answer in sheet.answers] == given
    assert sheet.complete(key)
    assert {answer.item for answer in sheet.answers} == {*key.items}
    sides = {(answer.item, answer.showing): answer.left for answer in sheet.answers}
    again = [item for item, showing in sides if showing == 2]
    assert len(again) == key.repeats == 2
    assert all(sides[item, 1] != sides[item, 2] for item in again)
    assert all(0 < answer.milliseconds < 20_000 for answer in sheet.answers)


def test_a_whole_study_by_keyboard_from_the_disk(browser: Any, study: Path, tmp_path: Path) -> None:
    key = key_of(study)
    with opened(browser, (study / "study.html").as_uri()) as tab:
        consent(tab)
        given = [choose(tab, key) for _ in range(3)]
        until(tab, "shown.open")
        assert tab.text_content("#place") == "4 of 9"
        tab.keyboard.press("p")
        assert tab.is_visible("#pause")
        assert not tab.is_visible("#left-picture")
        assert "6 pairs are left" in tab.text_content("#pause")
        tab.keyboard.press("ArrowLeft")
        tab.keyboard.press("Enter")
        given += [choose(tab, key) for _ in range(2)]
        tab.reload()
        assert tab.is_visible("#pause")
        tab.keyboard.press("Enter")
        given += [choose(tab, key) for _ in range(4)]
        assert tab.is_visible("#end")
        with tab.expect_download() as download:
            tab.keyboard.press("Enter")
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        assert tab.text_content("#file-name") == file.name
        first = tab.evaluate("participant.participant")
        tab.click("#next-participant")
        assert tab.is_visible("#consent")
        assert tab.is_disabled("#start")
        assert tab.evaluate("participant.participant") != first
    (sheet,) = read_sheets([file], key)
    assert file.name == f"answers-{sheet.participant}.csv"
    assert_right(sheet, given, key)


def test_a_whole_study_by_keyboard_from_the_server(browser: Any, study: Path, tmp_path: Path) -> None:
    folder, key = copytree(study, tmp_path / "study"), key_of(study)
    with served(folder, 1) as server:
        (address,) = server.addresses()
        with opened(browser, address) as tab:
            consent(tab)
            given = [choose(tab, key) for _ in range(4)]
            until(tab, "waiting.length === 0")
        # elsewhere, as after the browser lost all
        with opened(browser, address) as tab:
            assert tab.is_visible("#pause")
            tab.keyboard.press("Enter")
            given += [choose(tab, key) for _ in range(5)]
            until(tab, "!document.getElementById('stored').hidden")
            assert not tab.is_visible("#download")
            assert tab.evaluate("Object.keys(localStorage).length") == 0
    (sheet,) = read_sheets(list((folder / "answers").glob("*.csv")), key)
    assert sheet.participant == links_of(folder, key, None)[0].participant
    assert_right(sheet, given, key)


def test_answers_wait_while_the_server_is_away(browser: Any, study: Path, tmp_path: Path) -> None:
    folder, key = copytree(study, tmp_path / "study"), key_of(study)
    context = browser.new_context()
    page = context.new_page()
    with served(folder, 1) as server:
        (address,) = server.addresses()
        page.goto(address)
        consent(page)
        given = [choose(page, key) for _ in range(2)]
        until(page, "waiting.length === 0")
    given += [choose(page, key) for _ in range(7)]
    until(page, "waiting.length === 7 && document.getElementById('trouble').textContent.includes('no connection')")
    assert not page.is_visible("#stored")
    with served(folder, 1, urlsplit(address).port or 0):
        until(page, "!document.getElementById('stored').hidden")
        assert not page.is_visible("#trouble")
    context.close()
    (sheet,) = read_sheets(list((folder / "answers").glob("*.csv")), key)
    assert_right(sheet, given, key)


def test_a_link_in_two_windows_answers_once(browser: Any, study: Path, tmp_path: Path) -> None:
    folder, key = copytree(study, tmp_path / "study"), key_of(study)
    context = browser.new_context()
    first, second = context.new_page(), context.new_page()
    with served(folder, 1) as server:
        for page in (first, second):
            page.goto(server.addresses()[0])
            consent(page)
        given = [choose(first, key)]
        until(first, "waiting.length === 0")
        choose(second, key)
        until(second, "document.getElementById('trouble').textContent.includes('in another window')")
        assert not second.is_visible("#pair")
        second.reload()
        second.keyboard.press("Enter")
        given += [choose(second, key) for _ in range(8)]
        until(second, "!document.getElementById('stored').hidden")
    context.close()
    (sheet,) = read_sheets(list((folder / "answers").glob("*.csv")), key)
    assert_right(sheet, given, key)


def test_a_picture_that_cannot_be_shown_is_not_asked_of(browser: Any, study: Path) -> None:
    with opened(browser, (study / "study.html").as_uri()) as tab:
        tab.evaluate("for (const name of Object.keys(pictures)) pictures[name] = 'UklGRg=='")
        consent(tab)
        until(tab, "document.getElementById('trouble').textContent.includes('show a picture')")
        tab.keyboard.press("ArrowLeft")
        assert tab.evaluate("participant.answers.length") == 0


ORDERS = """
const items = Array.from({ length: 30 }, (_, place) => `i${place}`);
const orders = Array.from({ length: 100 }, (_, seed) => orderOf(items, 6, seed * 2654435761));
return { orders, again: orderOf(items, 6, 2654435761) };
"""


def test_orders_are_mixed_balanced_and_the_seeds_alone(browser: Any, study: Path) -> None:
    with opened(browser, (study / "study.html").as_uri()) as tab:
        found = tab.evaluate(f"(() => {{ {ORDERS} }})()")
    orders = found["orders"]
    assert found["again"] == orders[1]
    assert len({json.dumps(order) for order in orders}) == 100
    for order in orders:
        first = {each["item"]: place for place, each in enumerate(order) if each["showing"] == 1}
        second = {each["item"]: place for place, each in enumerate(order) if each["showing"] == 2}
        assert (len(first), len(second), len(order)) == (30, 6, 36)
        for item, place in second.items():
            assert first[item] < 10
            assert place >= 20
            assert order[place]["swapped"] != order[first[item]]["swapped"]
    # 3,000 and 100 fair coins, within 5 standard deviations
    swapped = sum(each["swapped"] for order in orders for each in order if each["showing"] == 1)
    assert abs(swapped - 1500) < 5 * 28
    for item in ("i0", "i13", "i29"):
        places = [next(place for place, each in enumerate(order) if each["item"] == item) for order in orders]
        assert abs(sum(place < 15 for place in places) - 50) < 5 * 5


def test_a_held_or_early_key_answers_nothing(browser: Any, study: Path) -> None:
    with opened(browser, (study / "study.html").as_uri()) as tab:
        consent(tab)
        until(tab, "shown.open")
        tab.evaluate("shown.began = performance.now() + 1e6")
        tab.keyboard.press("ArrowLeft")
        assert tab.evaluate("participant.answers.length") == 0
        tab.evaluate("shown.began = performance.now() - 1000")
        tab.keyboard.down("ArrowLeft")
        assert tab.evaluate("participant.answers.length") == 1
        until(tab, "shown.open")
        tab.evaluate("shown.began = performance.now() - 1000")
        tab.keyboard.down("ArrowLeft")
        assert tab.evaluate("participant.answers.length") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_can_be_read(scheme: str, browser: Any, study: Path) -> None:
    with opened(browser, (study / "study.html").as_uri(), color_scheme=scheme) as tab:
        assert [each for each in tab.evaluate(CONTRASTS) if each[0] < 4.5] == []
        consent(tab)
        until(tab, "shown.open")
        found = tab.evaluate(CONTRASTS)
        assert len(found) > 5
        assert [each for each in found if each[0] < 4.5] == []


@pytest.mark.parametrize("size", [(1200, 800), (1280, 640), (390, 800), (844, 390), (2560, 1440)])
@pytest.mark.parametrize("label_map", [True, False])
def test_both_pictures_and_buttons_are_in_sight(
    label_map: bool, size: tuple[int, int], browser: Any, study: Path, runs: list[Path], tmp_path: Path
) -> None:
    folder = study if label_map else built(runs, tmp_path / "study")
    viewport = {"width": size[0], "height": size[1]}
    with opened(browser, (folder / "study.html").as_uri(), viewport=viewport) as tab:
        consent(tab)
        until(tab, "shown.open")
        for shape in (2, 1, 0.7):
            tab.evaluate(f"document.documentElement.style.setProperty('--shape', {shape})")
            names = ("left-picture", "right-picture", "left", "right")
            boxes = [tab.locator(f"#{name}").bounding_box() for name in names]
            assert boxes[0]["width"] == boxes[1]["width"] == pytest.approx(shape * boxes[0]["height"], abs=1)
            assert boxes[0]["height"] >= 120
            for box in boxes:
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= size[0]
                assert box["y"] + box["height"] <= size[1]
            # as far from the left as from the right
            assert boxes[0]["x"] == pytest.approx(size[0] - boxes[1]["x"] - boxes[1]["width"], abs=1)
