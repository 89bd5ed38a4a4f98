"""From a command's options to the training of a segmenter: dataset, network, objective, pictures of predictions.

The loss is pixel cross-entropy over the evaluated classes. A segmenter of noisy pictures sees them as a diffusion model
does, at timesteps that are drawn alike.
"""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.base.drawing import colorize, grid
from sdm_bench.base.errors import UserError
from sdm_bench.base.processes import start_processes, total
from sdm_bench.base.tensors import load_strictly, to_unit_range
from sdm_bench.checkpoints.runs import TrainOptions
from sdm_bench.datasets.base import IGNORED, ClassTable, Example, SemanticDataset, Size
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.diffusion.gaussian_diffusion import NoiseSchedule, preset_schedule, q_sample
from sdm_bench.models import methods
from sdm_bench.models.preset import DiffusionPreset, TrainingPreset, flags_of, read_preset
from sdm_bench.training.batches import Batch
from sdm_bench.training.grids import held_out_examples
from sdm_bench.training.loop import LoopOptions, MakeGrid
from sdm_bench.training.objective import Objective, adamw
from sdm_bench.training.recipes import (
    check_size,
    initial_weights,
    own_classes_sha256,
    run_training,
    seeded_initialisation,
)
from segmenters.architectures import architecture, build_noisy, build_segmenter


def resolve(
    name: str,
    dataset: str,
    data: Path,
    preset_name: str,
    image_size: int | Size | None = None,
    overrides: dict[str, Any] | None = None,
    noisy: bool = False,
    process: dict[str, Any] | None = None,
    **options: Any,
) -> TrainOptions:
    """The options of a run that trains the segmenter called `name`; arguments as in sdm_bench.training.recipes.

    noisy: of noisy pictures, by the noise schedule of SDM's preset of that name. process: fields of DiffusionPreset in
    which the schedule is another.
    """
    about = architecture(name)
    if process and not noisy:
        raise UserError(f"{flags_of(process)}: of noisy pictures; give --noisy too")
    presets = resources.files("segmenters").joinpath("presets")
    if not presets.joinpath(f"{name}.yaml").is_file():
        trained = ", ".join(sorted(file.name.removesuffix(".yaml") for file in presets.iterdir()))
        raise UserError(f"{name}: no preset says how it is trained; expected one of {trained}")
    text = presets.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    source = open_dataset(dataset, data, "train")
    preset = read_preset(text, name, preset_name, source.kind)
    size = source.size(image_size or preset.image_size)
    check_size(size, about.size_multiple, name, about.size_multiple)
    return TrainOptions(
        method=name,
        dataset=source.name,
        data=str(data),
        preset=preset_name,
        image_size=size,
        classes_sha256=own_classes_sha256(source),
        network={**preset.network, "num_classes": len(source.classes.evaluated_names)},
        training=preset.training.model_copy(update=overrides or {}),
        diffusion=_noise(preset_name, source.kind, process or {}) if noisy else None,
        **options,
    )


def _noise(preset_name: str, dataset: str, process: dict[str, Any]) -> DiffusionPreset:
    """The forward process of SDM's preset; how its networks are read is no part of it."""
    preset = methods.preset("sdm", preset_name, dataset).diffusion
    assert preset is not None
    return DiffusionPreset(**{"steps": preset.steps, "schedule": preset.schedule, **process})


def train_segmenter(
    name: str, dataset: str, data: Path, preset: str, loop: LoopOptions, out: Path, **options: Any
) -> int:
    """Trains, or resumes, a segmenter in the folder `out`; returns the steps done in all.

    options: those of `resolve`.
    """
    return run_segmenter_training(resolve(name, dataset, data, preset, **options), loop, out)


def run_segmenter_training(options: TrainOptions, loop: LoopOptions, folder: Path) -> int:
    """Trains, or resumes, the segmenter in `folder`; returns the number of steps done in all."""
    start_processes(loop.device)
    dataset = open_dataset(options.dataset, Path(options.data), "train")
    noise = options.diffusion
    build = build_segmenter if noise is None else build_noisy
    with seeded_initialisation(options.seed):
        network = build(options.method, **options.network)
    if options.init is not None:
        load_strictly(network, initial_weights(Path(options.init))[0], options.init)
    objective = (
        SegmentationObjective(network, dataset.classes, options.training)
        if noise is None
        else NoisySegmentationObjective(network, dataset.classes, options.training, preset_schedule(noise))
    )
    return run_training(options, loop, folder, objective, _prediction_grid(options, dataset))


class SegmentationObjective(Objective):
    """Trains `network`, pictures (N, 3, H, W) -> scores (N, evaluated classes, H, W), on a dataset's own pairs."""

    def __init__(self, network: nn.Module, classes: ClassTable, preset: TrainingPreset):
        super().__init__(network, adamw(network, preset), preset)
        self.evaluate_as = torch.from_numpy(classes.evaluate_as).long()

    def update(self, batches: Sequence[Batch]) -> dict[str, float]:
        """One update from the mean gradient of those `batches` that have pixels that count.

        A batch's loss is the mean over such pixels of all processes; without any nothing happens.
        """
        truths = [self.evaluate_as.to(each.condition.label.device)[each.condition.label] for each in batches]
        counts = total(torch.stack([(truth != IGNORED).sum() for truth in truths])).tolist()
        counted = [each for each in zip(batches, truths, counts, strict=True) if each[-1]]
        sums = dict.fromkeys(("loss", "accuracy") if counted else (), 0.0)
        for batch, truth, pixels in counted:
            with self.accelerator.autocast():
                scores = self.scores(batch)
                summed = F.cross_entropy(scores.float(), truth, ignore_index=IGNORED, reduction="sum")
            # the mean of the processes' shares, each of them this large, is the mean over pixels
            share = self.accelerator.num_processes / (pixels * len(counted))
            self.accelerator.backward(summed * share)
            sums["loss"] += float(summed.detach()) * share
            sums["accuracy"] += float((scores.argmax(1) == truth).sum()) * share
        if counted:
            self.optimize("network")
        return sums

    def scores(self, batch: Batch) -> Tensor:
        """The network's of a batch, (N, evaluated classes, H, W)."""
        found: Tensor = self.modules["network"](batch.images)
        return found

    def clean_scores(self, network: nn.Module, images: Tensor) -> Tensor:
        """Those of pictures as they are, by `network`, the trained one or its average."""
        found: Tensor = network(images)
        return found


class NoisySegmentationObjective(SegmentationObjective):
    """Trains a network that also takes timesteps (N,) in [0, 1000) on pictures with the noise of `schedule`."""

    def __init__(self, network: nn.Module, classes: ClassTable, preset: TrainingPreset, schedule: NoiseSchedule):
        super().__init__(network, classes, preset)
        self.schedule = schedule

    def scores(self, batch: Batch) -> Tensor:
        """The network's of noisy pictures; a sample's noise seed decides its timestep and its noise."""
        timesteps, noises = [], []
        for seed in batch.noise_seeds:
            generator = torch.Generator().manual_seed(seed)
            timesteps.append(torch.randint(len(self.schedule), (1,), generator=generator))
            noises.append(torch.randn(batch.images.shape[1:], generator=generator))
        device = batch.images.device
        t, noise = torch.cat(timesteps).to(device), torch.stack(noises).to(device)
        x_t = q_sample(self.schedule, batch.images, t, noise)
        found: Tensor = self.modules["network"](x_t, self.schedule.scaled_timesteps(t))
        return found

    def clean_scores(self, network: nn.Module, images: Tensor) -> Tensor:
        """Those of pictures at the least noisy timestep."""
        found: Tensor = network(images, torch.zeros(len(images), device=images.device))
        return found


def _prediction_grid(options: TrainOptions, dataset: SemanticDataset) -> MakeGrid:
    """Draws photograph, label map and prediction of a few held-out examples, all in the evaluated classes."""
    examples = [example for example in held_out_examples(options, dataset) if example.image is not None]
    colors = evaluation_colors(dataset.classes)

    @torch.inference_mode()
    def make_grid(objective: Objective) -> np.ndarray:
        network, _ = objective.result()
        training = network.training
        images = torch.stack([to_unit_range(example.image) for example in examples if example.image is not None])
        assert isinstance(objective, SegmentationObjective)
        scores = objective.clean_scores(network.eval(), images.to(objective.accelerator.device))
        predicted = scores.argmax(1).cpu().numpy()
        network.train(training)
        rows = [_row(example, ids, colors, dataset.classes) for example, ids in zip(examples, predicted, strict=True)]
        return grid(rows, scale=max(1, 256 // max(options.image_size)))

    return make_grid


def _row(example: Example, predicted: np.ndarray, colors: np.ndarray, classes: ClassTable) -> list[np.ndarray]:
    assert example.image is not None
    return [example.image, colorize(classes.evaluate_as[example.label], colors), colorize(predicted, colors)]


def evaluation_colors(classes: ClassTable) -> np.ndarray:
    """uint8 (256, 3): the colours of the evaluated classes by evaluation index, black where ignored."""
    colors = np.zeros((256, 3), np.uint8)
    colors[classes.evaluate_as] = classes.colors
    colors[IGNORED] = 0
    return colors
