"""From a command's options to a training: dataset, network, objective, and the pictures drawn on the way."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.catalog import open_dataset
from sdm_bench.datasets.transforms import Transform
from sdm_bench.diffusion.schedule import make_schedule
from sdm_bench.errors import UserError
from sdm_bench.files import sha256_file
from sdm_bench.models import catalog
from sdm_bench.models.unet import UNet
from sdm_bench.tensors import Tensors, load_strictly
from sdm_bench.training import checkpoints
from sdm_bench.training.adversarial import AdversarialObjective
from sdm_bench.training.batches import Draws, seeded
from sdm_bench.training.diffusion import DiffusionObjective
from sdm_bench.training.gan_losses import VGGLoss
from sdm_bench.training.grids import sample_grid
from sdm_bench.training.loop import LoopOptions, MakeGrid, make_accelerator, train
from sdm_bench.training.objective import Objective
from sdm_bench.training.runs import TrainingRun, TrainOptions

MEMORY_LIMIT = 512 * 2**20
INITIALISATION = 4


def resolve(
    method: str,
    dataset: str,
    data: Path,
    preset_name: str,
    image_size: int | None = None,
    init: Path | None = None,
    overrides: dict[str, Any] | None = None,
    perceptual: Path | None = None,
    **options: Any,
) -> TrainOptions:
    """The options of a run from a method's preset; `overrides` replace fields of its training section.

    image_size: the short side (default: the preset's). init: weights to start from. perceptual: the VGG19 file of the
    perceptual loss of a GAN. options: further fields of TrainOptions. Raises UserError where they don't go together.
    """
    preset = catalog.preset(method, preset_name, dataset)
    source = open_dataset(dataset, data, "train")
    size = source.size(image_size or preset.image_size)
    config = catalog.network_config(method, {**preset.network, "num_classes": len(source.classes)}, size)
    check_size(size, config.size_multiple, method)
    if config.edges and not (source.has_instances or getattr(config, "instances_of_labels", False)):
        raise UserError(f"{dataset} has no instance maps, but '{preset_name}' of {method} has an edge channel")
    _refuse_for_gans(method, options)
    return TrainOptions(
        method=method,
        dataset=dataset,
        data=str(data),
        preset=preset_name,
        image_size=size,
        network=config.model_dump(mode="json"),
        training=preset.training.model_copy(update=overrides or {}),
        sampling=preset.sampling,
        diffusion=preset.diffusion,
        discriminator=preset.discriminator,
        perceptual=None if perceptual is None or preset.discriminator is None else str(perceptual),
        init=None if init is None else str(init),
        init_sha256=None if init is None else _initial(init)[1],
        **options,
    )


def _refuse_for_gans(method: str, options: dict[str, Any]) -> None:
    for name in ("condition_dropout", "timestep_sampler"):
        if catalog.method(method).kind == "gan" and options.get(name) not in (None, 0.0, "uniform"):
            raise UserError(f"--{name.replace('_', '-')} {options[name]}: {method} is a GAN; diffusion models take it")


def check_size(size: tuple[int, int], multiple: int, name: str) -> None:
    """Raises UserError where (height, width) are not multiples of what the network `name` needs."""
    if size[0] % multiple or size[1] % multiple:
        raise UserError(f"--image-size gives {size[1]}x{size[0]} pixels; {name} needs multiples of {multiple}")


def run_training(
    options: TrainOptions,
    loop: LoopOptions,
    folder: Path,
    objective: Objective | None = None,
    make_grid: MakeGrid | None = None,
) -> int:
    """Trains, or resumes, the run in `folder`; returns the number of steps done in all.

    objective, make_grid: by default those of a method that makes pictures.
    """
    run = TrainingRun(folder)
    run.start(options, shlex.join(["sdm-bench", *sys.argv[1:]]))
    accelerator = make_accelerator(loop.device, options.precision, adversarial=options.discriminator is not None)
    dataset = open_dataset(options.dataset, Path(options.data), "train")
    objective = objective or make_objective(options)
    if loop.gradient_checkpointing:
        _checkpoint_gradients(objective, options.method)
    return train(
        run,
        objective,
        training_draws(dataset, options),
        options.training.batch_size,
        options.accumulate,
        loop,
        accelerator,
        make_grid or sample_grid(options, dataset),
    )


def _checkpoint_gradients(objective: Objective, method: str) -> None:
    network = objective.modules["network"]
    if not isinstance(network, UNet):
        raise UserError(f"--gradient-checkpointing: expected a diffusion model, not {method}")
    network.checkpointing = True


def training_draws(dataset: SemanticDataset, options: TrainOptions) -> Draws:
    """The stream of training examples; a small dataset is kept in memory."""
    recipe, mirrored = options.training.recipe, dataset.classes.mirrored
    transform = Transform(recipe, options.image_size, dataset.keeps_aspect, training=True, mirrored=mirrored)
    first = dataset[0]
    parts = (first.image, first.label, first.instance)
    bytes_in_all = len(dataset) * sum(part.nbytes for part in parts if part is not None)
    return Draws(dataset, transform, options.seed, in_memory=bytes_in_all <= MEMORY_LIMIT)


def make_objective(options: TrainOptions) -> Objective:
    """The objective of a method that makes pictures, its networks initialised from the seed or `options.init`."""
    config = catalog.network_config(options.method, options.network)
    adversary = options.discriminator
    with seeded_initialisation(options.seed):
        network = catalog.build_network(options.method, config)
        discriminator = None if adversary is None else catalog.build_discriminator(adversary, config)
    initial_weights(network, options)
    if options.diffusion is not None:
        schedule = make_schedule(options.diffusion.schedule, options.diffusion.steps)
        return DiffusionObjective(
            network,
            config.edges,
            schedule,
            options.training,
            options.condition_dropout,
            options.seed,
            options.timestep_sampler,
        )
    assert adversary is not None
    assert discriminator is not None
    perceptual = None if options.perceptual is None else VGGLoss.load(Path(options.perceptual), adversary.vgg_weights)
    return AdversarialObjective(network, discriminator, options.training, adversary, perceptual, options.seed)


@contextmanager
def seeded_initialisation(seed: int) -> Iterator[None]:
    """Networks built inside get weights that depend on `seed` alone; the global generator is left as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seeded(seed, INITIALISATION).initial_seed())
        yield


def initial_weights(network: nn.Module, options: TrainOptions) -> None:
    """Loads what `options.init` names, if anything; raises UserError where it doesn't fit."""
    if options.init is not None:
        load_strictly(network, _initial(Path(options.init))[0], options.init)


def _initial(source: Path) -> tuple[Tensors, str]:
    """Tensors to start from and their file's sha256: a run's raw weights, or a weights file."""
    if source.is_dir():
        run = TrainingRun(source)
        return run.weights(raw=True)[0], sha256_file(run.weights_file(raw=True))
    return checkpoints.read_weights(source)[0], sha256_file(source)
