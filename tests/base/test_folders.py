"""What lies below a folder: through links, never round and round, without what systems leave behind."""

import unicodedata
from pathlib import Path

from sdm_bench.base.folders import composed, files_below, without_repeats


def put(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_files_are_found_at_any_depth_and_through_links(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    put(root / "b.png", root / "deep/er/a.png", elsewhere / "c.png")
    (root / "link").symlink_to(elsewhere)
    (root / "d.png").symlink_to(elsewhere / "c.png")
    assert files_below(root).files == [root / name for name in ("b.png", "d.png", "deep/er/a.png", "link/c.png")]
    assert files_below(tmp_path / "nowhere").files == []


def test_links_that_lead_back_end(tmp_path: Path) -> None:
    put(tmp_path / "a/x.png", tmp_path / "b/y.png")
    (tmp_path / "a/up").symlink_to(tmp_path)
    (tmp_path / "a/other").symlink_to(tmp_path / "b")
    (tmp_path / "b/other").symlink_to(tmp_path / "a")
    found = files_below(tmp_path).files
    assert {path.name for path in found} == {"x.png", "y.png"}
    assert [path.name for path in without_repeats(found)] == ["y.png", "x.png"]


def test_what_systems_leave_is_passed_over(tmp_path: Path) -> None:
    left = ("._a.png", ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX/._a.png", ".cache/b.png")
    put(tmp_path / "a.png", *(tmp_path / name for name in left))
    found = files_below(tmp_path)
    assert found.files == [tmp_path / "a.png"]
    expected = {"._a.png", ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX", ".cache"}
    assert {path.name for path in found.hidden} == expected


def test_a_name_is_the_same_composed_or_not() -> None:
    apart = unicodedata.normalize("NFD", "café")
    assert apart != "café"
    assert composed(apart) == "café"
