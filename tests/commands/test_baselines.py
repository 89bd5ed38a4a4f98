"""The baselines from the command line: what there is, released files, styles of the ground truth."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from sdm_bench.checkpoints.runs import TrainingRun
from sdm_bench.models import methods
from sdm_bench.sampling.folders import SampleFolder
from tests.commands.test_commands import sdm_bench


def test_every_method_is_listed_with_its_licence_and_weights() -> None:
    lines = sdm_bench("methods", "list").output.splitlines()
    assert [line.split(":")[0] for line in lines if not line.startswith(" ")] == list(methods.METHODS)
    assert "spade: SPADE; gan; stochastic: with paper-vae, toy-vae" in lines
    assert "  cityscapes: paper, toy, paper-vae, toy-vae; 93.0 M parameters" in lines
    assert "  original: boschresearch/OASIS@aeb875f; licence: AGPL-3.0" in lines


@pytest.fixture(scope="module")
def run(toy_cityscapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SPADE with its encoder, trained for a step."""
    folder = tmp_path_factory.mktemp("vae") / "run"
    data = ("--dataset", "cityscapes", "--data", toy_cityscapes)
    sdm_bench("train", "spade", *data, "--preset", "toy-vae", "--batch-size", 2, "--steps", 1, "--out", folder)
    return folder


def pictures(folder: Path, seed: int = 0) -> list[bytes]:
    samples = SampleFolder(folder).seed_folder(seed)
    return [Image.open(path).tobytes() for path in sorted(samples.iterdir())]


def test_a_style_of_the_ground_truth_is_asked_for_and_marked(run: Path, tmp_path: Path) -> None:
    drawn, styled = tmp_path / "drawn", tmp_path / "styled"
    sdm_bench("generate", run, "--seeds", "0-1", "--out", drawn)
    sdm_bench("generate", run, "--variant", "mine", "--style", "ground-truth", "--out", styled)
    assert pictures(drawn, 0) != pictures(drawn, 1)
    assert pictures(drawn) != pictures(styled)
    titles = [SampleFolder(folder).options().variant_title for folder in (drawn, styled)]
    assert titles == ["", "mine, ground-truth style"]
    assert [SampleFolder(folder).options().photographs_sha256 is None for folder in (drawn, styled)] == [True, False]
    assert "style: None there, 'ground-truth' asked for" in (
        sdm_bench("generate", run, "--style", "ground-truth", "--out", drawn, code=2).output
    )


def test_a_released_generator_without_its_encoder_takes_no_style(
    run: Path, toy_cityscapes: Path, tmp_path: Path
) -> None:
    tensors, _ = TrainingRun(run).weights()
    generator = {f"module.{key}": value for key, value in tensors.items() if not key.startswith("encoder.")}
    torch.save(generator, tmp_path / "latest_net_G.pth")
    released = ("--method", "spade", "--checkpoint", tmp_path, "--dataset", "cityscapes", "--data", toy_cityscapes)
    result = sdm_bench("generate", *released, "--out", tmp_path / "out")
    assert "matches preset 'toy-vae' of spade for cityscapes" in result.stderr
    sdm_bench("generate", run, "--out", tmp_path / "own")
    assert pictures(tmp_path / "out") == pictures(tmp_path / "own")
    refused = sdm_bench("generate", *released, "--style", "ground-truth", "--out", tmp_path / "styled", code=2)
    assert "has no encoder that could take a photograph's style" in refused.output
