"""Trained networks from wherever they lie."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints.generators import load_generator
from sdm_bench.checkpoints.matching import PresetMatch, match_preset
from sdm_bench.checkpoints.runs import TrainingRun
from sdm_bench.checkpoints.shipped import shipped_weights
from sdm_bench.models import methods
from sdm_bench.training.loop import LoopOptions
from sdm_bench.training.recipes import run_training
from tests.conftest import tiny_options


@pytest.fixture(scope="module")
def run(toy_cityscapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny SDM trained for a step."""
    folder = tmp_path_factory.mktemp("run")
    run_training(tiny_options("sdm", toy_cityscapes), LoopOptions(steps=1, device="cpu"), folder)
    return folder


def test_a_run_gives_its_averaged_weights(run: Path) -> None:
    trained = load_generator(run)
    averaged, about = TrainingRun(run).weights()
    assert about.averaged
    assert all(torch.equal(value, averaged[key]) for key, value in trained.network.state_dict().items())
    assert not trained.network.training
    assert (trained.about.method, trained.about.steps, trained.config.spade_hidden) == ("sdm", 1, 4)


def toy_network(method: str, dataset: str, edges: bool | None = None, preset: str = "toy") -> nn.Module:
    """A toy network of a method for a dataset, with or without the edge channel, by default as the preset has it."""
    candidate = PresetMatch.of(method, preset, dataset)
    edges = candidate.edges if edges is None else edges
    return methods.build_network(method, replace(candidate, edges=edges).config)


def test_a_released_file_needs_to_be_told_what_it_is_and_finds_its_preset(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "latest_net_G.pth"
    torch.save({f"module.{key}": value for key, value in toy_network("spade", "ade20k").state_dict().items()}, file)
    trained = load_generator(file, "spade", "ade20k")
    assert trained.config.semantic_channels == 151
    assert trained.about.image_size == (32, 32)
    assert "matches preset 'toy' of spade for ade20k" in capsys.readouterr().err
    with pytest.raises(UserError, match="of a released checkpoint say what it is with --method and --dataset"):
        load_generator(file)
    with pytest.raises(
        UserError, match=r"weights of preset 'toy' of spade for cityscapes:\n  \d+ of another shape: head_0"
    ) as e:
        load_generator(file, "spade", "cityscapes")
    assert "They fit preset 'toy' of spade for ade20k." in e.value.message
    with pytest.raises(UserError, match=r"weights of preset 'paper' of spade for ade20k:"):
        load_generator(file, "spade", "ade20k", "paper")


@pytest.mark.parametrize("method", ["sdm", "sdm-concat"])
@pytest.mark.parametrize("edges", [False, True])
def test_a_released_checkpoint_tells_whether_it_has_an_edge_channel(method: str, edges: bool, tmp_path: Path) -> None:
    network = toy_network(method, "coco_stuff", edges)
    torch.save(network.state_dict(), tmp_path / "ema_0.9999_best.pt")
    trained = load_generator(tmp_path / "ema_0.9999_best.pt", method, "coco_stuff", "toy")
    assert trained.config.edges is edges
    assert trained.about.training["training"]["recipe"] == ("sdm-released" if method == "sdm" else "sdm")


def test_a_generator_comes_with_or_without_its_encoder(tmp_path: Path) -> None:
    tensors = toy_network("spade", "cityscapes", preset="toy-vae").state_dict()
    generator = {key: value for key, value in tensors.items() if not key.startswith("encoder.")}
    encoder = {key.removeprefix("encoder."): v for key, v in tensors.items() if key.startswith("encoder.")}
    torch.save(generator, tmp_path / "latest_net_G.pth")
    alone = load_generator(tmp_path, "spade", "cityscapes", "toy-vae")
    assert not hasattr(alone.network, "encoder")
    torch.save(encoder, tmp_path / "latest_net_E.pth")
    both = load_generator(tmp_path, "spade", "cityscapes", "toy-vae")
    assert torch.equal(both.network.state_dict()["encoder.fc_mu.weight"], encoder["fc_mu.weight"])
    assert both.sha256 != alone.sha256
    torch.save({name: value + 1 for name, value in encoder.items()}, tmp_path / "latest_net_E.pth")
    assert load_generator(tmp_path, "spade", "cityscapes", "toy-vae").sha256 not in (both.sha256, alone.sha256)


def test_weights_of_another_method_are_refused(run: Path) -> None:
    with pytest.raises(UserError, match=r"--method spade: .* holds weights of sdm"):
        load_generator(run, "spade")


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    torch.save({"a": Path("x")}, tmp_path / "evil.pt")
    with pytest.raises(UserError, match=r"evil\.pt: not a PyTorch file of plain tensors"):
        load_generator(tmp_path / "evil.pt", "sdm", "cityscapes")


def test_a_folder_that_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="neither a run nor a weights file of this program"):
        load_generator(tmp_path)


def test_only_shipped_checkpoints_are_called_toy() -> None:
    with pytest.raises(UserError, match="no toy checkpoint of 'oasis' for cityscapes ships"):
        shipped_weights("oasis")


def test_a_checkpoint_with_three_output_channels_is_recognised_and_told_how_it_was_trained(tmp_path: Path) -> None:
    match = replace(PresetMatch.of("sdm", "toy", "cityscapes"), fixed_variance=True)
    file = tmp_path / "ema_0.9999_best.pt"
    torch.save(methods.build_network("sdm", match.config).state_dict(), file)
    plain = load_generator(file, "sdm", "cityscapes")
    assert (plain.config.out_channels, plain.about.diffusion) == (3, {"steps": 1000, "schedule": "cosine"})
    told = {"steps": 20, "rescale_timesteps": True, "sigma_small": True, "predict_xstart": True}
    other = load_generator(file, "sdm", "cityscapes", process=told)
    assert other.about.diffusion == {"schedule": "cosine", **told}
    assert (other.about.sampling or {})["solver_steps"] == 20
    assert other.about.configuration_sha256 != plain.about.configuration_sha256


def test_what_nobody_can_say_of_weights_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--noise-schedule, --diffusion-steps: .*run0 says itself how it was trained"):
        load_generator(run, process={"schedule": "linear", "steps": 100})
    torch.save(toy_network("sdm", "cityscapes").state_dict(), tmp_path / "six.pt")
    with pytest.raises(UserError, match="--sigma-small: of fixed variances; these weights are of preset 'toy' of sdm"):
        load_generator(tmp_path / "six.pt", "sdm", "cityscapes", process={"sigma_small": True})
    torch.save(toy_network("spade", "cityscapes").state_dict(), tmp_path / "latest_net_G.pth")
    with pytest.raises(UserError, match="--rescale-timesteps: spade is a GAN"):
        load_generator(tmp_path / "latest_net_G.pth", "spade", "cityscapes", process={"rescale_timesteps": True})


@pytest.mark.parametrize("fixed", [False, True])
def test_the_network_of_512_pixels_is_recognised(fixed: bool) -> None:
    match = replace(PresetMatch.of("sdm", "paper-512", "cityscapes"), fixed_variance=fixed)
    tensors = match.network(encoder=True).state_dict()
    found = match_preset("ema.pt", tensors, "sdm", "cityscapes", None)
    assert (found.name, found.fixed_variance, found.image_size) == ("paper-512", fixed, (512, 1024))
    assert found.config.widths == [128, 256, 256, 512, 512, 1024, 1024]
