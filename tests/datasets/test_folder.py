"""Anybody's folder: its classes.yaml decides, and says where it is wrong."""

from pathlib import Path

import numpy as np
import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.folder import Folder, read_classes
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


def test_ignored_classes_take_no_evaluation_index(tmp_path: Path) -> None:
    path = tmp_path / "classes.yaml"
    path.write_text(
        "- {name: a, color: [0, 0, 0]}\n- {name: b, color: [1, 1, 1], ignore: true}\n- {name: c, color: [2, 2, 2]}\n"
    )
    table = read_classes(path)
    assert table.evaluate_as.tolist() == [0, 255, 1]
    assert table.evaluated_names == ("a", "c")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not valid YAML"),
        ("name: road", "expected a list of classes, a row each like `- {name: road"),
        ("[]", "expected a list of classes"),
        ("- road", "row 0 is 'road'; expected a name and a color"),
        ("- {name: a, color: [0, 0, 0]}\n- {color: [0, 0, 0]}", "row 1 is .*; expected a name"),
        ("- {name: a, color: [0, 0]}", "row 0 is .*three numbers 0..255"),
        ("- {name: a, color: [0, 0, 256]}", "row 0 is .*three numbers 0..255"),
        ("- {name: a, color: red}", "row 0 is .*three numbers 0..255"),
    ],
)
def test_a_wrong_table_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "classes.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=f"classes.yaml: {message}"):
        read_classes(path)


def test_more_classes_than_eight_bits_hold_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "classes.yaml"
    path.write_text("- {name: a, color: [0, 0, 0]}\n" * 256)
    with pytest.raises(UserError, match="256 classes; at most 255"):
        read_classes(path)


def test_an_absent_table_says_what_it_looks_like(tmp_path: Path) -> None:
    root = trees.folder(tmp_path)
    (root / "classes.yaml").unlink()
    with pytest.raises(UserError, match=r"classes.yaml: not found; expected a list of classes, a row each like"):
        Folder(root, "train")[0]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("- {name: Brücke, color: [1, 2, 3]}".encode("latin1"), "not a YAML in UTF-8: .*; save it in UTF-8"),
        (b"- {name: [a], color: [1, 2, 3]}", r"row 0 is .*; expected a name"),
        (b"- {name: a, color: [1, 2, 3], mirror: left}", r"row 0: mirror 'left'; expected a row number 0\.\.0"),
        (b"- {name: a, color: [1, 2, 3], on: 2001-99-99}", "not valid YAML: month must be in"),
        (b"- &a [x, x]\n- &b [*a, *a]\n- &c [*b, *b]\n", r"row 0 is \['x', 'x'\]; expected"),
    ],
)
def test_odd_class_tables_are_refused_in_a_line(tmp_path: Path, body: bytes, message: str) -> None:
    (tmp_path / "classes.yaml").write_bytes(body)
    with pytest.raises(UserError, match=rf"classes\.yaml: {message}"):
        read_classes(tmp_path / "classes.yaml")
