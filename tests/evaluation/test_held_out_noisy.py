"""Segmenters of noisy pictures are measured on photographs with noise."""

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from cli import main
from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints.runs import TrainingRun
from sdm_bench.evaluation import held_out_noisy as module
from sdm_bench.evaluation.held_out_noisy import SHARES, held_out_noisy
from sdm_bench.training.loop import LoopOptions
from sdm_bench.training.segmenters import resolve, run_segmenter_training


@pytest.fixture
def run(toy_cityscapes: Path, tmp_path: Path) -> Path:
    options = resolve("unet", "cityscapes", toy_cityscapes, "toy", overrides={"batch_size": 4}, noisy=True)
    options = options.model_copy(update={"network": {"num_classes": 19, "feature_scale": 16}})
    run_segmenter_training(options, LoopOptions(steps=1, save_every=1, device="cpu"), tmp_path / "run")
    return tmp_path / "run"


def test_a_segmenter_that_knows_nothing_guesses(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, float]] = []

    class Indifferent(torch.nn.Module):
        def forward(self, x: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
            seen.append((float(timesteps[0]), float(x.std())))
            return torch.zeros(len(x), 19, *x.shape[2:])

    monkeypatch.setattr(module, "load_guiding", lambda *_: (Indifferent(), ""))
    found = held_out_noisy(run, "cpu")
    assert found.index.tolist() == [int(share * 1000) for share in SHARES]
    assert found["log_likelihood"].to_numpy() == pytest.approx(-np.log(19))
    # of equal scores the first class, road, is taken
    assert found["accuracy"].nunique() == 1
    assert 0 < found["accuracy"].iloc[0] < 1
    assert {timestep for timestep, _ in seen} == {0.0, 250.0, 500.0, 750.0}
    assert seen[-1][1] > seen[0][1]


def test_the_command_prints_what_it_knows_at_four_timesteps(toy_cityscapes: Path, tmp_path: Path) -> None:
    options = ["--dataset", "cityscapes", "--data", str(toy_cityscapes), "--image-size", "16", "--steps", "1"]
    out = ["--out", str(tmp_path / "run"), "--batch-size", "2", "--device", "cpu", "--noise-schedule", "linear"]
    result = CliRunner().invoke(main, ["segment", "train", "unet", "--noisy", *options, *out])
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()[-4:]] == ["0", "250", "500", "750"]
    trained = TrainingRun(tmp_path / "run").options()
    assert trained.diffusion is not None
    assert (trained.diffusion.schedule, trained.diffusion.steps) == ("linear", 1000)


def test_what_it_was_trained_on_measures_nothing(run: Path) -> None:
    with pytest.raises(UserError, match="one split, which it was trained on"):
        held_out_noisy(run, "cpu", "train")
