"""What a split consists of: the same files elsewhere are the same, others are told apart."""

from pathlib import Path

import numpy as np
import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.cityscapes import Cityscapes
from sdm_bench.datasets.digests import labels_sha256, photographs_sha256
from sdm_bench.datasets.folder import Folder
from tests.datasets import trees

LABEL = "gtFine/train/b/b_1_gtFine_labelIds.png"
INSTANCE = "gtFine/train/b/b_1_gtFine_instanceIds.png"
PHOTOGRAPH = "leftImg8bit/train/b/b_1_leftImg8bit.png"


def digests(root: Path) -> tuple[str, str]:
    """Of the labels and of the photographs."""
    dataset = Cityscapes(root, "train")
    return labels_sha256(dataset), photographs_sha256(dataset)


def test_the_same_bytes_elsewhere_have_the_same_digests(tmp_path: Path) -> None:
    first, second = (digests(trees.cityscapes(tmp_path / name)) for name in ("one", "two"))
    assert first == second
    assert first[0] != first[1]


def test_one_changed_label_or_instance_map_is_noticed(tmp_path: Path) -> None:
    root = trees.cityscapes(tmp_path)
    labels, photographs = digests(root)
    trees.put_map(root / LABEL, [[7] * 8] * 3 + [[26] * 8])
    changed = digests(root)
    trees.put_map(root / INSTANCE, [[7] * 8] * 3 + [[26001] * 8], np.uint16)
    both = digests(root)
    assert len({labels, changed[0], both[0]}) == 3
    assert {changed[1], both[1]} == {photographs}


def test_photographs_do_not_count_for_labels(tmp_path: Path) -> None:
    root = trees.cityscapes(tmp_path)
    labels, photographs = digests(root)
    trees.put_photo(root / PHOTOGRAPH, 4, 8, "L")
    assert digests(root)[0] == labels
    assert digests(root)[1] != photographs
    (root / PHOTOGRAPH).unlink()
    dataset = Cityscapes(root, "train")
    assert labels_sha256(dataset) == labels
    with pytest.raises(UserError, match=f"{root}: 1 label maps have no photograph"):
        photographs_sha256(dataset)


def test_an_instance_map_that_is_gone_or_of_another_example_is_noticed(tmp_path: Path) -> None:
    root = trees.cityscapes(tmp_path)
    other = root / INSTANCE.replace("b/b_1", "a/a_0")
    trees.put_map(root / INSTANCE, [[7] * 8] * 2 + [[26002] * 8] * 2, np.uint16)
    found = [digests(root)[0]]
    content = (root / INSTANCE).read_bytes(), other.read_bytes()
    for path, each in zip((other, root / INSTANCE), content, strict=True):
        path.write_bytes(each)
    found.append(digests(root)[0])
    other.unlink()
    found.append(digests(root)[0])
    other.write_bytes(content[1])
    (root / INSTANCE).unlink()
    found.append(digests(root)[0])
    other.unlink()
    found.append(digests(root)[0])
    assert len(set(found)) == 5


def test_ids_and_the_split_s_extent_count(tmp_path: Path) -> None:
    two = Folder(trees.folder(tmp_path / "two"), "train")
    renamed = Folder(trees.folder(tmp_path / "renamed", ("a", "c")), "train")
    one = Folder(two.root, "train", two.records[:1])
    for digest in (labels_sha256, photographs_sha256):
        assert len({digest(each) for each in (two, renamed, one)}) == 3
        assert digest(Folder(two.root, "train", two.records[::-1])) == digest(two)


def test_what_becomes_of_a_class_counts_for_labels(tmp_path: Path) -> None:
    first, second = (trees.folder(tmp_path / name) for name in ("one", "two"))
    classes = second / "classes.yaml"
    assert labels_sha256(Folder(first, "train")) == labels_sha256(Folder(second, "train"))
    named = classes.read_text()
    first_name = Folder(first, "train").classes.names[0]
    classes.write_text(named.replace(first_name, "another"))
    assert labels_sha256(Folder(first, "train")) != labels_sha256(Folder(second, "train"))
    assert photographs_sha256(Folder(first, "train")) == photographs_sha256(Folder(second, "train"))
