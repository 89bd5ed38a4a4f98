"""From a command's options to a training: dataset, network, objective, and the pictures drawn on the way."""

import math
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_file
from sdm_bench.base.processes import alone_in, decided, losses_named, rank_and_count, start_processes, together
from sdm_bench.base.tensors import Tensors, load_strictly
from sdm_bench.checkpoints.runs import TrainingRun, TrainOptions
from sdm_bench.checkpoints.weights_file import read_weights
from sdm_bench.datasets.base import SemanticDataset, Size
from sdm_bench.datasets.folder import Folder
from sdm_bench.datasets.known_datasets import dataset_class, open_dataset
from sdm_bench.diffusion.gaussian_diffusion import preset_schedule
from sdm_bench.models import methods
from sdm_bench.models.preset import FIXED_VARIANCE, Preset, flags_of
from sdm_bench.models.unet import UNet
from sdm_bench.training.adversarial import AdversarialObjective
from sdm_bench.training.batches import TrainingStream, seed_of
from sdm_bench.training.diffusion import DiffusionObjective
from sdm_bench.training.grids import sample_grid
from sdm_bench.training.loop import LoopOptions, MakeGrid, train
from sdm_bench.training.objective import Objective
from sdm_bench.training.perceptual import choose_perceptual, load_perceptual
from sdm_bench.training.schedule import progress, scheduled

if TYPE_CHECKING:
    from accelerate import Accelerator

INITIALISATION = 4  # what a seed is for, beside those of batches.py


def train_method(
    method: str,
    dataset: str,
    data: Path,
    preset: str,
    loop: LoopOptions,
    out: Path,
    perceptual: str | None = None,
    **options: Any,
) -> int:
    """Trains, or resumes, a method in the folder `out`; returns the number of steps done in all.

    perceptual: by which network the perceptual loss of a GAN is, see training/perceptual.py. options: those of
    `resolve`.
    """
    start_processes(loop.device)
    with together():
        adversary = methods.preset(method, preset, dataset_class(dataset, data).name).discriminator
    chosen = decided(lambda: choose_perceptual(perceptual, method, adversary))
    with together():
        resolved = resolve(method, dataset, data, preset, **chosen, **options)
    return run_training(resolved, loop, out)


def resolve(
    method: str,
    dataset: str,
    data: Path,
    preset_name: str,
    image_size: int | Size | None = None,
    init: Path | None = None,
    overrides: dict[str, Any] | None = None,
    perceptual: Path | None = None,
    network: dict[str, Any] | None = None,
    diffusion: dict[str, Any] | None = None,
    **options: Any,
) -> TrainOptions:
    """The options of a run from a method's preset; `overrides` replace fields of its training section.

    image_size: the short side, or (height, width) (default: the preset's). init: weights to start from. perceptual: the
    weights file of the perceptual loss of a GAN. network, diffusion: replace fields of those sections of a diffusion
    model's preset. options: further fields of TrainOptions. Raises UserError where they don't go together.
    """
    source = open_dataset(dataset, data, "train")
    preset = changed(methods.preset(method, preset_name, source.kind), method, network, diffusion)
    size = source.size(image_size or preset.image_size)
    config = methods.network_config(method, _network_fields(preset, source), size)
    check_size(size, config.size_multiple, method, methods.size_multiple(preset_name, source.kind))
    if config.edges and not (source.has_instances or getattr(config, "instances_of_labels", False)):
        raise UserError(f"{source.name} has no instance maps, but '{preset_name}' of {method} has an edge channel")
    for name in ("condition_dropout", "timestep_sampler"):
        if methods.method(method).kind == "gan" and options.get(name) not in (None, 0.0, "uniform"):
            raise UserError(f"--{name.replace('_', '-')} {options[name]}: {method} is a GAN; diffusion models take it")
    return TrainOptions(
        method=method,
        dataset=source.name,
        data=str(data),
        preset=preset_name,
        image_size=size,
        classes_sha256=own_classes_sha256(source),
        network=config.model_dump(mode="json"),
        training=preset.training.model_copy(update=overrides or {}),
        sampling=preset.sampling,
        diffusion=preset.diffusion,
        discriminator=preset.discriminator,
        perceptual=None if perceptual is None or preset.discriminator is None else str(perceptual),
        init=None if init is None else str(init),
        init_sha256=None if init is None else initial_weights(init)[1],
        **options,
    )


def changed(preset: Preset, method: str, network: dict[str, Any] | None, diffusion: dict[str, Any] | None) -> Preset:
    """The preset with fields of its network and diffusion process replaced, sampled in as many steps as there are.

    Raises UserError for a GAN, and where the process can't be.
    """
    if not network and not diffusion:
        return preset
    if preset.diffusion is None:
        raise UserError(
            f"{flags_of([*(network or {}), *(diffusion or {})])}: {method} is a GAN; diffusion models take it"
        )
    process, fields = preset.diffusion.changed(diffusion or {}), {**preset.network, **(network or {})}
    if process.sigma_small and fields.get("out_channels") != FIXED_VARIANCE:
        raise UserError("--sigma-small: of fixed variances; give --no-learn-sigma too")
    sampling = preset.sampling.within(len(preset_schedule(process)))
    return preset.model_copy(update={"network": fields, "diffusion": process, "sampling": sampling})


def _network_fields(preset: Preset, dataset: SemanticDataset) -> dict[str, Any]:
    """The fields of a network for a dataset; what a dataset of one's own ignores is its last class, and "unknown"."""
    fields = {**preset.network, "num_classes": len(dataset.classes)}
    if isinstance(dataset, Folder) and "unknown_first" in fields and dataset.ignores:
        fields |= {"unknown_first": True, "class_shift": 1}
    return fields


def own_classes_sha256(dataset: SemanticDataset) -> str:
    """The digest of the class table of a dataset of one's own; empty for others, whose name says it."""
    return dataset.classes.digest() if dataset.kind == Folder.name else ""


def check_size(size: Size, multiple: int, name: str, every: int) -> None:
    """Raises UserError where (height, width) are not multiples of what the network `name` needs, with the nearest ones.

    every: what fits every method's network.
    """
    if not (size[0] % multiple or size[1] % multiple):
        return
    others = f"; {_nearest(size, every)} fit every method" if every != multiple else ""
    raise UserError(
        f"pictures of {size[1]}x{size[0]} pixels: {name} needs multiples of {multiple}; the nearest are "
        f"--image-size {_nearest(size, multiple)}{others}"
    )


def _nearest(size: Size, multiple: int) -> str:
    """The sizes around `size` whose sides are multiples, as WIDTHxHEIGHT."""
    around = ([max(1, step(side / multiple)) * multiple for side in size] for step in (math.floor, math.ceil))
    return " or ".join(dict.fromkeys(f"{width}x{height}" for height, width in around))


def run_training(
    options: TrainOptions,
    loop: LoopOptions,
    folder: Path,
    objective: Objective | None = None,
    make_grid: MakeGrid | None = None,
) -> int:
    """Trains, or resumes, the run in `folder`; returns the number of steps done in all.

    objective, make_grid: by default those of a method that makes pictures. Raises UserError where another command
    trains in `folder`, and where the run that is there has other options.
    """
    start_processes(loop.device)
    with together(), losses_named():
        _refuse_unequal_shares(options.training.batch_size)
        accelerator = make_accelerator(loop.device, options.precision)
    with alone_in(folder, "train", "wait for it, or choose another --out"):
        run = TrainingRun(folder)
        with together():
            options, loop = scheduled(options, loop, run)
            options = _with_budget(options, loop)
        decided(lambda: run.start(options, shlex.join(["sdm-bench", *sys.argv[1:]])))
        with together():
            dataset = open_dataset(options.dataset, Path(options.data), "train")
            objective = objective or make_objective(options)
            stream = TrainingStream.of(dataset, options)
            make_grid = make_grid or sample_grid(options, dataset)
            if loop.gradient_checkpointing:
                _checkpoint_gradients(objective.modules["network"], options.method)
        return train(
            run,
            objective,
            stream,
            options.training.batch_size,
            options.accumulate,
            loop,
            accelerator,
            partial(progress, options),
            make_grid,
        )


def _with_budget(options: TrainOptions, loop: LoopOptions) -> TrainOptions:
    """The options with the budget that alone ends the run, if one does."""
    alone = loop.steps is None
    budgets = {name: getattr(loop, name) if alone else None for name in ("budget_minutes", "core_budget_minutes")}
    return options.model_copy(update=budgets)


def _refuse_unequal_shares(batch_size: int) -> None:
    processes = rank_and_count()[1]
    if batch_size % processes:
        raise UserError(
            f"--batch-size {batch_size}: {processes} processes take equal shares of a batch; expected a multiple of "
            f"{processes}"
        )


def _checkpoint_gradients(network: nn.Module, method: str) -> None:
    if not isinstance(network, UNet):
        raise UserError(f"--gradient-checkpointing: expected a diffusion model, not {method}")
    network.checkpointing = True


def make_accelerator(device: str, precision: str) -> "Accelerator":
    """The processes and device of this run; under torchrun, one of several. Raises UserError where it can't be."""
    from accelerate import Accelerator

    chosen = start_processes(device)
    if precision == "fp16" and chosen.type == "cpu":
        raise UserError("--precision fp16: training in it needs a GPU; expected no or bf16")
    accelerator = Accelerator(cpu=chosen.type == "cpu", mixed_precision=precision)
    assert accelerator.num_processes == rank_and_count()[1]
    return accelerator


def make_objective(options: TrainOptions) -> Objective:
    """The objective of a method that makes pictures, its networks initialised from the seed or `options.init`."""
    config = methods.network_config(options.method, options.network)
    adversary = options.discriminator
    with seeded_initialisation(options.seed):
        network = methods.build_network(options.method, config)
        discriminator = None if adversary is None else methods.build_discriminator(adversary, config)
    if options.init is not None:
        load_strictly(network, initial_weights(Path(options.init))[0], options.init)
    if options.diffusion is not None:
        schedule = preset_schedule(options.diffusion)
        return DiffusionObjective(
            network,
            config.edges,
            schedule,
            options.training,
            options.condition_dropout,
            options.timestep_sampler,
            options.diffusion.loss,
        )
    assert adversary is not None
    assert discriminator is not None
    perceptual = None
    if options.perceptual is not None:
        path = Path(options.perceptual)
        perceptual = load_perceptual(options.perceptual_network, path, adversary.vgg_weights)
    return AdversarialObjective(network, discriminator, options.training, adversary, perceptual)


@contextmanager
def seeded_initialisation(seed: int) -> Iterator[None]:
    """Networks built inside get weights that depend on `seed` alone; the global generator is left as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seed_of(seed, INITIALISATION))
        yield


def initial_weights(source: Path) -> tuple[Tensors, str]:
    """Tensors to start from and their file's sha256: a run's raw weights, or a weights file; raises UserError."""
    if source.is_dir():
        run = TrainingRun(source)
        return run.weights(raw=True)[0], sha256_file(run.weights_file(raw=True))
    return read_weights(source)[0], sha256_file(source)
