"""CelebAMask-HQ: the prepared form, and the merge of the official part masks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.celebamask_hq import CelebAMaskHQ
from sdm_bench.datasets.celebamask_hq_release import merge_parts
from sdm_bench.datasets.maps import UnknownIds, read_map
from sdm_bench.datasets.verify import verify
from tests.datasets import trees


def tree(root: Path, split: str, name: str = "0", size: tuple[int, int] = (4, 4)) -> Path:
    trees.put_map(root / split / f"labels/{name}.png", [[0, 1, 17, 18]] * 4)
    trees.put_photo(root / split / f"images/{name}.jpg", *size)
    return root


def test_ids_are_as_stored_and_the_instance_map_is_the_label_map(tmp_path: Path) -> None:
    example = CelebAMaskHQ(tree(tmp_path, "train"), "train")[0]
    assert example.label[0].tolist() == [0, 1, 17, 18]
    assert example.instance is not None
    assert example.instance.dtype == np.int32
    np.testing.assert_array_equal(example.instance, example.label)


def test_a_palette_map_keeps_its_ids(tmp_path: Path) -> None:
    trees.put_palette(tmp_path / "train/labels/0.png", [[3, 18], [0, 7]])
    assert CelebAMaskHQ(tmp_path, "train")[0].label.tolist() == [[3, 18], [0, 7]]


def test_ids_above_18_are_refused(tmp_path: Path) -> None:
    trees.put_map(tmp_path / "train/labels/0.png", [[18, 19]])
    with pytest.raises(UnknownIds, match=r"19 \(1 pixels\); expected 0..18"):
        CelebAMaskHQ(tmp_path, "train")[0]


def test_val_is_the_test_split_where_there_is_no_other(tmp_path: Path) -> None:
    tree(tmp_path, "test", "t")
    assert CelebAMaskHQ(tmp_path, "val")[0].id == "t"
    tree(tmp_path, "val", "v")
    assert CelebAMaskHQ(tmp_path, "val")[0].id == "v"
    assert CelebAMaskHQ(tmp_path, "test")[0].id == "t"


def test_a_larger_photograph_of_the_same_shape_is_the_official_form(tmp_path: Path) -> None:
    example = CelebAMaskHQ(tree(tmp_path, "train", size=(8, 8)), "train")[0]
    assert example.image is not None
    assert example.image.shape == (8, 8, 3)
    assert example.label.shape == (4, 4)


def test_a_photograph_of_another_shape_and_a_larger_map_are_refused(tmp_path: Path) -> None:
    dataset = CelebAMaskHQ(tree(tmp_path, "train", size=(8, 6)), "train")
    assert dataset.misfit((8, 8), (4, 4)) == "8x8 pixels, but its label map has 4x4"
    with pytest.raises(UserError, match=r"0.jpg: 6x8 pixels, but its label map has 4x4, another aspect ratio"):
        dataset[0]


def test_all_19_classes_are_evaluated(tmp_path: Path) -> None:
    table = CelebAMaskHQ(tree(tmp_path, "train"), "train").classes
    assert table.evaluate_as.tolist() == list(range(19))
    assert table.names[13:] == ("hair", "hat", "ear_r", "neck_l", "neck", "cloth")


def test_real_files() -> None:
    dataset = CelebAMaskHQ(trees.real("celebamask_hq"), "val")
    assert len(dataset) == 100
    example = dataset[0]
    assert example.image is not None
    assert example.image.shape == (512, 512, 3)
    assert {"skin", "nose", "hair"} <= {dataset.classes.names[k] for k in np.unique(example.label)}


def test_official_samples(tmp_path: Path) -> None:
    source = trees.real("celebamask_hq_samples")
    for kind, suffix in (("images", ".jpg"), ("labels", ".png")):
        (tmp_path / "test" / kind).mkdir(parents=True)
        (tmp_path / "test" / kind / f"0{suffix}").symlink_to(source / f"0{suffix}")
    example = CelebAMaskHQ(tmp_path, "test")[0]
    assert example.image is not None
    assert example.image.shape == (1024, 1024, 3)
    assert example.label.shape == (512, 512)


def test_official_faces_are_whole_until_damaged(tmp_path: Path) -> None:
    source = trees.real("celebamask_hq_samples")
    for kind, suffix in (("images", ".jpg"), ("labels", ".png")):
        (tmp_path / "test" / kind).mkdir(parents=True)
        for k in range(4):
            (tmp_path / "test" / kind / f"{k}{suffix}").write_bytes((source / f"{k}{suffix}").read_bytes())
    assert verify("celebamask_hq", tmp_path).problems == []
    label = tmp_path / "test/labels/2.png"
    with Image.open(label) as picture:
        picture.convert("RGB").save(label)
    trees.truncate(tmp_path / "test/images/3.jpg")
    assert [(problem.split, problem.kind) for problem in verify("celebamask_hq", tmp_path).problems] == [
        ("val = test", "colour"),
        ("val = test", "unreadable"),
        ("val = test", "encoding"),
    ]


def test_a_pixel_belongs_to_the_last_part_that_covers_it(tmp_path: Path) -> None:
    parts = {
        "cloth": trees.put_part(tmp_path, 0, "cloth", slice(300, 512), value=1),
        "skin": trees.put_part(tmp_path, 0, "skin", slice(0, 200)),
        "neck": trees.put_part(tmp_path, 0, "neck", slice(100, 310)),
        "nose": trees.put_part(tmp_path, 0, "nose", slice(50, 60)),
    }
    label, failures = merge_parts(parts)
    assert failures == []
    assert label.dtype == np.uint8
    expected = [1] * 50 + [2] * 10 + [1] * 40 + [17] * 200 + [18] * 212
    assert label[:, 0].tolist() == expected
    np.testing.assert_array_equal(label, np.repeat(label[:, :1], 512, axis=1))


def test_masks_in_colour_or_with_a_palette_cover_alike(tmp_path: Path) -> None:
    path = trees.put_part(tmp_path, 0, "skin", slice(0, 200))
    expected, _ = merge_parts({"skin": path})
    for mode in ("RGB", "P", "1", "RGBA"):
        with Image.open(path) as picture:
            copy = picture.convert(mode)
        copy.save(tmp_path / f"{mode}.png")
        label, failures = merge_parts({"skin": tmp_path / f"{mode}.png"})
        assert failures == []
        np.testing.assert_array_equal(label, expected)


def test_the_blue_channel_decides(tmp_path: Path) -> None:
    pixels = np.zeros((512, 512, 3), np.uint8)
    pixels[:100, :, 0], pixels[50:200, :, 2] = 255, 1
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    label, _ = merge_parts({"skin": tmp_path / "mask.png"})
    assert label[:, 0].tolist() == [0] * 50 + [1] * 150 + [0] * 312


def test_real_label_maps_survive_being_cut_into_parts(tmp_path: Path) -> None:
    source = trees.real("celebamask_hq_samples")
    names = ClassTable.shipped("celebamask_hq").names
    for k in range(4):
        label = read_map(source / f"{k}.png")
        parts = {
            names[index]: trees.put_map(tmp_path / f"{k}_{names[index]}.png", (label == index) * 255)
            for index in np.unique(label)
            if index
        }
        merged, failures = merge_parts(parts)
        assert failures == []
        np.testing.assert_array_equal(merged, label)
