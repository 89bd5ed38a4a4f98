"""Cityscapes: labelIds and 16-bit instanceIds as the official files hold them."""

from pathlib import Path

import numpy as np
import pytest

from sdm_bench.datasets.cityscapes import Cityscapes
from sdm_bench.datasets.maps import UnknownIds
from tests.datasets import trees

TRAIN_IDS = (
    "road, sidewalk, building, wall, fence, pole, traffic light, traffic sign, vegetation, terrain, sky, person, "
    "rider, car, truck, bus, train, motorcycle, bicycle"
)


def with_labels(root: Path, values: object) -> Cityscapes:
    trees.cityscapes(root, ("a_0",))
    trees.put_map(root / "gtFine/train/a/a_0_gtFine_labelIds.png", values)
    (root / "leftImg8bit/train/a/a_0_leftImg8bit.png").unlink()
    (root / "gtFine/train/a/a_0_gtFine_instanceIds.png").unlink()
    return Cityscapes(root, "train")


def test_ids_stay_and_255_is_the_license_plate(tmp_path: Path) -> None:
    example = with_labels(tmp_path, [[0, 7, 33, 255]])[0]
    assert example.label.tolist() == [[0, 7, 33, 34]]
    assert example.instance is None


@pytest.mark.parametrize("value", [34, 100, 254])
def test_ids_between_are_refused(tmp_path: Path, value: int) -> None:
    with pytest.raises(UnknownIds, match=rf"{value} \(2 pixels\); expected 0..33, or 255 for the license plate"):
        with_labels(tmp_path, [[0, value, value]])[0]


def test_the_evaluated_classes_are_the_train_ids(tmp_path: Path) -> None:
    table = Cityscapes(trees.cityscapes(tmp_path), "train").classes
    assert len(table) == 35
    assert ", ".join(table.evaluated_names) == TRAIN_IDS
    assert table.evaluate_as[[7, 8, 11, 33]].tolist() == [0, 1, 2, 18]
    assert table.evaluate_as[[0, 6, 9, 29, 30, 34]].tolist() == [255] * 6
    assert table.colors[7].tolist() == [128, 64, 128]


def test_instance_ids_keep_their_sixteen_bits(tmp_path: Path) -> None:
    example = Cityscapes(trees.cityscapes(tmp_path), "train")[0]
    assert example.instance is not None
    assert np.unique(example.instance).tolist() == [7, 26001]


def test_other_pngs_of_the_archive_are_no_examples(tmp_path: Path) -> None:
    root = trees.cityscapes(tmp_path, ("a_0",))
    trees.put_map(root / "gtFine/train/a/a_0_gtFine_labelTrainIds.png", [[0]])
    trees.put_photo(root / "gtFine/train/a/a_0_gtFine_color.png", 4, 8)
    assert [record.id for record in Cityscapes(root, "train").records] == ["a_0"]


def test_instances_of_another_class_contradict(tmp_path: Path) -> None:
    dataset = Cityscapes(trees.cityscapes(tmp_path), "train")
    label = np.array([[26, 26, 7, 24]])
    assert dataset.contradictions(label, np.array([[26000, 26001, 7, 24]])) == []
    (message,) = dataset.contradictions(label, np.array([[27000, 26001, 24003, 24]]))
    assert "disagree with the label map at 2 pixels, the first instance 27000 on label 26" in message


def test_instance_ids_squeezed_into_eight_bits_contradict(tmp_path: Path) -> None:
    dataset = Cityscapes(trees.cityscapes(tmp_path), "train")
    (message,) = dataset.contradictions(np.array([[26, 26, 7, 33]]), np.array([[255, 255, 7, 33]]))
    assert message.startswith("2 pixels have instance ids in 34..999, the first 255")


def test_official_files() -> None:
    dataset = Cityscapes(trees.real("cityscapes"), "train")
    assert len(dataset) == 8
    example = dataset[0]
    assert example.id == "aachen_000000_000019"
    assert example.label.shape == (1024, 2048)
    assert example.image is not None
    assert example.image.shape == (1024, 2048, 3)
    assert example.instance is not None
    assert example.instance.max() > 255
    regions = np.where(example.instance >= 1000, example.instance // 1000, example.instance)
    np.testing.assert_array_equal(regions, example.label)


def test_official_label_maps_alone() -> None:
    dataset = Cityscapes(trees.real("cityscapes_val_labels_only"), "val")
    assert len(dataset) == 15
    assert dataset[0].image is None
