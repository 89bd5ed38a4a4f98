"""Segmenters train through the same loop, on the evaluated classes alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints.runs import TrainingRun
from sdm_bench.datasets.base import ClassTable
from sdm_bench.models.preset import TrainingPreset
from sdm_bench.training.loop import LoopOptions
from sdm_bench.training.segmenters import SegmentationObjective, evaluation_colors, resolve, run_segmenter_training

LOOP = LoopOptions(steps=3, log_every=1, save_every=2, grid_every=3, device="cpu")


def test_a_segmenter_learns_resumes_and_draws(toy_cityscapes: Path, tmp_path: Path) -> None:
    overrides = {"batch_size": 4}
    options = resolve("unet", "cityscapes", toy_cityscapes, "toy", overrides=overrides, schedule_steps=LOOP.steps)
    options = options.model_copy(update={"network": {"num_classes": 19, "feature_scale": 16}})
    run_segmenter_training(options, LOOP, tmp_path / "whole")
    run_segmenter_training(options, replace(LOOP, steps=2), tmp_path / "resumed")
    run_segmenter_training(options, LOOP, tmp_path / "resumed")
    (whole, about), (resumed, _) = (TrainingRun(tmp_path / name).weights() for name in ("whole", "resumed"))
    # The rate falls with the share of the steps, so a run that was once asked for fewer took other steps.
    assert whole.keys() == resumed.keys()
    assert about.network == {"num_classes": 19, "feature_scale": 16}
    assert (tmp_path / "whole" / "grids" / "step-00000003.png").is_file()


class Constant(torch.nn.Module):
    """Scores that are one parameter a class, whatever the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = torch.nn.Parameter(torch.zeros(19))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.scores[None, :, None, None].expand(len(images), 19, *images.shape[2:])


def test_ignored_pixels_train_nothing(toy_cityscapes: Path) -> None:
    from accelerate import Accelerator

    from sdm_bench.conditioning import Condition
    from sdm_bench.training.batches import Batch

    network = Constant()
    preset = TrainingPreset(recipe="sdm", batch_size=1, learning_rate=0.1)
    objective = SegmentationObjective(network, ClassTable.shipped("cityscapes"), preset)
    objective.prepare(Accelerator(cpu=True))
    label = torch.full((1, 4, 4), 4)  # static, which the benchmark ignores
    label[0, 0, 0] = 7  # road
    batch = Batch(torch.zeros(1, 3, 4, 4), Condition(label, None, 35, torch.ones(1, dtype=torch.bool)), [0])
    scalars = objective.step([batch], 0.0)
    assert scalars["loss"] == pytest.approx(np.log(19), rel=1e-5)
    assert network.scores.argmax() == 0


def test_evaluation_colours_are_those_of_the_classes() -> None:
    colors = evaluation_colors(ClassTable.shipped("cityscapes"))
    assert colors[0].tolist() == [128, 64, 128]
    assert colors[13].tolist() == [0, 0, 142]
    assert colors[255].tolist() == [0, 0, 0]


def test_bad_options_are_refused(toy_cityscapes: Path) -> None:
    with pytest.raises(UserError, match="unet needs multiples of 16"):
        resolve("unet", "cityscapes", toy_cityscapes, "toy", image_size=24)
    with pytest.raises(UserError, match=r"Unknown segmenter 'untet'\. Did you mean 'unet'"):
        resolve("untet", "cityscapes", toy_cityscapes, "toy")
