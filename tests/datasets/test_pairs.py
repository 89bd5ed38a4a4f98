"""What is erased, what instances an edited map has, and which pairs are refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.cityscapes import Cityscapes
from sdm_bench.datasets.pairs import PairFiles, continued_instances, dilated, pairs_in, read_mask, read_pair
from sdm_bench.datasets.transforms import Transform

ROAD, CAR, TREE = 7, 26, 21
TRANSFORM = Transform("sdm", (8, 16), keeps_aspect=True, training=False)
READER = Cityscapes(Path(), "val", [])


def write(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


def maps() -> dict[str, np.ndarray]:
    """A road with a car on it, and the same with a tree at the right, 32x16 pixels."""
    label = np.full((16, 32), ROAD, np.uint8)
    label[4:8, 4:12] = CAR
    edited = label.copy()
    edited[6:12, 24:30] = TREE
    instance = np.where(label == CAR, 26001, ROAD).astype(np.uint16)
    image = np.random.default_rng(0).integers(0, 256, (16, 32, 3), np.uint8)
    return {"images": image, "labels": label, "edited": edited, "instances": instance}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, values in maps().items():
        write(tmp_path / name / "a.png", values)
    return tmp_path


def test_a_pair_is_read_at_the_networks_size_and_erased_where_classes_differ(folder: Path) -> None:
    (files,) = pairs_in(folder)
    pair = read_pair(READER, files, TRANSFORM)
    assert pair.erased.tolist() == (pair.source.label != pair.edited.label).tolist()
    expected = np.zeros((8, 16), bool)
    expected[3:6, 12:15] = True
    assert pair.erased.tolist() == expected.tolist()
    assert pair.edited.image is not None
    assert pair.source.image is not None
    assert (pair.edited.image == pair.source.image).all()
    assert pair.edited.instance is not None
    assert set(np.unique(pair.edited.instance)) == {ROAD, 26001, 26002}


def test_a_margin_and_a_mask(folder: Path) -> None:
    (files,) = pairs_in(folder)
    assert read_pair(READER, files, TRANSFORM, 1).erased.sum() == 9 + 4 * 3
    mask = np.zeros((16, 32), np.uint8)
    mask[:, :8] = 255
    write(folder / "masks" / "a.png", mask)
    (files,) = pairs_in(folder)
    erased = read_pair(READER, files, TRANSFORM).erased
    assert erased.tolist() == [[place < 4 for place in range(16)]] * 8
    assert read_pair(READER, files, TRANSFORM, 2).erased.sum() == 8 * 6


def test_a_margin_is_a_distance_between_centres_of_pixels() -> None:
    point = np.zeros((7, 7), bool)
    point[3, 3] = True
    assert dilated(point, 0) is point
    assert dilated(point, 1).sum() == 5
    assert dilated(point, 2).sum() == 13
    assert dilated(np.ones((2, 2), bool), 3).all()


def test_instances_continue_what_a_region_touches_or_begin() -> None:
    label = np.array([[1, 1, 0, 0, 2, 2], [1, 1, 0, 0, 2, 2], [0, 0, 0, 0, 2, 2]])
    instance = np.array([[11, 11, 5, 5, 21, 21], [11, 11, 5, 5, 21, 21], [5, 5, 5, 5, 22, 22]])
    edited = label.copy()
    edited[0, 2] = 1  # touches instance 11
    edited[:, 3] = 2  # touches 21 at two sides, 22 at one
    edited[2, 0] = 3  # of a new class
    found = continued_instances(label, instance, edited)
    assert found.tolist() == [[11, 11, 11, 21, 21, 21], [11, 11, 5, 21, 21, 21], [23, 5, 5, 21, 22, 22]]
    assert found.dtype == np.int32


def test_two_new_regions_of_a_class_are_two_instances() -> None:
    label, edited = np.zeros((1, 5), int), np.array([[3, 0, 3, 3, 0]])
    assert continued_instances(label, np.full((1, 5), 9), edited).tolist() == [[10, 9, 11, 11, 9]]


def test_equal_maps_have_nothing_to_edit(folder: Path) -> None:
    write(folder / "edited" / "a.png", maps()["labels"])
    with pytest.raises(UserError, match=r"edited/a.png: the same label map as .*labels/a.png at 16x8 .* or a mask"):
        read_pair(READER, pairs_in(folder)[0], TRANSFORM)


@pytest.mark.parametrize("name", ["edited", "images", "instances", "masks", "edited_instances"])
def test_sizes_that_differ_are_refused_by_the_files_name(name: str, folder: Path) -> None:
    shape = (16, 30, 3) if name == "images" else (16, 30)
    write(folder / name / "a.png", np.full(shape, ROAD, np.uint8))
    with pytest.raises(UserError, match=rf"{name}/a.png: 30x16 pixels"):
        read_pair(READER, pairs_in(folder)[0], TRANSFORM)


def test_a_mask_has_two_values(tmp_path: Path) -> None:
    path = write(tmp_path / "m.png", np.array([[0, 1, 2]], np.uint8))
    with pytest.raises(UserError, match=r"m.png: 3 values; a mask has two"):
        read_mask(path)
    assert read_mask(write(path, np.array([[0, 9]], np.uint8))).tolist() == [[False, True]]
    assert read_mask(write(path, np.zeros((1, 2), np.uint8))).tolist() == [[False, False]]
    assert read_mask(write(path, np.full((1, 2), 255, np.uint8))).tolist() == [[True, True]]
    assert read_mask(write(path, np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8))).tolist() == [[False, True]]


def test_an_empty_mask_erases_nothing(folder: Path) -> None:
    write(folder / "masks" / "a.png", np.zeros((16, 32), np.uint8))
    with pytest.raises(UserError, match=r"masks/a.png: nothing is erased at 16x8"):
        read_pair(READER, pairs_in(folder)[0], TRANSFORM)


def test_a_folder_lacks_nothing_of_a_pair(folder: Path, tmp_path: Path) -> None:
    write(folder / "edited" / "b.png", maps()["edited"])
    with pytest.raises(UserError, match=r"images: no file called b"):
        pairs_in(folder)
    with pytest.raises(UserError, match="no pairs; expected images/, labels/ and edited/"):
        pairs_in(tmp_path / "nothing")


def test_instances_of_the_edited_map_alone_are_refused(folder: Path) -> None:
    files = PairFiles("a", folder / "images/a.png", folder / "labels/a.png", folder / "edited/a.png")
    alone = PairFiles("a", *files.files[:3], edited_instance=folder / "instances/a.png")  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"instances/a.png: instances of the edited label map alone"):
        read_pair(READER, alone, TRANSFORM)
