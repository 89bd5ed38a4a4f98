"""Folders of pictures as what is measured: which files count, in which order, and what names them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.base.errors import UserError
from sdm_bench.metrics.images import count_sizes, files_source, folder_source, pictures_in
from tests.metrics.conftest import pixels


def test_a_folder_is_its_pictures_sorted_by_id(folder: Path) -> None:
    source = folder_source(folder)
    assert source.ids == tuple(f"picture{k}" for k in range(7))
    assert len(source) == 7
    np.testing.assert_array_equal(source.read(3), pixels(3, 27, 320))


def test_other_files_are_passed_over_with_a_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "run.json").write_text("{}")
    (folder / ".picture9.png").write_bytes(b"")
    (folder / "deeper").mkdir()
    Image.fromarray(pixels(0)).save(folder / "deeper" / "more.png")
    assert len(folder_source(folder)) == 7
    told = capsys.readouterr().err
    assert "7 pictures; passed over .picture9.png, deeper, run.json" in told


def test_two_pictures_with_one_id_are_refused(folder: Path) -> None:
    Image.fromarray(pixels(0)).save(folder / "picture1.png")
    with pytest.raises(UserError, match=rf"{folder}/picture1.png: the same id as {folder}/picture1.jpg"):
        folder_source(folder)


def test_no_pictures_or_no_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    with pytest.raises(UserError, match=r"no pictures; expected .jpg"):
        folder_source(tmp_path)
    with pytest.raises(UserError, match="nowhere: no such folder"):
        folder_source(tmp_path / "nowhere")


def test_the_manifest_is_of_names_and_contents(folder: Path, tmp_path: Path) -> None:
    before = folder_source(folder).manifest
    moved = folder.rename(tmp_path / "elsewhere")
    assert folder_source(moved).manifest == before
    (moved / "picture3.png").rename(moved / "picture3a.png")
    renamed = folder_source(moved).manifest
    Image.fromarray(pixels(8)).save(moved / "picture3a.png")
    assert len({before, renamed, folder_source(moved).manifest}) == 3


def test_the_files_are_named_in_the_order_of_the_ids(folder: Path) -> None:
    source = folder_source(folder)
    assert source.paths == tuple(folder / f"picture{k}{('.png', '.jpg', '.WEBP')[k % 3]}" for k in range(7))


def test_files_in_several_folders_are_a_source_like_a_folder(folder: Path, tmp_path: Path) -> None:
    """The manifest is of ids and bytes, wherever the files lie and whatever they are called there."""
    whole = folder_source(folder)
    files = dict(zip(whole.ids, whole.paths, strict=True))
    files["picture3"] = files["picture3"].rename(tmp_path / "other.png")
    found = files_source("scattered", dict(reversed(files.items())))
    assert (found.name, found.ids, found.manifest) == ("scattered", whole.ids, whole.manifest)
    np.testing.assert_array_equal(found.read(3), pixels(3, 27, 320))
    swapped = files_source("swapped", files | {"picture3": files["picture4"], "picture4": files["picture3"]})
    assert swapped.manifest != whole.manifest


def test_pictures_with_one_id_are_all_listed(folder: Path) -> None:
    Image.fromarray(pixels(0)).save(folder / "picture1.png")
    found = pictures_in(folder)
    assert list(found) == [f"picture{k}" for k in range(7)]
    assert found["picture1"] == [folder / "picture1.jpg", folder / "picture1.png"]
    assert all(len(paths) == 1 for name, paths in found.items() if name != "picture1")


def test_sizes_are_counted_as_height_and_width(folder: Path) -> None:
    Image.fromarray(pixels(0, 24, 320)).save(folder / "more.png")
    assert count_sizes(folder_source(folder).paths) == {(24, 320): 2} | {(24 + k, 320): 1 for k in range(1, 7)}
    (folder / "broken.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"broken\.png: not a readable picture"):
        count_sizes([folder / "broken.png"])


def test_a_picture_that_changes_under_the_measurement_is_refused(folder: Path) -> None:
    source = folder_source(folder)
    changed = source.paths[0]
    Image.fromarray(pixels(5)).save(changed)
    with pytest.raises(UserError, match=rf"{changed.name}: changed while it was measured"):
        source.read(0)
    source.read(1)
