"""ADE20K: the file's 0 is a class of its own at the end, everything else moves down by one."""

from pathlib import Path

import numpy as np
import pytest

from sdm_bench.datasets.ade20k import ADE20K
from sdm_bench.datasets.maps import UnknownIds
from tests.datasets import trees


def tree(root: Path, values: object, dtype: type = np.uint8, split: str = "training") -> Path:
    trees.put_map(root / f"annotations/{split}/ADE_1.png", values, dtype)
    return root


def test_zero_becomes_150_and_the_rest_moves_down(tmp_path: Path) -> None:
    example = ADE20K(tree(tmp_path, [[0, 1, 2, 150]]), "train")[0]
    assert example.label.tolist() == [[150, 0, 1, 149]]
    assert example.instance is None


@pytest.mark.parametrize(("value", "dtype"), [(151, np.uint8), (255, np.uint8), (1000, np.uint16)])
def test_larger_ids_are_refused(tmp_path: Path, value: int, dtype: type) -> None:
    with pytest.raises(UnknownIds, match=rf"{value} \(1 pixels\); expected 0 \(unknown\) and 1..150"):
        ADE20K(tree(tmp_path, [[1, value]], dtype), "train")[0]


@pytest.mark.parametrize("inner", ["", "ADEChallengeData2016"])
def test_the_archive_may_be_the_root_or_lie_in_it(tmp_path: Path, inner: str) -> None:
    tree(tmp_path / inner, [[1] * 4] * 3, split="validation")
    trees.put_photo(tmp_path / inner / "images/validation/ADE_1.jpg", 3, 4)
    example = ADE20K(tmp_path, "val")[0]
    assert example.image is not None
    assert example.image.shape == (3, 4, 3)


def test_the_metrics_ignore_unknown_alone(tmp_path: Path) -> None:
    table = ADE20K(tree(tmp_path, [[0]]), "train").classes
    assert len(table) == 151
    assert table.evaluate_as.tolist() == [*range(150), 255]
    assert table.evaluated_names[:3] == ("wall", "building", "sky")
    assert table.evaluated_names[149] == "flag"


def test_official_files() -> None:
    dataset = ADE20K(trees.real("ade20k"), "val")
    assert [example.id for example in dataset] == [f"ADE_val_0000000{k}" for k in (1, 2, 3)]
    example = dataset[0]
    assert example.label.shape == (512, 683)
    assert example.image is not None
    assert example.image.shape == (512, 683, 3)
    assert "building" in {dataset.classes.names[k] for k in np.unique(example.label)}
