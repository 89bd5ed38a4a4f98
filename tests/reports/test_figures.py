"""Picture grids of sampled folders."""

from pathlib import Path

import numpy as np
import pytest

from reports.figures import make_grids
from sdm_bench.base.drawing import GAP
from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.digests import labels_sha256
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.transforms import Resized
from tests.evaluation.measured import make_run, real_at
from tests.results.test_sample_sets import other_maps


def constant(value: int):  # type: ignore[no-untyped-def]
    return lambda example, seed: np.full((*example.label.shape, 3), value, np.uint8)


def test_each_column_shows_its_folder(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    runs = [
        make_run(tmp_path / str(value), real, [0], constant(value), data=str(toy_cityscapes)) for value in (10, 200)
    ]
    grids = make_grids(runs)
    assert list(grids) == ["grid.png"]
    picture = grids["grid.png"][16:]
    width, height = 64 * 3 + GAP, 32 * 3
    assert (picture[:height, 2 * width : 3 * width - GAP] == 10).all()
    assert (picture[:height, 3 * width :] == 200).all()
    assert np.array_equal(picture[:height:3, width : 2 * width - GAP : 3], real[0].image)
    colors = ClassTable.shipped("cityscapes").colors[real[0].label]
    assert np.array_equal(picture[:height:3, : width - GAP : 3], colors)


def test_folders_of_different_splits_have_grids_of_their_own(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    runs = [make_run(tmp_path / "val", real, [0], constant(1), data=str(toy_cityscapes))]
    train = Resized(open_dataset("cityscapes", toy_cityscapes, "train"), real.transform)
    runs.append(make_run(tmp_path / "train", train, [0], constant(2), data=str(toy_cityscapes), split="train"))
    assert list(make_grids(runs)) == ["grid-cityscapes-val-64x32.png", "grid-cityscapes-train-64x32.png"]


def test_samples_of_other_label_maps_have_grids_of_their_own(toy_cityscapes: Path, tmp_path: Path) -> None:
    roots = [toy_cityscapes, other_maps(toy_cityscapes, tmp_path / "others")]
    sets = [real_at(root) for root in roots]
    runs = [
        make_run(tmp_path / str(value), real, [0], constant(value), data=str(root))
        for value, (root, real) in enumerate(zip(roots, sets, strict=True))
    ]
    grids = make_grids(runs)
    names = [f"grid-cityscapes-val-64x32-{labels_sha256(real.dataset)[:8]}.png" for real in sets]
    assert list(grids) == names
    colors = ClassTable.shipped("cityscapes").colors
    for name, real in zip(names, sets, strict=True):
        assert np.array_equal(grids[name][16:][: 32 * 3 : 3, : 64 * 3 : 3], colors[real[0].label])


def test_label_maps_that_are_no_longer_there_are_not_replaced_by_others(
    toy_cityscapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real, others = real_at(toy_cityscapes), other_maps(toy_cityscapes, tmp_path / "others")
    run = make_run(tmp_path / "run", real, [0], constant(1), data=str(others))
    gone = make_run(tmp_path / "gone", real, [0], constant(1), data=str(tmp_path / "nowhere"))
    for stale in ([run], [gone], [run, gone]):
        assert make_grids(stale) == {}
        assert "grid.png left out: " in (said := capsys.readouterr().err)
        assert "no longer have the label maps" in said
    whole = make_run(tmp_path / "whole", real, [0], constant(2), data=str(toy_cityscapes))
    colors = ClassTable.shipped("cityscapes").colors[real[0].label]
    picture = make_grids([run, whole])["grid.png"][16:]
    assert np.array_equal(picture[: 32 * 3 : 3, : 64 * 3 : 3], colors)
