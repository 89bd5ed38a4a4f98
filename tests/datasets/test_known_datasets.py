"""Datasets by name, and what a wrong name or split is told."""

from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.cityscapes import Cityscapes
from sdm_bench.datasets.known_datasets import DATASETS, dataset_class, open_dataset
from tests.datasets import trees


def test_the_papers_datasets_are_there_under_their_own_names() -> None:
    assert {"cityscapes", "ade20k", "celebamask_hq", "coco_stuff", "folder"} <= set(DATASETS)
    assert all(kind.name == name for name, kind in DATASETS.items())


def test_opening_by_name(tmp_path: Path) -> None:
    dataset = open_dataset("cityscapes", trees.cityscapes(tmp_path), "train")
    assert isinstance(dataset, Cityscapes)
    assert len(dataset) == 2


def test_a_wrong_name_is_told_the_nearest() -> None:
    with pytest.raises(UserError, match=r"Unknown dataset 'cityscape'. Did you mean 'cityscapes'\? Available: ade20k"):
        dataset_class("cityscape")


def test_a_far_name_is_told_all() -> None:
    with pytest.raises(
        UserError, match=r"Unknown dataset 'xyz'. Available: ade20k, celebamask_hq, cityscapes"
    ) as caught:
        dataset_class("xyz")
    assert "Did you mean" not in caught.value.message


def test_a_wrong_split_is_told_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ade20k has no split 'test'; it has train, val\."):
        open_dataset("ade20k", tmp_path, "test")


@pytest.mark.parametrize("name", ["cityscapes", "ade20k", "celebamask_hq", "coco_stuff"])
def test_shipped_tables_are_whole(name: str, tmp_path: Path) -> None:
    table = dataset_class(name)(tmp_path, "train", records=[]).classes
    assert table.colors.shape == (len(table), 3)
    evaluated = sorted(int(index) for index in table.evaluate_as if index != 255)
    assert evaluated == list(range(len(evaluated)))
