"""The leaderboard: numbers apart where they don't compare, each with its account; broken bundles stay out by name."""

import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import pytest

from reports.leaderboard.board import bundles_below, contradictions, write_board
from reports.leaderboard.check import Bundle
from reports.leaderboard.sections import tables_of
from reports.leaderboard.tree import Manifest, Submitter
from reports.names import dataset_name
from sdm_bench.base.errors import UserError
from sdm_bench.results.rows import REAL, ResultRow, read_rows
from tests.reports.leaderboard.made import bundled, copied, edited, measured_run, somebody, with_rows
from tests.results.test_rows import row

EXAMPLES = Path(__file__).parents[3] / "examples/bundles"
ATTRIBUTE = re.compile(r'(?:href|src)="([^"#:]+(?:#[^"]*)?)"')


def of(rows: list[ResultRow], submitter: str = "") -> Bundle:
    """A bundle as it is read, of rows alone."""
    about = Manifest(version="1", submitter=Submitter(name=submitter), files={})
    return Bundle(Path("nowhere"), manifest=about, rows=rows)


def titles(bundles: dict[str, Bundle]) -> list[str]:
    return [table.title for table in tables_of(bundles)]


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"num_images": 50}, "Cityscapes (val), sdm-bench@1, track labels: 50 pictures of 64x32"),
        ({"image_size": "512x256"}, "Cityscapes (val), sdm-bench@1, track labels: 5 pictures of 512x256"),
        ({"track": "text"}, "Cityscapes (val), sdm-bench@1, track text: 5 pictures of 64x32"),
        ({"protocol": "sdm@1"}, "Cityscapes (val), sdm@1, track labels: 5 pictures of 64x32"),
        ({"split": "test"}, "Cityscapes (test), sdm-bench@1, track labels: 5 pictures of 64x32"),
        ({"dataset": "ade20k"}, "ADE20K (val), sdm-bench@1, track labels: 5 pictures of 64x32"),
    ],
)
def test_what_does_not_compare_stands_in_tables_of_its_own(changes: dict[str, Any], title: str) -> None:
    own = "Cityscapes (val), sdm-bench@1, track labels: 5 pictures of 64x32"
    bundles = {"one": of([row()]), "two": of([row(**changes)])}
    assert sorted(titles(bundles)) == sorted([own, title])
    assert all(len(table.frame) == 1 for table in tables_of(bundles))


def test_the_most_pictures_stand_before_a_part_of_them() -> None:
    bundles = {"one": of([row(num_images=count) for count in (48, 500, 6)])}
    assert [title.rpartition(": ")[2] for title in titles(bundles)] == [f"{n} pictures of 64x32" for n in (500, 48, 6)]


def test_other_label_maps_of_one_name_are_told_apart() -> None:
    bundles = {"one": of([row(labels_sha256="a" * 64)]), "two": of([row(labels_sha256="b" * 64)])}
    own = "Cityscapes (val), sdm-bench@1, track labels: 5 pictures of 64x32, label maps"
    assert titles(bundles) == [f"{own} aaaaaaaa", f"{own} bbbbbbbb"]
    assert len({table.name for table in tables_of(bundles)}) == 2


def test_lines_are_ordered_by_their_number_with_photographs_last() -> None:
    ceiling = row(method=REAL, track="", metric="miou", measure="miou", value=0.9, direction="higher", seeds="")
    bundles = {
        "one": of([row(value=30.0, sample_set="x"), ceiling]),
        "two": of([row(value=10.0, sample_set="y", method="spade")], "A lab"),
    }
    (table,) = tables_of(bundles)
    assert table.frame["method"].tolist() == ["SPADE", "SDM", "real photographs"]
    assert table.frame["bundle"].tolist() == ["two", "one", "one"]
    assert table.frame["submitted by"].tolist() == ["A lab", "", ""]
    assert table.marks[0, "FID"] == "best"
    assert "ordered by FID; photographs last" in table.notes


def test_photographs_without_pictures_of_their_number_stand_alone() -> None:
    ceiling = row(method=REAL, track="", metric="miou", measure="miou", value=0.9, num_images=6, seeds="")
    assert titles({"one": of([row(), ceiling])}) == [
        "Cityscapes (val), sdm-bench@1, photographs: 6 pictures of 64x32",
        "Cityscapes (val), sdm-bench@1, track labels: 5 pictures of 64x32",
    ]


def test_a_row_in_two_bundles_is_shown_for_both_and_leads_to_each() -> None:
    (table,) = tables_of({"lab/one": of([row()]), "two": of([row()])})
    assert table.frame["bundle"].tolist() == ["lab/one", "two"]
    assert [each["FID"] for each in table.ids] == [f"lab/one/{row().id}", f"two/{row().id}"]
    assert table.marks == {}, "a number is no better than itself"


def test_the_same_measurement_with_another_number_is_a_contradiction() -> None:
    bundles = {"one": of([row()]), "two": of([row(value=1 / 3 + 0.01)]), "three": of([row(sample_set="x")])}
    assert contradictions(bundles) == {}
    bundles["two"] = of([row(value=2.0)])
    assert {*contradictions(bundles)} == {"one", "two"}
    assert contradictions(bundles)["one"] == (
        f"{row().id} is {1 / 3}; two has 2.0 (fid of sdm, the same measurement of the same pictures)"
    )


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """Two bundles, of which one has names that would be markup."""
    first = copied(whole, tmp_path / "all/a lab/first")
    second = copied(first, tmp_path / "all/second")
    about = {
        "name": "<script>alert(1)</script>",
        "url": "https://example.org/?a=1&b=2",
        "note": "<img src=x onerror=y>",
    }
    edited(second / "bundle.json", lambda value: value.update(submitter=about))
    return tmp_path / "all"


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_link_leads_to_what_is_there(folder: Path, tmp_path: Path) -> None:
    first, refused = write_board(folder, tmp_path / "site")
    assert refused == []
    assert first == tmp_path / "site/index.html"
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 6
    for page in pages:
        for link in ATTRIBUTE.findall(page.read_text()):
            address, part = urldefrag(unquote(link))
            target = page.parent / address
            assert target.is_file(), (page, link)
            assert not part or f'id="{part}"' in target.read_text(), (page, link)
    index = (tmp_path / "site/index.html").read_text()
    for name in ("a%20lab/first", "second"):
        assert re.search(
            rf'href="bundles/{name}/numbers/\w{{16}}\.html#\w{{10}}" title="sdm-bench explain \w{{10}}"', index
        )
    account = next((tmp_path / "site/bundles/second/numbers").iterdir()).read_text()
    assert "device: cpu" in account
    assert "Not recorded" not in account


def test_what_is_said_of_bundles_is_no_markup(folder: Path, tmp_path: Path) -> None:
    write_board(folder, tmp_path / "site")
    for page in (tmp_path / "site").rglob("*.html"):
        assert "<script>alert" not in page.read_text()
        assert "<img src=x" not in page.read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in (tmp_path / "site/bundles/second/index.html").read_text()
    assert 'href="https://example.org/?a=1&amp;b=2"' in (tmp_path / "site/index.html").read_text()


def test_the_same_bundles_give_the_same_bytes_and_published_numbers_stand_apart(folder: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_board(folder, tmp_path / name)
    made = files(tmp_path / "one")
    assert made == files(tmp_path / "two")
    index = made["index.html"].decode()
    ours, _, theirs = index.partition('id="published"')
    assert "not measured by this program, and never ranked with the numbers above" in theirs
    assert "Numbers that others published" in theirs
    assert "Numbers that others published" not in ours
    write_board(folder, tmp_path / "one")
    assert files(tmp_path / "one") == made


def test_a_broken_bundle_is_refused_by_name_and_the_others_go_on(folder: Path, tmp_path: Path) -> None:
    (folder / "second/system.json").unlink()
    (folder / "second/more.txt").write_text("x")
    first, (line,) = write_board(folder, tmp_path / "site")
    assert first is not None
    assert re.fullmatch(
        r"second: more\.txt: no file of a bundle and 3 more; `sdm-bench leaderboard check` lists all", line
    )
    assert not (tmp_path / "site/bundles/second").exists()
    assert (tmp_path / "site/bundles/a lab/first/index.html").is_file()


def test_bundles_that_contradict_each_other_are_refused(folder: Path, tmp_path: Path) -> None:
    with_rows(folder / "second", lambda each: {"value": each.value + 1} if each.metric == "fid" else {})
    first, refused = write_board(folder, tmp_path / "site")
    assert first is None
    assert not (tmp_path / "site").exists()
    assert [line.split(":")[0] for line in refused] == ["second", "a lab/first"]


def test_where_no_site_can_be_made_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--out .*inside: in or around"):
        write_board(folder, folder / "inside")
    with pytest.raises(UserError, match=r"--out .*site: in or around"):
        write_board(tmp_path / "site/inside", tmp_path / "site")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty: no bundle.json below it; `sdm-bench submit` writes bundles"):
        write_board(tmp_path / "empty", tmp_path / "site")
    (tmp_path / "site").mkdir()
    (tmp_path / "site/thesis.tex").write_text("mine")
    with pytest.raises(UserError, match=r"--out .*site: no site of this program"):
        write_board(folder, tmp_path / "site")


def test_links_and_hidden_folders_are_passed_over(folder: Path) -> None:
    shutil.copytree(folder / "second", folder / ".git/second")
    (folder / "linked").symlink_to(folder / "second")
    assert [name for name, _ in bundles_below(folder)] == ["a lab/first", "second"]
    assert [name for name, _ in bundles_below(folder / "second")] == ["second"]


def test_the_bundle_of_the_toy_suite_makes_a_leaderboard(tmp_path: Path) -> None:
    first, refused = write_board(EXAMPLES, tmp_path / "site")
    assert refused == []
    assert first is not None
    shown = first.read_text()
    rows = read_rows(EXAMPLES / "toy/results.csv")
    for dataset in {each.dataset for each in rows}:
        assert f"{dataset_name(dataset)} (val), sdm-bench@1, track labels: 300 pictures of " in shown
    # of each line FID, LPIPS and mean IoU, with its ceiling, and the cross-check's distance
    counted = ("fid", "lpips", "miou", "efficientnet_fid")
    numbers = [each for each in rows if each.metric in counted and not each.class_name]
    assert shown.count('href="bundles/toy/numbers/') == len(numbers) > 0


def test_other_seeds_of_a_run_are_other_numbers(
    whole: Path, home: Path, toy_cityscapes: Path, untrained_cache: Path, tmp_path: Path
) -> None:
    run = measured_run(home / "runs/one-seed", toy_cityscapes, untrained_cache, [0])
    with somebody(home, run.parent):
        bundled([run], tmp_path / "all/one")
    copied(whole, tmp_path / "all/two")
    assert write_board(tmp_path / "all", tmp_path / "site")[1] == []
    index = (tmp_path / "site/index.html").read_text()
    assert "lines differ in the number of seeds" in index
