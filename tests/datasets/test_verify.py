"""Verifying a whole dataset: each kind of damage is found, all at once, and whole data has no problems."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.prepare import prepare
from sdm_bench.datasets.verify import verify
from sdm_bench.datasets.verify_report import Report
from tests.datasets import trees

TRUTH = "gtFine/train"
PHOTOS = "leftImg8bit/train"


def found(report: Report) -> list[tuple[str, str, str, str]]:
    """(split, file name, kind, message) of each problem."""
    return [(problem.split, problem.file.name, problem.kind, problem.message) for problem in report.problems]


def said(report: Report) -> list[tuple[str, str]]:
    return [(remark.split, remark.message) for remark in report.warnings if "never occur" not in remark.message]


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    return trees.cityscapes(tmp_path)


def test_whole_data_has_no_problems(frames: Path) -> None:
    trees.cityscapes(frames, ("c_2",), "val")
    report = verify("cityscapes", frames)
    assert report.ok
    assert said(report) == []
    assert [(s.split, s.examples, s.photographs, s.instance_maps) for s in report.splits] == [
        ("train", 2, 2, 2),
        ("val", 1, 1, 1),
    ]
    assert report.splits[0].label_sizes == {(8, 4): 2}
    assert report.absent == ("test",)
    assert report.lines() == [
        f"cityscapes in {frames}",
        "train: 2 examples, 2 photographs, 2 instance maps; label maps 8x4 (2)",
        "val: 1 example, 1 photograph, 1 instance map; label maps 8x4 (1)",
        "test: not there",
        "warning: 17 of 19 evaluated classes never occur: "
        "sidewalk, building, wall, fence, pole, traffic light and 11 more",
        "ok: 3 examples, 1 warning",
    ]


def test_missing_partners(tmp_path: Path) -> None:
    root = trees.cityscapes(tmp_path, ("a_0", "b_1", "c_2", "d_3"))
    (root / PHOTOS / "a/a_0_leftImg8bit.png").unlink()
    (root / TRUTH / "b/b_1_gtFine_labelIds.png").unlink()
    (root / TRUTH / "b/b_1_gtFine_instanceIds.png").unlink()
    (root / TRUTH / "c/c_2_gtFine_instanceIds.png").unlink()
    assert found(verify("cityscapes", root)) == [
        ("train", "a_0_gtFine_labelIds.png", "missing", "has no photograph"),
        ("train", "b_1_leftImg8bit.png", "missing", "has no label map"),
        ("train", "c_2_gtFine_labelIds.png", "missing", "has no instance map"),
    ]


def test_a_split_without_label_maps_is_one_problem(frames: Path) -> None:
    for name in ("e_4", "f_5"):
        trees.put_photo(frames / f"leftImg8bit/val/e/{name}_leftImg8bit.png", 4, 8)
    ((split, file, kind, message),) = found(verify("cityscapes", frames))
    assert (split, file, kind) == ("val", "val", "missing")
    assert message.startswith("no label maps here, but 2 photographs; expected gtFine/<split>")


def test_of_no_label_map_at_all_nothing_is_said_of_classes(frames: Path) -> None:
    shutil.rmtree(frames / "gtFine")
    report = verify("cityscapes", frames)
    assert report.problems
    assert not any("never occur" in remark.message for remark in report.warnings)


def test_label_maps_alone_are_one_warning(tmp_path: Path) -> None:
    root = trees.cityscapes(tmp_path, ("a_0", "b_1", "c_2"))
    for path in (root / PHOTOS).rglob("*.png"):
        path.unlink()
    report = verify("cityscapes", root)
    assert report.ok
    ((split, message),) = said(report)
    assert split == "train"
    assert message == "label maps only, no photographs: it can be sampled from, but not trained on or compared with"
    trees.put_photo(root / PHOTOS / "a/a_0_leftImg8bit.gif", 4, 8)
    ((_, more),) = said(verify("cityscapes", root))
    assert more.startswith(f"{message}; passed over a_0_leftImg8bit.gif: expected *_leftImg8bit.{{jpg,jpeg,png,")


def test_no_instance_maps_at_all_are_one_warning(frames: Path) -> None:
    for path in frames.rglob("*_instanceIds.png"):
        path.unlink()
    report = verify("cityscapes", frames)
    assert report.ok
    assert said(report) == [("train", "no instance maps: edges between objects of one class cannot be drawn")]


def test_wrong_sizes(frames: Path) -> None:
    trees.put_photo(frames / PHOTOS / "a/a_0_leftImg8bit.png", 8, 4)
    trees.put_map(frames / TRUTH / "b/b_1_gtFine_instanceIds.png", np.full((4, 7), 7), np.uint16)
    assert found(verify("cityscapes", frames)) == [
        ("train", "a_0_leftImg8bit.png", "size", "4x8 pixels, but its label map has 8x4 (width and height swapped)"),
        ("train", "b_1_gtFine_instanceIds.png", "size", "7x4 pixels, but its label map has 8x4"),
    ]


def test_a_photograph_of_twice_the_size_is_wrong_except_for_celebamask_hq(tmp_path: Path) -> None:
    root = trees.folder(tmp_path, ("a",))
    trees.put_photo(root / "train/images/a.jpg", 8, 12)
    assert [problem.kind for problem in verify("folder", root).problems] == ["size"]
    report = verify("celebamask_hq", root)
    assert report.ok
    assert "label maps 6x4 (1); photographs 12x8 (1)" in report.lines()[1]
    trees.put_photo(root / "train/images/a.jpg", 12, 8)
    trees.put_map(root / "train/labels/b.png", [[0] * 6] * 4)
    trees.put_photo(root / "train/images/b.jpg", 6, 4)
    messages = [problem.message for problem in verify("celebamask_hq", root).problems]
    assert messages == [
        "8x12 pixels, but its label map has 6x4, another aspect ratio",
        "4x6 pixels, but its label map has 6x4 (width and height swapped)",
    ]


def test_ids_outside_the_table_do_not_hide_a_wrong_size(frames: Path) -> None:
    trees.put_map(frames / TRUTH / "a/a_0_gtFine_labelIds.png", [[7, 200, 200]])
    names = "a_0_gtFine_labelIds.png", "a_0_leftImg8bit.png", "a_0_gtFine_instanceIds.png"
    expected = "ids outside the table: 200 (2 pixels); expected 0..33, or 255 for the license plate"
    assert found(verify("cityscapes", frames)) == [
        ("train", names[0], "ids", expected),
        ("train", names[1], "size", "8x4 pixels, but its label map has 3x1"),
        ("train", names[2], "size", "8x4 pixels, but its label map has 3x1"),
    ]


def test_broken_and_coloured_files(frames: Path) -> None:
    trees.put_photo(frames / PHOTOS / "a/a_0_leftImg8bit.png", 60, 80)
    trees.truncate(frames / PHOTOS / "a/a_0_leftImg8bit.png")
    (frames / TRUTH / "a/a_0_gtFine_instanceIds.png").write_bytes(b"")
    trees.put_photo(frames / TRUTH / "b/b_1_gtFine_labelIds.png", 4, 8)
    report = verify("cityscapes", frames)
    assert [(problem.file.name, problem.kind) for problem in report.problems] == [
        ("a_0_leftImg8bit.png", "unreadable"),
        ("a_0_gtFine_instanceIds.png", "unreadable"),
        ("b_1_gtFine_labelIds.png", "colour"),
    ]
    assert "truncated" in report.problems[0].message
    assert [problem.message for problem in report.problems[1:]] == [
        "an empty file",
        "a map of ids has one channel; found colours",
    ]


def test_palette_maps_are_maps(tmp_path: Path) -> None:
    root = trees.folder(tmp_path, ("a",))
    trees.put_palette(root / "train/labels/a.png", [[0] * 6] * 2 + [[1] * 6] * 2)
    assert verify("folder", root).ok


def test_instances_that_contradict_their_classes(frames: Path) -> None:
    trees.put_map(frames / TRUTH / "a/a_0_gtFine_instanceIds.png", [[7] * 8] * 2 + [[27001] * 8] * 2, np.uint16)
    trees.put_map(frames / TRUTH / "b/b_1_gtFine_instanceIds.png", [[7] * 8] * 2 + [[255] * 8] * 2)
    first, second = verify("cityscapes", frames).problems
    assert (first.kind, second.kind) == ("instances", "instances")
    assert "disagree with the label map at 16 pixels, the first instance 27001 on label 26" in first.message
    assert second.message.startswith("16 pixels have instance ids in 34..999, the first 255")


def test_equal_names(frames: Path) -> None:
    trees.put_photo(frames / PHOTOS / "z/a_0_leftImg8bit.png", 4, 8)
    trees.put_photo(frames / PHOTOS / "a/a_0_leftImg8bit.jpg", 4, 8)
    assert found(verify("cityscapes", frames)) == [
        (
            "train",
            "a_0_leftImg8bit.png",
            "duplicate",
            "the same name as a/a_0_leftImg8bit.jpg, z/a_0_leftImg8bit.png",
        )
    ]


def test_photographs_that_are_not_rgb_are_one_warning(frames: Path) -> None:
    trees.put_photo(frames / PHOTOS / "a/a_0_leftImg8bit.png", 4, 8, "L")
    trees.put_photo(frames / PHOTOS / "b/b_1_leftImg8bit.png", 4, 8, "RGBA")
    report = verify("cityscapes", frames)
    assert report.ok
    message = "2 photographs not in RGB, read as RGB: a_0_leftImg8bit.png (L), b_1_leftImg8bit.png (RGBA)"
    assert said(report) == [("train", message)]


def test_classes_that_never_occur(tmp_path: Path) -> None:
    root = trees.folder(tmp_path)
    assert verify("folder", root).warnings[-1].message.startswith("no instance maps")
    for name in ("a", "b"):
        trees.put_map(root / f"train/labels/{name}.png", [[0] * 6] * 4)
    assert verify("folder", root).warnings[-1].message == "1 of 2 evaluated classes never occur: road"


def test_the_commonest_sizes_come_first(tmp_path: Path) -> None:
    root = trees.folder(tmp_path, ("a", "b", "c"))
    for k in range(8):
        trees.put_map(root / f"train/labels/{k}.png", [[0] * (k + 1)])
        trees.put_photo(root / f"train/images/{k}.png", 1, k + 1)
    line = verify("folder", root).splits[0].line()
    assert line.endswith("label maps 6x4 (3), 1x1 (1), 2x1 (1), 3x1 (1), 4x1 (1), 5x1 (1) and 3 more")


def test_splits_that_share_their_files_are_read_once(tmp_path: Path) -> None:
    report = verify("folder", trees.folder(tmp_path, split=None))
    assert [(summary.split, summary.examples) for summary in report.splits] == [("val", 2)]
    assert report.absent == ()


def test_the_report_is_the_same_every_time_and_counts_by_kind(tmp_path: Path) -> None:
    names = tuple(f"{letter}_{k}" for letter in "abcdef" for k in range(4))
    root = trees.cityscapes(tmp_path, names)
    for name in names[::2]:
        trees.put_map(root / TRUTH / f"{name[0]}/{name}_gtFine_labelIds.png", [[99] * 8] * 4)
    for name in names[1::2]:
        trees.put_photo(root / PHOTOS / f"{name[0]}/{name}_leftImg8bit.png", 3, 8)
    report = verify("cityscapes", root)
    assert [problem.file.name[:3] for problem in report.problems] == list(names)
    assert report.lines()[-1] == "failed: 24 problems (ids 12, size 12), 1 warning"
    assert f"problem: train: {PHOTOS}/a/a_1_leftImg8bit.png: 8x3 pixels, but its label map has 8x4" in report.lines()
    assert verify("cityscapes", root).lines() == report.lines()


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing of cityscapes found; expected gtFine/<split>"):
        verify("cityscapes", tmp_path)
    with pytest.raises(UserError, match="nowhere: no such folder"):
        verify("cityscapes", tmp_path / "nowhere")
    with pytest.raises(UserError, match="Did you mean 'ade20k'"):
        verify("ade20", tmp_path)


def test_a_broken_class_table_is_one_error(tmp_path: Path) -> None:
    root = trees.folder(tmp_path)
    (root / "classes.yaml").write_text("[]")
    with pytest.raises(UserError, match=r"classes.yaml: expected a list of classes"):
        verify("folder", root)


@pytest.mark.parametrize(
    ("name", "folder", "counts"),
    [
        ("ade20k", "ade20k", [("train", 3, 3, None), ("val", 3, 3, None)]),
        ("cityscapes", "cityscapes", [("train", 8, 8, 8), ("val", 1, 1, 1)]),
        ("cityscapes", "cityscapes_val_labels_only", [("val", 15, 0, 15)]),
        ("coco_stuff", "coco_stuff", [("train", 13, 13, 13), ("val", 8, 8, 8)]),
    ],
)
def test_real_data(name: str, folder: str, counts: list[tuple]) -> None:
    report = verify(name, trees.real(folder))
    assert report.problems == []
    assert [(s.split, s.examples, s.photographs, s.instance_maps) for s in report.splits] == counts


def test_photographs_that_exif_turns_are_one_warning_and_compared_upright(frames: Path) -> None:
    for name, orientation in (("a_0", 3), ("b_1", 6)):
        path = frames / PHOTOS / name[0] / f"{name}_leftImg8bit.png"
        height, width = (4, 8) if orientation == 3 else (8, 4)
        exif = Image.Exif()
        exif[0x112] = orientation
        with Image.open(trees.put_photo(path, height, width)) as image:
            image.load()
        image.save(path, exif=exif)
    report = verify("cityscapes", frames)
    assert report.ok
    turned = "2 photographs turned upright as their EXIF says: a_0_leftImg8bit.png (3), b_1_leftImg8bit.png (6)"
    assert said(report) == [("train", turned)]
    assert report.splits[0].photo_sizes == {(8, 4): 2}


def test_a_photograph_with_transparent_pixels_is_a_problem(frames: Path) -> None:
    path = frames / PHOTOS / "a/a_0_leftImg8bit.png"
    Image.fromarray(np.zeros((4, 8, 4), np.uint8)).save(path)
    ((_, name, kind, message),) = found(verify("cityscapes", frames))
    assert (name, kind) == (path.name, "unreadable")
    assert message.startswith("32 transparent pixels")


def test_deep_photographs_are_named_as_such(frames: Path) -> None:
    path = frames / PHOTOS / "a/a_0_leftImg8bit.png"
    trees.put_map(path, np.zeros((4, 8)), np.uint16)
    message = f"1 photograph not in RGB, read as RGB: {path.name} (I;16)"
    assert said(verify("cityscapes", frames)) == [("train", message)]


def test_label_maps_with_ids_and_with_colours_are_remarked_on(tmp_path: Path) -> None:
    root = trees.folder(tmp_path)
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[:] = (128, 64, 128)
    Image.fromarray(pixels).save(root / "train/labels/a.png")
    report = verify("folder", root)
    assert report.ok
    assert ("train", "1 label map with ids and 1 with colours: is one of these meant?") in said(report)


def test_other_ids_beside_label_maps_are_said(tmp_path: Path) -> None:
    root = tmp_path
    for name in ("1", "1_labelTrainIds"):
        trees.put_map(root / f"val_label/{name}.png", [[0] * 6] * 4)
    trees.put_photo(root / "val_img/1.jpg", 4, 6)
    report = verify("coco_stuff", root)
    assert report.ok
    assert ("val", "1 file *_labelTrainIds.png passed over: other ids") in said(report)


@pytest.mark.parametrize(
    ("name", "file", "message"),
    [
        (
            "cityscapes",
            "gtFine/val/a/a_0_gtFine_labelTrainIds.png",
            r"Found 1 \*_gtFine_labelTrainIds.png, the first gtFine/val/a/a_0_\w+.png: these hold trainIds",
        ),
        ("coco_stuff", "val_label/1_labelTrainIds.png", "these hold MMSegmentation's 171 ids"),
        ("ade20k", "training/ADE_train_1_seg.png", "these are of the full ADE20K"),
    ],
)
def test_label_maps_of_another_kind_alone_are_named(tmp_path: Path, name: str, file: str, message: str) -> None:
    trees.put_map(tmp_path / file, [[0]])
    with pytest.raises(UserError, match=f"nothing of {name} found; .*{message}"):
        verify(name, tmp_path)
    with pytest.raises(UserError, match=f"no label maps of {name} found; .*{message}"):
        prepare(name, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_label_maps_of_another_kind_beside_photographs_are_named(tmp_path: Path) -> None:
    root = trees.cityscapes(tmp_path / "cityscapes")
    for path in sorted(root.rglob("*_labelIds.png")):
        path.rename(path.with_name(path.name.replace("labelIds", "labelTrainIds")))
    named = (
        "Found 2 *_gtFine_labelTrainIds.png, the first gtFine/train/a/a_0_gtFine_labelTrainIds.png: these hold "
        "trainIds; the official archive gtFine_trainvaltest.zip has *_gtFine_labelIds.png."
    )
    ((*_, message),) = found(verify("cityscapes", root))
    assert message.startswith("no label maps here, but 2 photographs and 2 instance maps; expected gtFine/<split>")
    assert message.endswith(named)
    with pytest.raises(UserError, match=re.escape(named)):
        open_dataset("cityscapes", root, "train")
    with pytest.raises(UserError, match=re.escape(named)):
        prepare("cityscapes", root, tmp_path / "out")
