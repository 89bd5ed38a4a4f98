"""Trained networks from wherever they lie."""

from pathlib import Path

import pytest
import torch

from sdm_bench.datasets.base import ClassTable
from sdm_bench.errors import UserError
from sdm_bench.models import catalog
from sdm_bench.trained import load_trained, shipped_weights
from sdm_bench.training.loop import LoopOptions
from sdm_bench.training.recipes import run_training
from sdm_bench.training.runs import TrainingRun
from tests.conftest import tiny_options


@pytest.fixture(scope="module")
def run(toy_cityscapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny SDM trained for a step."""
    folder = tmp_path_factory.mktemp("run")
    run_training(tiny_options("sdm", toy_cityscapes), LoopOptions(steps=1, device="cpu"), folder)
    return folder


def test_a_run_gives_its_averaged_weights(run: Path) -> None:
    trained = load_trained(run)
    averaged, about = TrainingRun(run).weights()
    assert about.averaged
    assert all(torch.equal(value, averaged[key]) for key, value in trained.network.state_dict().items())
    assert not trained.network.training
    assert (trained.about.method, trained.about.steps, trained.config.spade_hidden) == ("sdm", 1, 4)


def released_file(folder: Path, dataset: str) -> Path:
    """A bare state dict of the toy SPADE for a dataset, as authors pack theirs."""
    preset = catalog.preset("spade", "toy", dataset)
    fields = {**preset.network, "num_classes": len(ClassTable.shipped(dataset))}
    network = catalog.build_network("spade", catalog.network_config("spade", fields))
    torch.save(network.state_dict(), folder / "latest_net_G.pth")
    return folder / "latest_net_G.pth"


def test_a_bare_state_dict_needs_to_be_told_what_it_is(tmp_path: Path) -> None:
    file = released_file(tmp_path, "ade20k")
    trained = load_trained(file, "spade", "ade20k", "toy")
    assert trained.config.semantic_channels == 151
    assert trained.about.image_size == (32, 32)
    with pytest.raises(UserError, match="a bare state dict; say what it is with --method and --dataset"):
        load_trained(file)
    with pytest.raises(UserError, match=r"fc\.weight takes 151 channels of condition; expected 35 classes, or 36 with"):
        load_trained(file, "spade", "cityscapes", "toy")


@pytest.mark.parametrize("method", ["sdm", "sdm-concat"])
@pytest.mark.parametrize("edges", [False, True])
def test_a_released_checkpoint_tells_whether_it_has_an_edge_channel(method: str, edges: bool, tmp_path: Path) -> None:
    preset = catalog.preset(method, "toy", "coco_stuff")
    config = catalog.network_config(method, {**preset.network, "num_classes": 183, "edges": edges})
    torch.save(catalog.build_network(method, config).state_dict(), tmp_path / "ema_0.9999_best.pt")
    trained = load_trained(tmp_path / "ema_0.9999_best.pt", method, "coco_stuff", "toy")
    assert trained.config.edges is edges
    assert trained.about.training["training"]["recipe"] == ("sdm-released" if method == "sdm" else "sdm")


def test_weights_of_another_method_are_refused(run: Path) -> None:
    with pytest.raises(UserError, match=r"--method spade: .* holds weights of sdm"):
        load_trained(run, "spade")


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    torch.save({"a": Path("x")}, tmp_path / "evil.pt")
    with pytest.raises(UserError, match=r"evil\.pt: not a PyTorch file of plain tensors"):
        load_trained(tmp_path / "evil.pt", "sdm", "cityscapes")


def test_a_folder_that_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no checkpoint yet"):
        load_trained(tmp_path)


def test_only_shipped_checkpoints_are_called_toy() -> None:
    with pytest.raises(UserError, match="no toy checkpoint of 'oasis' ships"):
        shipped_weights("oasis")
