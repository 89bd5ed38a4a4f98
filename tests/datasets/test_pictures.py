"""Pictures are found by name, measured by their headers, and read ahead, in order."""

import os
import threading
from pathlib import Path

import pytest
from PIL import Image

from sdm_bench.base.errors import UserError
from sdm_bench.datasets import decoding
from sdm_bench.datasets.decoding import UnreadableFile
from sdm_bench.datasets.pictures import FilePattern, ahead, by_stem, picture_size, read_image
from tests.datasets.trees import put_map, put_photo


def test_items_are_computed_ahead_and_come_in_order() -> None:
    started = threading.Event()

    def square(index: int) -> int:
        if index == 3:
            started.set()
        return index * index

    items = ahead(square, 6, lookahead=3)
    assert next(items) == 0
    assert started.wait(10)
    assert list(items) == [1, 4, 9, 16, 25]
    assert list(ahead(square, 0)) == []


def test_an_error_comes_where_its_item_would() -> None:
    items = ahead(lambda index: 1 // (1 - index), 3)
    assert next(items) == 1
    with pytest.raises(ZeroDivisionError):
        next(items)


def test_a_pattern_finds_files_by_suffix_and_ending(tmp_path: Path) -> None:
    for name in ("b_label.png", "deep/a_label.PNG", "c_label.jpg", "d.png", ".e_label.png", "f_label.png.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    pattern = FilePattern(tmp_path, (".png",), "_label")
    assert pattern.files() == {"b": [tmp_path / "b_label.png"], "a": [tmp_path / "deep/a_label.PNG"]}
    assert by_stem(pattern) == {"b": tmp_path / "b_label.png", "a": tmp_path / "deep/a_label.PNG"}
    assert FilePattern(tmp_path / "nowhere", (".png",)).files() == {}


def test_a_name_that_occurs_twice_is_refused_where_one_file_is_wanted(tmp_path: Path) -> None:
    first, second = (put_map(tmp_path / folder / "a.png", [[0]]) for folder in ("x", "y"))
    pattern = FilePattern(tmp_path, (".png",))
    assert pattern.files() == {"a": [first, second]}
    with pytest.raises(UserError, match=f"{second}: the same name as {first}"):
        by_stem(pattern)


def test_the_size_of_a_picture_is_height_and_width(tmp_path: Path) -> None:
    assert picture_size(put_photo(tmp_path / "a.jpg", 4, 6)) == (4, 6)
    assert picture_size(put_map(tmp_path / "a.png", [[0, 1, 2]])) == (1, 3)
    (tmp_path / "b.png").write_bytes(b"no picture")
    for name in ("b.png", "nowhere.png"):
        with pytest.raises(UnreadableFile, match=f"{tmp_path / name}: not a readable picture"):
            picture_size(tmp_path / name)


def test_a_picture_of_far_too_many_pixels_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put_photo(tmp_path / "a.png", 9, 12)
    monkeypatch.setattr(decoding, "MOST_PIXELS", 100)
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("decoded"))
    for read in (read_image, picture_size):
        with pytest.raises(UnreadableFile, match=r"a\.png: a picture of 12x9 pixels; expected at most 100 in all"):
            read(path)


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.png: a pipe or a device"):
        read_image(tmp_path / "a.png")
