"""The leaderboard in a real browser: wide and narrow, light and dark, without a word on the console."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reports.leaderboard.board import write_board
from tests.reports.gallery.browser import opened, started
from tests.reports.leaderboard.made import copied, edited

MARKUP = "<script>document.title = 'taken over'</script><img src=x>"
SIZES = {"wide": (1400, 900), "phone": (390, 844)}
# Of the text's colour and the colour behind it, as the page has them.
CONTRAST = """() => {
    const light = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map((each) => Number(each) / 255)
            .map((each) => each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const style = getComputedStyle(document.body);
    const [one, two] = [light(style.color), light(style.backgroundColor)].sort((a, b) => b - a);
    return (one + 0.05) / (two + 0.05);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with started() as found:
        yield found


@pytest.fixture(scope="module")
def site(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("board")
    for name in ("lab/first", "second"):
        bundle = copied(whole, folder / "all" / name)
        edited(bundle / "bundle.json", lambda about: about["submitter"].update(note=MARKUP, name=MARKUP))
    assert write_board(folder / "all", folder / "site")[1] == []
    return folder / "site"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_whole(size: str, scheme: str, browser: Any, site: Path) -> None:
    width, height = SIZES[size]
    for page in ("index.html", "bundles/lab/first/index.html", "bundles/second/numbers.html"):
        how = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
        with opened(browser, (site / page).as_uri(), **how) as tab:
            assert tab.title() != "taken over"
            assert tab.locator("img").count() == 0
            assert tab.evaluate("document.documentElement.scrollWidth") == width
            assert tab.evaluate(CONTRAST) > 7
            dark = tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 28)"
            assert dark == (scheme == "dark")


def test_a_number_leads_to_its_account_and_back(browser: Any, site: Path) -> None:
    with opened(browser, (site / "index.html").as_uri()) as tab:
        assert tab.locator("section.table tbody tr").count() >= 4
        link = tab.locator('section.table td a[href^="bundles/second/"]').first
        number = link.get_attribute("href").partition("#")[2]
    account = next(path for path in (site / "bundles/second/numbers").iterdir() if f'id="{number}"' in path.read_text())
    with opened(browser, f"{account.as_uri()}#{number}") as tab:
        assert tab.locator(":target").get_attribute("id") == number
        assert tab.locator("pre").inner_text().startswith("command: ")
        assert tab.locator("a", has_text="Results").get_attribute("href") == "../index.html"
    with opened(browser, (site / "bundles/second/index.html").as_uri()) as tab:
        assert tab.locator("a", has_text="Leaderboard").get_attribute("href") == "../../index.html"
