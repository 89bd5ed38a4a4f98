"""Anybody's folder: its classes.yaml decides, and says where it is wrong."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.digests import labels_sha256
from sdm_bench.datasets.folder import Folder
from tests.datasets import trees


@pytest.mark.parametrize("split", [None, "train"])
def test_split_folders_are_optional(tmp_path: Path, split: str | None) -> None:
    dataset = Folder(trees.folder(tmp_path, split=split), "train")
    assert [example.id for example in dataset] == ["a", "b"]
    assert dataset[0].label.tolist() == [[0] * 6] * 2 + [[1] * 6] * 2
    assert dataset.classes.names == ("sky", "road")


def test_without_split_folders_there_is_one_split_whatever_it_is_asked_for(tmp_path: Path) -> None:
    root = trees.folder(tmp_path, split=None)
    assert {Folder(root, split).split for split in ("train", "val", "test")} == {"val"}
    with pytest.raises(UserError, match="folder has no split 'all'; it has train, val, test"):
        Folder(root, "all")


def test_a_split_without_a_folder_is_not_that_of_the_whole_root(tmp_path: Path) -> None:
    trees.folder(tmp_path, ("c",), split=None)
    root = trees.folder(tmp_path, split="train")
    assert (Folder(root, "train").split, len(Folder(root, "train"))) == ("train", 2)
    with pytest.raises(UserError, match="no label maps of the val split of folder found"):
        Folder(root, "val")


def test_a_folder_that_is_called_like_a_split_but_holds_no_data_is_none(tmp_path: Path) -> None:
    root = trees.folder(tmp_path, split=None)
    (root / "test").mkdir()
    assert len(Folder(root, "val")) == 2


def test_two_files_with_one_id_are_refused(tmp_path: Path) -> None:
    root = trees.folder(tmp_path, split=None)
    trees.put_photo(root / "images/a.png", 4, 6)
    with pytest.raises(UserError, match=r"images/a\.png: the same name as .*images/a\.jpg; names must differ"):
        Folder(root, "val")


def test_instances_are_read_where_there_are_any(tmp_path: Path) -> None:
    root = trees.folder(tmp_path)
    trees.put_map(root / "train/instances/a.png", [[300] * 6] * 4, np.uint16)
    first, second = Folder(root, "train")
    assert first.instance is not None
    assert first.instance.max() == 300
    assert second.instance is None


def test_an_absent_table_says_what_it_looks_like(tmp_path: Path) -> None:
    root = trees.folder(tmp_path)
    (root / "classes.yaml").unlink()
    with pytest.raises(UserError, match=r"classes.yaml: not found; expected a list of classes, a row each like"):
        Folder(root, "train")[0]


def own(root: Path, head: str) -> Path:
    """A folder dataset whose classes.yaml has `head` above its two classes, of ids 3 and 40,000."""
    trees.folder(root, ("a",))
    (root / "classes.yaml").write_text(
        f"{head}\nclasses:\n- {{id: 3, name: sky, color: [0, 0, 255]}}\n- {{id: 40000, name: road, color: [9, 9, 9]}}\n"
    )
    return root


def test_ids_of_sixteen_bits_and_ignored_ones(tmp_path: Path) -> None:
    root = own(tmp_path, "name: camvid-like\nsize: [3, 4]\nignore: [255, 65535]")
    trees.put_map(root / "train/labels/a.png", [[3, 40000, 255, 65535, 3, 3]] * 4, np.uint16)
    dataset = Folder(root, "train")
    assert (dataset.name, dataset.kind, dataset.native_size) == ("camvid-like", "folder", (3, 4))
    assert dataset[0].label[0].tolist() == [0, 1, 2, 2, 0, 0]
    assert dataset.classes.names == ("sky", "road", "ignored")
    assert dataset.classes.evaluate_as.tolist() == [0, 1, 255]
    trees.put_map(root / "train/labels/a.png", [[3, 4, 4, 3, 3, 3]] * 4)
    with pytest.raises(
        UserError,
        match=r"a\.png: ids outside the table: 4 \(8 pixels\); expected the 2 ids of .*, or 255, 65535 \(ignored",
    ):
        dataset[0]


def test_label_maps_in_the_classes_colours(tmp_path: Path) -> None:
    root = own(tmp_path, "ignore: [[0, 0, 0]]")
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[0], pixels[1] = (0, 0, 255), (9, 9, 9)
    Image.fromarray(pixels).save(root / "train/labels/a.png")
    dataset = Folder(root, "train")
    assert dataset[0].label[:, 0].tolist() == [0, 1, 2, 2]
    pixels[3, :2] = (1, 2, 3)
    Image.fromarray(pixels).save(root / "train/labels/a.png")
    with pytest.raises(
        UserError, match=r"a\.png: colours outside the table: \(1, 2, 3\) \(2 pixels\); expected the classes' colours"
    ):
        dataset[0]


def test_two_classes_of_one_colour_are_refused_where_colours_are_read(tmp_path: Path) -> None:
    root = trees.folder(tmp_path, ("a",))
    (root / "classes.yaml").write_text("- {name: a, color: [1, 1, 1]}\n- {name: b, color: [1, 1, 1]}\n")
    assert Folder(root, "train")[0].label.max() == 1
    trees.put_photo(root / "train/labels/a.png", 4, 6)
    with pytest.raises(UserError, match=r"classes\.yaml: a and b have one colour, \[1, 1, 1\]"):
        Folder(root, "train")[0]


def test_instances_in_colours_are_panoptic_ids(tmp_path: Path) -> None:
    root = trees.folder(tmp_path, ("a",))
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[0] = (1, 2, 3)
    (root / "train/instances").mkdir()
    Image.fromarray(pixels).save(root / "train/instances/a.png")
    instance = Folder(root, "train")[0].instance
    assert instance is not None
    assert sorted({*instance.ravel().tolist()}) == [0, 1 + 2 * 256 + 3 * 65536]


def test_what_file_values_mean_is_part_of_the_identity(tmp_path: Path) -> None:
    plain = Folder(trees.folder(tmp_path / "plain", ("a",)), "train")
    assert plain.identity() == [plain.classes.digest()]
    first, named, other = (
        labels_sha256(Folder(own(tmp_path / str(k), head), "train"))
        for k, head in enumerate(("ignore: 0", "ignore: 0\nname: x", "ignore: 1"))
    )
    assert len({first, named, other, labels_sha256(plain)}) == 4
    coloured = own(tmp_path / "coloured", "ignore: 0")
    Image.fromarray(np.full((4, 6, 3), 9, np.uint8)).save(coloured / "train/labels/a.png")
    table = (coloured / "classes.yaml").read_text()
    before = labels_sha256(Folder(coloured, "train"))
    (coloured / "classes.yaml").write_text(table.replace("[0, 0, 255]", "[0, 0, 254]"))
    assert labels_sha256(Folder(coloured, "train")) != before


def test_other_ids_beside_label_maps_are_passed_over(tmp_path: Path) -> None:
    root = trees.folder(tmp_path, ("a",))
    trees.put_map(root / "train/labels/a_labelTrainIds.png", [[0] * 6] * 4)
    assert [example.id for example in Folder(root, "train")] == ["a"]
