"""The toy scenes: equal for equal keys, the same maps at any size and in any light, files that the datasets read."""

import json
from pathlib import Path

import numpy as np
import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.known_datasets import dataset_class, open_dataset
from sdm_bench.toy import render, write_toy

SIZES = {"cityscapes": (32, 64), "ade20k": (32, 32), "celebamask_hq": (32, 32), "coco_stuff": (32, 32)}
COUNTS = {
    "cityscapes": {"train": 3, "val": 2, "test": 1},
    "ade20k": {"train": 3, "val": 2},
    "celebamask_hq": {"train": 3, "val": 2},
    "coco_stuff": {"train": 3, "val": 2},
}
toy_datasets = pytest.mark.parametrize("dataset", sorted(SIZES))


def times(size: tuple[int, int], factor: int) -> tuple[int, int]:
    return size[0] * factor, size[1] * factor


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By dataset: a folder of toy scenes, a few of every split."""
    roots = {dataset: tmp_path_factory.mktemp(dataset) for dataset in SIZES}
    for dataset, root in roots.items():
        write_toy(dataset, root, COUNTS[dataset], SIZES[dataset], seed=3)
    return roots


@toy_datasets
def test_equal_keys_give_equal_scenes(dataset: str) -> None:
    one, two = (render(dataset, 7, 1, SIZES[dataset], appearance=2) for _ in range(2))
    assert one.image.dtype == one.label.dtype == np.uint8
    assert one.image.shape == (*SIZES[dataset], 3)
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.label, two.label)
    if one.instance is not None:
        np.testing.assert_array_equal(one.instance, two.instance)


@toy_datasets
def test_index_and_seed_change_the_maps(dataset: str) -> None:
    keys = [(index, seed) for index in range(4) for seed in range(2)]
    labels = [render(dataset, index, seed, SIZES[dataset]).label for index, seed in keys]
    for k, label in enumerate(labels):
        for other in labels[k + 1 :]:
            assert (label != other).mean() > 0.02


@toy_datasets
def test_appearance_changes_the_picture_alone(dataset: str) -> None:
    """Between appearances pixels differ by 16 to 80 of 255 on average; sensor noise alone would be about 2."""
    for index in range(4):
        one, two = (render(dataset, index, 0, SIZES[dataset], appearance) for appearance in (0, 1))
        np.testing.assert_array_equal(one.label, two.label)
        np.testing.assert_array_equal(one.instance, two.instance)
        assert np.abs(one.image.astype(int) - two.image).mean() > 8


@toy_datasets
def test_maps_are_samples_of_one_scene_at_any_size(dataset: str) -> None:
    """At three times the size every third sample lies on a pixel's centre of the small map, so that they are equal."""
    for index in range(3):
        small, large = (render(dataset, index, 0, times(SIZES[dataset], factor)) for factor in (1, 3))
        assert (large.label[1::3, 1::3] == small.label).mean() > 0.999
        if small.instance is not None and large.instance is not None:
            pairs = np.stack([small.instance.ravel(), large.instance[1::3, 1::3].ravel()])
            assert len(np.unique(pairs, axis=1).T) <= len(np.unique(small.instance)) + 2


@toy_datasets
def test_a_larger_map_shrinks_to_the_smaller(dataset: str) -> None:
    """Nearest samples of twice the size lie half a large pixel off, which matters at a few per cent of the pixels."""
    large, larger = (render(dataset, 5, 0, times(SIZES[dataset], factor)).label for factor in (4, 8))
    assert (larger[::2, ::2] == large).mean() > 0.97


@toy_datasets
def test_picture_and_map_have_their_edges_in_the_same_places(dataset: str) -> None:
    """Brightness steps at label edges are several times those elsewhere, and those at edges moved by three pixels."""
    at_edges, elsewhere, moved = [], [], []
    for index in range(6):
        scene = render(dataset, index, 0, times(SIZES[dataset], 2))
        step = np.abs(np.diff(scene.image.astype(float).mean(2), axis=1))
        edge = np.diff(scene.label.astype(int), axis=1) != 0
        at_edges.append(step[edge].mean())
        elsewhere.append(step[~edge].mean())
        moved.append(step[np.roll(edge, 3, axis=1)].mean())
    assert np.mean(at_edges) > 3 * np.mean(elsewhere)
    assert np.mean(at_edges) > 1.5 * np.mean(moved)


@pytest.mark.parametrize(
    ("dataset", "scenes", "classes"),
    [("cityscapes", 24, 18), ("ade20k", 40, 35), ("celebamask_hq", 40, 19), ("coco_stuff", 60, 45)],
)
def test_many_classes_occur(dataset: str, scenes: int, classes: int) -> None:
    size = times(SIZES[dataset], 2) if dataset == "celebamask_hq" else SIZES[dataset]
    seen = np.unique(np.concatenate([render(dataset, index, 0, size).label.ravel() for index in range(scenes)]))
    assert len(seen) >= classes


def test_left_eyes_are_on_the_right_of_the_picture() -> None:
    """As in CelebAMask-HQ, whose parts are the sitter's."""
    for index in range(10):
        label = render("celebamask_hq", index, 0, (96, 96)).label
        for left, right in ((4, 5), (6, 7), (8, 9)):
            if (label == left).any() and (label == right).any():
                assert np.nonzero(label == left)[1].mean() > np.nonzero(label == right)[1].mean()


@toy_datasets
def test_datasets_read_what_is_written(dataset: str, written: dict[str, Path]) -> None:
    for split, count in COUNTS[dataset].items():
        examples: SemanticDataset = open_dataset(dataset, written[dataset], split)
        assert len(examples) == count
        assert all(record.image and record.image.is_file() for record in examples.records)
        for example in examples:
            assert example.image is not None
            assert example.image.shape == (*SIZES[dataset], 3)
            assert example.label.shape == SIZES[dataset]
            assert len(np.unique(example.label)) > 3
            assert (example.instance is None) == (not dataset_class(dataset).has_instances)


def test_files_hold_the_scenes_of_their_numbers(written: dict[str, Path]) -> None:
    example = open_dataset("cityscapes", written["cityscapes"], "val")[1]
    index = int(example.id.split("_")[1])
    scene = render("cityscapes", index, 3, SIZES["cityscapes"])
    np.testing.assert_array_equal(example.image, scene.image)
    np.testing.assert_array_equal(example.label, scene.label)
    np.testing.assert_array_equal(example.instance, scene.instance)


@toy_datasets
def test_no_scene_is_in_two_splits(dataset: str, written: dict[str, Path]) -> None:
    ids = {split: {r.id for r in open_dataset(dataset, written[dataset], split).records} for split in ("train", "val")}
    assert not {name.replace("train", "val") for name in ids["train"]} & ids["val"]
    labels = [example.label for split in ids for example in open_dataset(dataset, written[dataset], split)]
    assert len({label.tobytes() for label in labels}) == len(labels)


def test_cityscapes_instances_are_objects_of_their_label() -> None:
    objects = 0
    for index in range(8):
        scene = render("cityscapes", index, 0, (64, 128))
        assert scene.instance is not None
        assert scene.instance.dtype == np.uint16
        countable = scene.label >= 24
        np.testing.assert_array_equal(scene.instance[countable] // 1000, scene.label[countable])
        np.testing.assert_array_equal(scene.instance[~countable], scene.label[~countable])
        for label in np.unique(scene.label[countable]):
            numbers = np.unique(scene.instance[scene.label == label]) - 1000 * int(label)
            np.testing.assert_array_equal(numbers, np.arange(len(numbers)))
            objects += len(numbers)
    assert objects > 8 * 3


def test_coco_instances_are_numbered_over_the_stuff() -> None:
    several = 0
    for index in range(24):
        scene = render("coco_stuff", index, 0, (64, 64))
        assert scene.instance is not None
        assert scene.instance.dtype == np.uint8
        things = scene.label <= 90
        np.testing.assert_array_equal(scene.instance[~things], scene.label[~things])
        numbers = np.unique(scene.instance[things])
        np.testing.assert_array_equal(numbers, np.arange(len(numbers)))
        for number in numbers:
            assert len(np.unique(scene.label[things & (scene.instance == number)])) == 1
        several += len(numbers) > 1
    assert several > 8


def test_the_same_command_resumes(tmp_path: Path) -> None:
    write_toy("cityscapes", tmp_path, {"train": 2, "val": 1}, (16, 32))
    before = files(tmp_path)
    lost = next(tmp_path.rglob("*train*/toyville/*_instanceIds.png"))
    others = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.png") if path != lost}
    lost.unlink()
    write_toy("cityscapes", tmp_path, {"train": 2, "val": 1}, (16, 32))
    assert files(tmp_path) == before
    assert {path: path.stat().st_mtime_ns for path in others} == others


def test_a_larger_count_extends(tmp_path: Path) -> None:
    write_toy("ade20k", tmp_path, {"train": 1}, (16, 16))
    before = files(tmp_path)
    write_toy("ade20k", tmp_path, {"train": 2}, (16, 16))
    assert before.items() < files(tmp_path).items()
    assert len(open_dataset("ade20k", tmp_path, "train")) == 2


@pytest.mark.parametrize(
    ("dataset", "size", "seed", "expected"),
    [
        ("coco_stuff", (16, 16), 0, r"dataset ade20k, .*expected dataset coco_stuff"),
        ("ade20k", (16, 24), 0, r"size \[16, 16\], .*expected .*size \[16, 24\]"),
        ("ade20k", (16, 16), 1, r"seed 0, .*expected .*seed 1"),
    ],
)
def test_other_settings_are_refused(
    tmp_path: Path, dataset: str, size: tuple[int, int], seed: int, expected: str
) -> None:
    write_toy("ade20k", tmp_path, {"train": 1}, (16, 16))
    before = files(tmp_path)
    with pytest.raises(UserError, match=expected) as error:
        write_toy(dataset, tmp_path, {"train": 1}, size, seed)
    assert str(tmp_path) in error.value.message
    assert files(tmp_path) == before


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match=r"holds other files and no toy\.json"):
        write_toy("ade20k", tmp_path, {"train": 1}, (16, 16))
    assert files(tmp_path) == {"thesis.tex": b"precious"}


@pytest.mark.parametrize("text", ["", "[1]", "{"])
def test_broken_settings_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "toy.json").write_text(text)
    with pytest.raises(UserError, match=r"toy\.json: not"):
        write_toy("ade20k", tmp_path, {"train": 1}, (16, 16))


def test_settings_are_stored(written: dict[str, Path]) -> None:
    settings = json.loads((written["coco_stuff"] / "toy.json").read_text())
    assert settings == {"dataset": "coco_stuff", "size": [32, 32], "seed": 3, "version": 1}


def test_a_seed_below_zero_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="seed -1: a seed of toy scenes is 0 or more"):
        write_toy("ade20k", tmp_path, {"train": 1}, (16, 16), seed=-1)
    assert not files(tmp_path)


def test_unknown_names(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Unknown toy dataset 'cityscape'. Did you mean 'cityscapes'"):
        render("cityscape", 0, 0, (16, 32))
    with pytest.raises(UserError, match=r"Unknown toy dataset 'folder'"):
        write_toy("folder", tmp_path, {"train": 1}, (16, 16))
    with pytest.raises(UserError, match=r"ade20k has no split 'test'; it has train, val"):
        write_toy("ade20k", tmp_path, {"test": 1}, (16, 16))
    with pytest.raises(UserError, match="keeps val and test in one folder"):
        write_toy("celebamask_hq", tmp_path, {"val": 1, "test": 1}, (16, 16))
    assert not files(tmp_path)


def test_a_folder_that_holds_what_a_kill_left_alone_is_taken(tmp_path: Path) -> None:
    (tmp_path / ".toy.json.abcd1234.part").write_text("{")
    write_toy("cityscapes", tmp_path, {"val": 1}, (32, 64))
    assert not (tmp_path / ".toy.json.abcd1234.part").exists()
