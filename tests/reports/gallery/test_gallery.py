"""The gallery's files: one page, and pictures beside it where it doesn't hold them."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from reports.gallery import pictures
from reports.gallery.gallery import Shelf, refuse_page, write_galleries
from reports.pictured import of_runs
from sdm_bench.base.errors import UserError
from sdm_bench.datasets.pictures import read_image
from tests.evaluation.measured import noisy, real_at
from tests.reports.gallery.made import make_run, shelf_of


def data_of(page: Path, name: str = "data") -> Any:
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found
    return json.loads(found[1])


def test_a_small_gallery_is_one_file(gallery: Path) -> None:
    assert [path.name for path in gallery.parent.iterdir()] == ["gallery.html"]
    data, inline = data_of(gallery), data_of(gallery, "pictures")
    assert data["size"] == [64, 32]
    assert [column["title"] for column in data["columns"]] == ["SDM ddim 3", "SDM ddim 3 s=1.5", "SPADE"]
    assert [column["seeds"] for column in data["columns"]] == [[0, 1], [0, 1], [0]]
    assert sorted(inline) == ["0-0", "0-1", "1-0", "1-1", "2-0", "label", "photograph"]
    assert all(len(each) == 5 and all(each) for each in inline.values())
    assert [measure["short"] for measure in data["measures"]] == ["mIoU", "LPIPS", "distance"]
    miou, _, distances = data["measures"]
    assert miou["values"][1]["0"] == [0.9, 0.8, 0.7, None, 0.5]
    assert miou["values"][2] == {}
    assert all(0 < each <= 5 for each in distances["values"][0]["0"])


def test_numbers_lead_to_their_accounts(gallery: Path, runs: list[Path]) -> None:
    text = gallery.read_text()
    rows = shelf_of(runs).rows
    for row in rows:
        assert f'<a href="#number-{row.id}" title="sdm-bench explain {row.id}">' in text
        assert text.count(f'id="number-{row.id}"') == 1


def test_nothing_in_the_page_leads_elsewhere(gallery: Path) -> None:
    text = gallery.read_text()
    assert "://" not in re.sub(r'<script type="application/json".*?</script>', "", text, flags=re.DOTALL)
    assert text.count("<script") == 3


def test_larger_pictures_stand_beside_the_page_under_a_name_of_their_content(
    toy_cityscapes: Path, tmp_path: Path
) -> None:
    real = real_at(toy_cityscapes, (80, 160))
    run = make_run(tmp_path / "run", real, [0], noisy, data=str(toy_cityscapes), image_size=(80, 160))
    page = tmp_path / "out" / "my page.html"
    write_galleries(page, of_runs([run]), Shelf([], [], [run]))
    (folder,) = (path for path in page.parent.iterdir() if path.is_dir())
    assert re.fullmatch(r"my page-[0-9a-f]{8}", folder.name)
    assert data_of(page)["folder"] == folder.name
    assert len(list(folder.rglob("*-whole.webp"))) == 5 * 3 == len(list(folder.rglob("*"))) - 3
    assert read_image(folder / "0-0" / "00004-whole.webp").shape == (80, 160, 3)
    first = page.read_text()
    write_galleries(page, of_runs([run]), Shelf([], [], [run]))
    assert page.read_text() == first
    other = make_run(tmp_path / "other", real, [1], noisy, data=str(toy_cityscapes), image_size=(80, 160))
    write_galleries(page, of_runs([other]), Shelf([], [], [other]))
    assert sorted(path.name for path in page.parent.iterdir()) == sorted([page.name, data_of(page)["folder"]])
    assert data_of(page)["folder"] != folder.name


def test_small_pictures_leave_the_page_when_it_is_full(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.gallery.data.Pictures", lambda folder, rows: pictures.Pictures(folder, rows, 1000))
    page = tmp_path / "gallery.html"
    write_galleries(page, of_runs(runs), shelf_of(runs))
    assert data_of(page, "pictures") is None
    assert len(list((tmp_path / data_of(page)["folder"]).rglob("*.webp"))) == 5 * 7


def test_a_sample_that_is_missing_is_no_picture(runs: list[Path], tmp_path: Path) -> None:
    run = Path(shutil.copytree(runs[0], tmp_path / "run"))
    sorted((run / "samples/seed-001").iterdir())[2].unlink()
    page = tmp_path / "gallery.html"
    write_galleries(page, of_runs([run]), shelf_of([run]))
    assert data_of(page)["missing"] == {"0-1": [2]}


def test_samples_of_other_sizes_have_pages_of_their_own(runs: list[Path], toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes, (16, 32))
    small = make_run(tmp_path / "small", real, [0], noisy, data=str(toy_cityscapes), image_size=(16, 32))
    pages = write_galleries(tmp_path / "g.html", of_runs([runs[0], small]), Shelf([], [], [small]))
    assert [page.name for page in pages] == ["g-cityscapes-val-64x32.html", "g-cityscapes-val-32x16.html"]


def test_label_maps_that_are_gone_are_said(
    toy_cityscapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], runs: list[Path]
) -> None:
    real = real_at(toy_cityscapes, (16, 32))
    gone = make_run(tmp_path / "gone", real, [0], noisy, data=str(tmp_path / "nowhere"), image_size=(16, 32))
    with pytest.raises(UserError, match=r"--gallery: .*gone: their data no longer have the label maps"):
        write_galleries(tmp_path / "gallery.html", of_runs([gone]), Shelf([], [], []))
    pages = write_galleries(tmp_path / "gallery.html", of_runs([gone, runs[0]]), Shelf([], [], []))
    assert [page.name for page in pages] == ["gallery-cityscapes-val-64x32.html"]
    assert "gone left out: their data no longer" in capsys.readouterr().err


def test_what_is_not_an_earlier_gallery_is_not_replaced(gallery: Path, tmp_path: Path) -> None:
    refuse_page(gallery)
    refuse_page(tmp_path / "new.html")
    (tmp_path / "mine.html").write_text("<p>mine")
    (tmp_path / "folder.html").mkdir()
    for name, message in {
        "mine.html": "not a page of this program; expected an earlier gallery or nothing",
        "folder.html": "a folder; expected a file or nothing",
        "gallery.txt": r"expected a name that ends in \.html",
    }.items():
        with pytest.raises(UserError, match=rf"--gallery .*{name}: {message}"):
            refuse_page(tmp_path / name)
    with pytest.raises(UserError, match="--gallery: no samples in any of the runs"):
        write_galleries(tmp_path / "new.html", of_runs([]), Shelf([], [], []))
