"""COCO-Stuff: 255 is a class of its own at the end, and two sets of folder names are known."""

from pathlib import Path

import numpy as np
import pytest

from sdm_bench.datasets.coco_stuff import COCOStuff
from sdm_bench.datasets.maps import UnknownIds
from tests.datasets import trees


def test_255_becomes_182(tmp_path: Path) -> None:
    trees.put_map(tmp_path / "train_label/1.png", [[0, 181, 255]])
    assert COCOStuff(tmp_path, "train")[0].label.tolist() == [[0, 181, 182]]


@pytest.mark.parametrize("value", [182, 200, 254])
def test_ids_between_are_refused(tmp_path: Path, value: int) -> None:
    trees.put_map(tmp_path / "train_label/1.png", [[0, value]])
    with pytest.raises(UnknownIds, match=rf"{value} \(1 pixels\); expected 0..181, or 255 for unlabeled"):
        COCOStuff(tmp_path, "train")[0]


@pytest.mark.parametrize(
    ("label", "image", "instance"),
    [
        ("val_label", "val_img", "val_inst"),
        ("stuffthingmaps/val2017", "images/val2017", "instances/val2017"),
        ("stuffthingmaps_trainval2017/val2017", "val2017", "instances/val2017"),
        ("annotations/val2017", "images/val2017", None),
    ],
)
def test_both_layouts(tmp_path: Path, label: str, image: str, instance: str | None) -> None:
    trees.put_map(tmp_path / label / "000000000139.png", [[1, 2, 3]] * 2)
    trees.put_photo(tmp_path / image / "000000000139.jpg", 2, 3)
    if instance:
        trees.put_map(tmp_path / instance / "000000000139.png", [[9, 8, 7]] * 2)
    (example,) = COCOStuff(tmp_path, "val")
    assert example.id == "000000000139"
    assert example.image is not None
    assert example.label[0].tolist() == [1, 2, 3]
    assert (None if example.instance is None else example.instance[0].tolist()) == ([9, 8, 7] if instance else None)


def test_the_metrics_ignore_unlabeled_alone(tmp_path: Path) -> None:
    trees.put_map(tmp_path / "train_label/1.png", [[0]])
    table = COCOStuff(tmp_path, "train").classes
    assert table.evaluate_as.tolist() == [*range(182), 255]
    assert (table.names[0], table.names[181], table.names[182]) == ("person", "wood", "unlabeled")


def test_files_of_spade() -> None:
    root = trees.real("coco_stuff")
    dataset = COCOStuff(root, "val")
    assert (len(dataset), len(COCOStuff(root, "train"))) == (8, 13)
    example = dataset[0]
    assert example.id == "000000000139"
    assert example.label.shape == (426, 640)
    assert example.image is not None
    assert example.instance is not None
    assert example.instance.shape == example.label.shape
    assert "person" in {dataset.classes.names[k] for k in np.unique(example.label)}
