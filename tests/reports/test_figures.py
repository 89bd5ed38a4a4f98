"""Picture grids of sampled folders."""

from pathlib import Path

import numpy as np

from reports.figures import make_grids
from sdm_bench.base.drawing import GAP
from sdm_bench.datasets.base import ClassTable
from tests.evaluation.measured import make_run, real_at


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
    from sdm_bench.datasets.known_datasets import open_dataset
    from sdm_bench.datasets.transforms import Resized

    train = Resized(open_dataset("cityscapes", toy_cityscapes, "train"), real.transform)
    runs.append(make_run(tmp_path / "train", train, [0], constant(2), data=str(toy_cityscapes), split="train"))
    assert list(make_grids(runs)) == ["grid-cityscapes-val-64x32.png", "grid-cityscapes-train-64x32.png"]
