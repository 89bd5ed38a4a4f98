"""The checkpoints that ship with the program."""

import re
from pathlib import Path

import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints import shipped as module
from sdm_bench.checkpoints.generators import load_generator
from sdm_bench.checkpoints.segmenters import load_segmenter
from sdm_bench.checkpoints.shipped import FOLDER, shipped, shipped_weights
from sdm_bench.checkpoints.weights_file import read_weights
from sdm_bench.datasets.base import ClassTable, size_at
from sdm_bench.datasets.known_datasets import dataset_class
from tests.checkpoints.stand_ins import SEGMENTER, stand_in

# In bytes: of a file, and of all of them.
LARGEST, ALL = 3_000_000, 25_000_000
NAMES = ("sdm", "sdm-concat", "spade", SEGMENTER)
DATASETS = ("ade20k", "celebamask_hq", "cityscapes", "coco_stuff")
THERE = [(dataset, name) for dataset, names in shipped().items() for name in names]
CPU = torch.device("cpu")


def test_all_four_datasets_ship() -> None:
    assert {dataset: {*names} for dataset, names in shipped().items()} == {each: {*NAMES} for each in DATASETS}
    assert shipped_weights("sdm") == shipped_weights("sdm", "cityscapes")


@pytest.mark.parametrize(("dataset", "name"), THERE)
def test_shipped_checkpoints_say_how_they_were_made(dataset: str, name: str) -> None:
    path = shipped_weights(name, dataset)
    _, about = read_weights(path)
    assert about is not None
    assert (about.method, about.dataset) == (name, dataset)
    assert about.image_size == size_at(dataset_class(dataset).native_size, 32)
    assert about.command.startswith("sdm-bench ")
    assert about.steps
    assert about.seconds > 0
    assert about.version
    # the stage before too is written down
    assert bool(about.stages) == (about.training["init"] is not None)
    # where it was trained is nobody's business
    assert re.findall(r'"[^"]*(?:(?<=")| |=)[/~][^"]*"', path.with_suffix(".json").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(("dataset", "name"), [each for each in THERE if each[1] != SEGMENTER])
def test_shipped_generators_are_of_the_toy_preset_and_know_the_null_label(dataset: str, name: str) -> None:
    trained = load_generator("toy", name, dataset, "toy")
    assert trained.config.num_classes == len(ClassTable.shipped(dataset))
    if name.startswith("sdm"):
        assert trained.about.training["condition_dropout"] == 0.2


@pytest.mark.parametrize("dataset", [dataset for dataset, name in THERE if name == SEGMENTER])
def test_shipped_segmenters_are_of_their_dataset(dataset: str) -> None:
    loaded = load_segmenter("toy", dataset, ClassTable.shipped(dataset), CPU)
    assert loaded.name == "unet (toy)"
    scores = loaded.network(torch.zeros(1, 3, *loaded.image_size or ()))
    assert scores.shape[1] == len(ClassTable.shipped(dataset).evaluated_names)


def test_shipped_files_are_small() -> None:
    sizes = {path: path.stat().st_size for path in FOLDER.rglob("*.safetensors")}
    assert [path for path, size in sizes.items() if size > LARGEST] == []
    assert sum(sizes.values()) <= ALL


def test_the_file_is_that_of_the_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for dataset, name in (("ade20k", "spade"), ("ade20k", SEGMENTER), ("cityscapes", "spade")):
        stand_in(tmp_path, dataset, name)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    assert load_generator("toy", "spade", "ade20k").config.num_classes == 151
    assert load_generator("toy", "spade").config.num_classes == 35
    assert load_segmenter("toy", "ade20k", ClassTable.shipped("ade20k"), CPU).image_size == (32, 32)
    there = r"; those that do: ade20k: spade, unet; cityscapes: spade$"
    for name, dataset in (("sdm", None), ("unet", "cityscapes"), ("spade", "coco_stuff"), ("spade", "camvid")):
        with pytest.raises(UserError, match=f"no toy checkpoint of '{name}' for {dataset or 'cityscapes'} .*{there}"):
            shipped_weights(name, dataset)
    with pytest.raises(UserError, match=r"no toy checkpoint of 'unet' for cityscapes"):
        load_segmenter("toy", "cityscapes", ClassTable.shipped("cityscapes"), CPU)
