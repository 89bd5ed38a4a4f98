"""Reading examples: values stay as stored, and an error names the file, what was found and what was expected."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.cityscapes import Cityscapes
from sdm_bench.datasets.decoding import UnreadableFile
from sdm_bench.datasets.folder import Folder
from sdm_bench.datasets.maps import NotAMap, UnknownIds, read_map
from sdm_bench.datasets.pictures import in_parallel, read_image
from tests.datasets import trees


def test_a_palette_map_keeps_its_ids(tmp_path: Path) -> None:
    path = trees.put_palette(tmp_path / "map.png", [[3, 0], [18, 7]])
    with Image.open(path) as picture:
        assert picture.mode == "P"
    np.testing.assert_array_equal(read_map(path), [[3, 0], [18, 7]])


def test_sixteen_bits_are_kept(tmp_path: Path) -> None:
    path = trees.put_map(tmp_path / "map.png", [[26001, 65535]], np.uint16)
    np.testing.assert_array_equal(read_map(path), [[26001, 65535]])


def test_a_map_of_one_bit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "map.png"
    Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1").save(path)
    np.testing.assert_array_equal(read_map(path).astype(int), [[0, 1]])


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_map_in_colour_is_refused(tmp_path: Path, mode: str) -> None:
    path = trees.put_photo(tmp_path / "map.png", 2, 3, mode)
    with pytest.raises(NotAMap, match=r"map.png: a map of ids has one channel; found colours$"):
        read_map(path)


def test_a_grey_picture_is_read_as_rgb(tmp_path: Path) -> None:
    pixels = read_image(trees.put_photo(tmp_path / "grey.png", 2, 3, "L"))
    assert pixels.shape == (2, 3, 3)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels[..., 0], pixels[..., 2])


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_truncated_file_is_named(tmp_path: Path, suffix: str) -> None:
    path = trees.truncate(trees.put_photo(tmp_path / f"cut{suffix}", 60, 80))
    with pytest.raises(UnreadableFile, match=rf"cut\{suffix}: not a readable picture \(.*truncated"):
        read_image(path)


@pytest.mark.parametrize(("content", "message"), [(b"", "an empty file"), (b"<html>", r"not a picture \(6 bytes\)")])
def test_a_file_that_is_no_picture_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "page.png"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=f"page.png: {message}"):
        read_map(path)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"gone.png: no such file"):
        read_image(tmp_path / "gone.png")


def test_a_header_that_claims_too_many_pixels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = trees.put_photo(tmp_path / "bomb.png", 30, 30)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)
    with pytest.raises(UnreadableFile, match=r"bomb.png: not a readable picture"):
        read_image(path)


def test_examples_come_sorted_by_id_with_documented_types(tmp_path: Path) -> None:
    root = trees.cityscapes(tmp_path, ("b_0", "a_1", "a_0"))
    (root / "gtFine/train/b").rename(root / "gtFine/train/0")
    dataset = Cityscapes(root, "train")
    assert [example.id for example in dataset] == ["a_0", "a_1", "b_0"]
    assert [example.id for example in dataset[1:]] == ["a_1", "b_0"]
    assert len(dataset) == 3
    example = dataset[0]
    assert example.image is not None
    assert example.instance is not None
    assert (example.image.shape, example.image.dtype) == ((4, 8, 3), np.uint8)
    assert (example.label.shape, example.label.dtype) == ((4, 8), np.int64)
    assert (example.instance.shape, example.instance.dtype) == ((4, 8), np.int32)


def test_a_label_map_without_photograph_is_an_example(tmp_path: Path) -> None:
    root = trees.folder(tmp_path)
    (root / "train/images/a.jpg").unlink()
    assert [example.image is None for example in Folder(root, "train")] == [True, False]


def test_hidden_files_and_other_kinds_are_passed_over(tmp_path: Path) -> None:
    root = trees.folder(tmp_path, ("a",))
    trees.put_map(root / "train/labels/._b.png", [[0]])
    (root / "train/labels/notes.txt").write_text("c")
    trees.put_photo(root / "train/images/a.JPG", 4, 6)
    (root / "train/images/a.jpg").unlink()
    dataset = Folder(root, "train")
    assert [record.id for record in dataset.records] == ["a"]
    assert dataset[0].image is not None


def test_equal_names_in_a_split_are_refused(tmp_path: Path) -> None:
    root = trees.cityscapes(tmp_path, ("a_0",))
    trees.put_map(root / "gtFine/train/z/a_0_gtFine_labelIds.png", [[0]])
    with pytest.raises(UserError, match=r"z/a_0_gtFine_labelIds.png: the same name as .*a/a_0_gtFine_labelIds.png"):
        Cityscapes(root, "train")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((8, 4), r"4x8 pixels, but its label map has 8x4 \(width and height swapped\)"),
        ((2, 4), "4x2 pixels, but .* 8x4$"),
    ],
)
def test_other_sizes_than_the_label_map_are_refused(tmp_path: Path, shape: tuple[int, int], message: str) -> None:
    root = trees.cityscapes(tmp_path)
    trees.put_photo(root / "leftImg8bit/train/a/a_0_leftImg8bit.png", *shape)
    trees.put_map(root / "gtFine/train/b/b_1_gtFine_instanceIds.png", np.full(shape, 7), np.uint16)
    dataset = Cityscapes(root, "train")
    for index, name in enumerate(("a_0_leftImg8bit", "b_1_gtFine_instanceIds")):
        with pytest.raises(UserError, match=f"{name}.png: {message}"):
            dataset[index]


def test_unknown_ids_are_counted(tmp_path: Path) -> None:
    root = trees.folder(tmp_path)
    trees.put_map(root / "train/labels/a.png", [[0, 2, 2], [1, 200, 2]])
    with pytest.raises(UnknownIds, match=r"a.png: .*: 2 \(3 pixels\), 200 \(1 pixels\); expected 0..1$") as caught:
        Folder(root, "train")[0]
    assert caught.value.counts == {2: 3, 200: 1}


def test_many_unknown_ids_are_cut_short(tmp_path: Path) -> None:
    root = trees.folder(tmp_path)
    trees.put_map(root / "train/labels/a.png", [list(range(100))])
    with pytest.raises(UnknownIds, match=r"9 \(1 pixels\) and 90 more values; expected 0..1$") as caught:
        Folder(root, "train")[0]
    assert len(caught.value.counts) == 98


def test_an_absent_root_and_an_empty_one_say_the_layout(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere: no such folder; expected the root of cityscapes .*gtFine/<split>"):
        Cityscapes(tmp_path / "nowhere", "train")
    with pytest.raises(UserError, match="no label maps of the val split of cityscapes found; expected gtFine/<split>"):
        Cityscapes(tmp_path, "val")


def test_records_can_be_chosen(tmp_path: Path) -> None:
    root = trees.cityscapes(tmp_path)
    chosen = Cityscapes(root, "train").records[1:]
    assert [example.id for example in Cityscapes(root, "train", chosen)] == ["b_1"]


def test_sizes_scale_with_the_short_side(tmp_path: Path) -> None:
    dataset = Cityscapes(trees.cityscapes(tmp_path), "train")
    assert dataset.size() == (256, 512)
    assert dataset.size(64) == (64, 128)


def test_a_class_table_orders_evaluated_names_by_their_index() -> None:
    rows = [
        {"id": 0, "name": "b", "color": [1, 2, 3], "evaluate_as": 1},
        {"id": 1, "name": "none", "color": [0, 0, 0], "evaluate_as": None},
        {"id": 2, "name": "a", "color": [4, 5, 6], "evaluate_as": 0},
    ]
    table = ClassTable.from_rows(rows)
    assert table.evaluated_names == ("a", "b")
    assert table.evaluate_as.tolist() == [1, 255, 0]
    assert table.colors.tolist() == [[1, 2, 3], [0, 0, 0], [4, 5, 6]]


def test_parallel_results_keep_their_order_and_errors_surface() -> None:
    assert list(in_parallel(lambda value: value * value, range(50))) == [value * value for value in range(50)]
    with pytest.raises(ZeroDivisionError):
        list(in_parallel(lambda value: 1 // value, [1, 0, 1]))
