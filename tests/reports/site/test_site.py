"""The site: whole, with links to itself alone, and never in the place of something else."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from reports.figures.figures import FigureFiles
from reports.site import site
from reports.site.site import Content, write_site
from reports.tables import make_table
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_json
from sdm_bench.results.rows import add_rows, read_rows
from tests.results.test_rows import row

ATTRIBUTE = re.compile(r'(?:href|src)="([^"]+)"')


@pytest.fixture
def content(tmp_path: Path) -> Content:
    """Two numbers of one evaluation, which is recorded, and one of an evaluation that is not."""
    run = tmp_path / "somebody" / "run"
    recorded = [row(evaluation="ab"), row(metric="kid", value=0.5, evaluation="ab")]
    add_rows(run / "results.csv", [*recorded, row(measure="lpips", metric="lpips", protocol="mine@1")])
    write_json(run / "provenance" / "ab.json", {"command": f"sdm-bench evaluate {run}", "device": "cpu"})
    rows = read_rows(run / "results.csv")
    figures = [FigureFiles({"compare.png": b"picture", "compare.csv": b"data"}, "what is seen")]
    return Content(rows, [make_table("comparison", rows)], [run], [], figures)


def test_every_link_leads_to_what_is_there(content: Content, tmp_path: Path) -> None:
    first = write_site(tmp_path / "site", content)
    assert first == (tmp_path / "site" / "index.html").resolve()
    pages = sorted(first.parent.rglob("*.html"))
    assert {page.name for page in pages} == {
        "index.html", "numbers.html", "ab.html", "not-recorded.html", "sdm-bench@1.html"
    }  # fmt: skip
    for page in pages:
        links = ATTRIBUTE.findall(page.read_text())
        assert links
        for link in links:
            address, part = urldefrag(unquote(link))
            target = page.parent / address
            assert target.is_file(), (page, link)
            assert not part or f'id="{part}"' in target.read_text(), (page, link)


def test_each_number_has_an_account(content: Content, tmp_path: Path) -> None:
    folder = write_site(tmp_path / "site", content).parent
    for each in content.rows:
        page = folder / "numbers" / f"{each.evaluation or 'not-recorded'}.html"
        assert f'<tr id="{each.id}"' in page.read_text()
    assert "device: cpu" in (folder / "numbers/ab.html").read_text()
    assert "Not recorded" in (folder / "numbers/not-recorded.html").read_text()
    assert "mine@1: not one that this version ships" in (folder / "index.html").read_text()


def test_paths_are_shown_when_asked_for_alone(content: Content, tmp_path: Path) -> None:
    folder = write_site(tmp_path / "site", content).parent
    texts = [path.read_text() for path in folder.rglob("*") if path.suffix in (".html", ".csv", ".json", ".md")]
    assert not any("somebody" in text for text in texts)
    open_ = Content(content.rows, content.tables, content.places, [], [], anonymous=False)
    folder = write_site(tmp_path / "open", open_).parent
    assert "somebody" in (folder / "numbers/ab.html").read_text()


def test_an_earlier_site_is_replaced_whole(content: Content, tmp_path: Path) -> None:
    folder = write_site(tmp_path / "site", content).parent
    fewer = [each for each in content.rows if each.evaluation]
    write_site(folder, Content(fewer, [], content.places, [], []))
    assert not (folder / "numbers/not-recorded.html").exists()
    assert not (folder / "figures").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site", "somebody"]
    assert folder.stat().st_mode & 0o777 == 0o755


def not_a_site(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.tex").write_text("mine")


def a_file_among_ours(folder: Path) -> None:
    (folder / "numbers").mkdir(parents=True)
    (folder / "thesis.tex").write_text("mine")
    write_json(folder / "site.json", {"files": ["index.html"]})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (not_a_site, "no site of this program; expected an earlier one, an empty folder or none"),
        (a_file_among_ours, r"thesis\.tex is not of the site, and would be lost; move it away"),
        (lambda folder: folder.write_text("mine"), "a file; expected a folder or nothing"),
    ],
)
def test_what_is_no_earlier_site_stays(
    make: Callable[[Path], None], message: str, content: Content, tmp_path: Path
) -> None:
    folder = tmp_path / "site"
    make(folder)
    with pytest.raises(UserError, match=rf"--site .*site: {message}"):
        write_site(folder, content)
    assert (folder / "thesis.tex").read_text() == "mine" if folder.is_dir() else folder.read_text() == "mine"


def test_what_fails_half_way_leaves_the_earlier_site(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_site(tmp_path / "site", content).parent
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(site, "write_bytes", fails)
    with pytest.raises(OSError, match="No space left"):
        write_site(folder, content)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site", "somebody"]
