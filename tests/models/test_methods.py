"""Methods and presets by name."""

import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.base import ClassTable, size_at
from sdm_bench.datasets.known_datasets import dataset_class
from sdm_bench.models import methods

DATASETS = ("cityscapes", "ade20k", "celebamask_hq", "coco_stuff")


@pytest.mark.parametrize("method", methods.METHODS)
@pytest.mark.parametrize("preset", ["paper", "toy"])
@pytest.mark.parametrize("dataset", DATASETS)
def test_every_preset_builds_its_network(method: str, preset: str, dataset: str) -> None:
    chosen = methods.preset(method, preset, dataset)
    size = size_at(dataset_class(dataset).native_size, chosen.image_size)
    # groups of convolutions need the dataset's own number of classes
    classes = len(ClassTable.shipped(dataset)) if method == "groupdnet" else 19
    config = methods.network_config(method, {**chosen.network, "num_classes": classes}, size)
    assert not any(side % config.size_multiple for side in size)
    with torch.device("meta"):
        network = methods.build_network(method, config)
    bytes_in_half = 2 * sum(value.numel() for value in network.state_dict().values())
    if preset == "toy":
        assert bytes_in_half < 3_000_000 or dataset == "coco_stuff"
    else:
        assert bytes_in_half > (75_000_000 if method == "scgan" else 100_000_000)


@pytest.mark.parametrize(
    ("dataset", "channels", "millions"),
    [("ade20k", 151, 660.6), ("celebamask_hq", 20, 653.1), ("cityscapes", 36, 654.0), ("coco_stuff", 184, 662.5)],
)
def test_the_published_sizes_of_sdm(dataset: str, channels: int, millions: float) -> None:
    chosen = methods.preset("sdm", "paper", dataset)
    config = methods.network_config("sdm", {**chosen.network, "num_classes": len(ClassTable.shipped(dataset))})
    with torch.device("meta"):
        network = methods.build_network("sdm", config)
    assert config.semantic_channels == channels
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 1) == millions


def test_what_a_dataset_changes_leaves_the_rest_of_the_defaults() -> None:
    celeba = methods.preset("sdm", "paper", "celebamask_hq").training
    assert (celeba.learning_rate, celeba.batch_size, celeba.ema_decay) == (2e-5, 32, 0.9999)
    assert methods.preset("sdm", "paper", "ade20k").network == {"edges": False}


def test_rates_of_toy_gans_fall_as_the_published_ones() -> None:
    # averages of batch statistics trail what they are of: where the rate stays high, samples are made with others
    for name in (each for each, about in methods.METHODS.items() if about.kind == "gan"):
        toy, paper = (methods.preset(name, each, "celebamask_hq").training.decay_from for each in ("toy", "paper"))
        assert toy == paper, name


@pytest.mark.parametrize("method", [each for each, about in methods.METHODS.items() if about.kind == "gan"])
def test_toy_gans_start_with_more_than_one_pixel(method: str) -> None:
    # from one pixel they would see one label, and their batch norms no variance
    chosen = methods.preset(method, "toy", "celebamask_hq")
    config = methods.network_config(method, {**chosen.network, "num_classes": 19}, (32, 32))
    assert 32 // config.size_multiple >= 4


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"Unknown method 'smd'\. Did you mean 'sdm'"):
        methods.method("smd")
    with pytest.raises(UserError, match=r"Unknown preset of sdm 'papr'\. Did you mean 'paper'"):
        methods.preset("sdm", "papr", "ade20k")
    with pytest.raises(UserError, match="preset 'paper-1024p': 'folder'"):
        methods.preset("pix2pixhd", "paper-1024p", "folder")
    with pytest.raises(UserError, match="configuration of sdm"):
        methods.network_config("sdm", {"num_classes": 3, "edges": True, "widht": 5})
