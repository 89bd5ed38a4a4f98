"""From options to runs: presets, initial weights, refusals."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints.runs import TrainingRun
from sdm_bench.checkpoints.stored import export_weights
from sdm_bench.toy import write_toy
from sdm_bench.training.loop import LoopOptions
from sdm_bench.training.recipes import make_objective, resolve, run_training, train_method
from tests.conftest import tiny_options
from tests.datasets import trees

LOOP = LoopOptions(steps=1, save_every=1, device="cpu")


def test_the_preset_and_what_replaces_it(toy_cityscapes: Path) -> None:
    options = resolve("sdm", "cityscapes", toy_cityscapes, "toy", image_size=16, overrides={"learning_rate": 0.1})
    assert options.image_size == (16, 32)
    assert options.network["num_classes"] == 35
    assert (options.training.learning_rate, options.training.batch_size) == (0.1, 16)


def test_sizes_the_network_cannot_halve_are_refused(toy_cityscapes: Path) -> None:
    message = "pictures of 40x20 pixels: sdm needs multiples of 8; the nearest are --image-size 40x16 or 40x24$"
    with pytest.raises(UserError, match=message):
        resolve("sdm", "cityscapes", toy_cityscapes, "toy", image_size=20)


def own_dataset(root: Path, head: str) -> Path:
    """Two classes with ids 7 and 300, in pictures of 48x36 pixels."""
    classes = "classes:\n- {id: 7, name: sky, color: [0, 0, 9]}\n- {id: 300, name: road, color: [9, 9, 9]}\n"
    root.mkdir(parents=True)
    (root / "classes.yaml").write_text(f"{head}\n{classes}")
    for name in "ab":
        trees.put_map(root / f"labels/{name}.png", [[7] * 48] * 18 + [[300] * 48] * 18, np.uint16)
        trees.put_photo(root / f"images/{name}.jpg", 36, 48)
    return root


def test_presets_follow_a_dataset_of_ones_own(tmp_path: Path) -> None:
    root = own_dataset(tmp_path / "own", "name: camvid-like\nsize: [36, 48]\nignore: 255")
    message = (
        "pictures of 48x36 pixels: {} needs multiples of {}; the nearest are --image-size {}; 64x64 fit every method"
    )
    for method, multiple, nearest in (("sdm", 32, "32x32 or 64x64"), ("pix2pixhd", 16, "48x32 or 48x48")):
        with pytest.raises(UserError, match=message.format(method, multiple, nearest)):
            resolve(method, "folder", root, "paper")
    options = resolve("spade", "camvid-like", root, "paper", image_size=(96, 128))
    assert (options.dataset, options.image_size, options.network["num_classes"]) == ("camvid-like", (96, 128), 3)
    assert options.classes_sha256
    assert resolve("oasis", "folder", root, "paper", image_size=(64, 96)).network["class_shift"] == 1
    with pytest.raises(UserError, match=r"Unknown dataset 'camvid': .*classes\.yaml calls it 'camvid-like'"):
        resolve("sdm", "camvid", root, "toy")


def test_a_training_knows_the_classes_of_a_dataset_of_ones_own(tmp_path: Path) -> None:
    root = own_dataset(tmp_path / "own", "name: x")
    before = resolve("sdm", "x", root, "toy", image_size=(16, 24))
    text = (root / "classes.yaml").read_text()
    (root / "classes.yaml").write_text(text.replace("sky", "heaven"))
    assert resolve("sdm", "x", root, "toy", image_size=(16, 24)).classes_sha256 != before.classes_sha256


def test_a_gan_takes_no_options_of_diffusion_models(toy_cityscapes: Path) -> None:
    for name, value in (("condition_dropout", 0.2), ("timestep_sampler", "loss-second-moment")):
        with pytest.raises(UserError, match=f"--{name.replace('_', '-')} {value}: spade is a GAN"):
            resolve("spade", "cityscapes", toy_cityscapes, "toy", **{name: value})


def test_weights_start_from_the_seed_or_from_a_run_or_a_file(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("sdm", toy_cityscapes)
    same, again = (make_objective(options).modules["network"].state_dict() for _ in range(2))
    other = make_objective(options.model_copy(update={"seed": 1})).modules["network"].state_dict()
    assert all(torch.equal(same[key], again[key]) for key in same)
    assert any(not torch.equal(same[key], other[key]) for key in same)
    run_training(options, replace(LOOP, steps=2), tmp_path / "run")
    export_weights(tmp_path / "run", tmp_path / "raw.safetensors", bits=32, raw=True)
    raw, _ = TrainingRun(tmp_path / "run").weights(raw=True)
    for init in (tmp_path / "run", tmp_path / "raw.safetensors"):
        started = make_objective(options.model_copy(update={"init": str(init)})).modules["network"].state_dict()
        assert all(torch.equal(started[key], raw[key]) for key in raw)


def test_a_weights_file_knows_the_runs_before_its_own(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = tiny_options("sdm", toy_cityscapes)
    run_training(options, replace(LOOP, steps=2), tmp_path / "first")
    second = options.model_copy(update={"init": str(tmp_path / "first"), "condition_dropout": 0.2})
    run_training(second, LOOP, tmp_path / "second")
    _, about = TrainingRun(tmp_path / "second").weights()
    assert (about.steps, [stage["steps"] for stage in about.stages]) == (1, [2])
    assert TrainingRun(tmp_path / "first").weights()[1].stages == []


def test_initial_weights_of_another_network_are_refused(toy_cityscapes: Path, tmp_path: Path) -> None:
    run_training(tiny_options("sdm", toy_cityscapes), LOOP, tmp_path / "run")
    with pytest.raises(UserError, match=r"these are not the weights of ConcatDDPM:\n.*missing"):
        make_objective(tiny_options("sdm-concat", toy_cityscapes).model_copy(update={"init": str(tmp_path / "run")}))


def test_a_preset_with_edges_needs_instance_maps(tmp_path: Path) -> None:
    write_toy("ade20k", tmp_path, {"train": 1}, (32, 32))
    assert resolve("sdm", "ade20k", tmp_path, "toy").network["edges"] is False


def test_training_without_the_perceptual_weights_says_so(
    toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SDM_BENCH_CACHE", str(tmp_path / "cache"))
    train_method("spade", "cityscapes", toy_cityscapes, "toy", LOOP, tmp_path / "run", overrides={"batch_size": 2})
    assert "trained without the perceptual loss; vgg19 is not in the cache" in capsys.readouterr().err
    assert TrainingRun(tmp_path / "run").options().perceptual is None


def test_what_replaces_a_diffusion_model_s_process_and_network(toy_cityscapes: Path, tmp_path: Path) -> None:
    network = {"out_channels": 3, "channel_mult": [0.5, 1, 1, 1]}
    process = {"steps": 100, "timestep_respacing": "3,4", "predict_xstart": True, "loss": "kl"}
    options = resolve(
        "sdm", "cityscapes", toy_cityscapes, "toy", overrides={"batch_size": 2}, network=network, diffusion=process
    )
    assert (options.network["out_channels"], options.network["channel_mult"]) == (3, [0.5, 1, 1, 1])
    assert options.diffusion is not None
    assert options.diffusion.model_dump() == {"schedule": "cosine", **process}
    assert options.sampling.solver_steps == 7
    run = TrainingRun(tmp_path / "run")
    run_training(options, LOOP, run.folder)
    assert run.weights()[1].diffusion == options.diffusion.model_dump()


def test_processes_that_cannot_be_are_refused(toy_cityscapes: Path) -> None:
    def refused(method: str, match: str, **options: dict[str, Any]) -> None:
        with pytest.raises(UserError, match=match):
            resolve(method, "cityscapes", toy_cityscapes, "toy", **options)

    refused(
        "spade",
        "--channel-mult, --diffusion-steps: spade is a GAN",
        network={"channel_mult": [1]},
        diffusion={"steps": 9},
    )
    refused("sdm", "--sigma-small: of fixed variances; give --no-learn-sigma too", diffusion={"sigma_small": True})
    refused("sdm", "cannot take 600 steps from 500 timesteps", diffusion={"timestep_respacing": "600,1"})
    refused("sdm", "configuration of sdm: 9 channels at 1/1 of", network={"channel_mult": [0.3, 1]})
