"""A trained network and label maps in, PNG files out: one random generator a sample, shards, resume."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sdm_bench.base.background import in_background
from sdm_bench.base.devices import pick_device
from sdm_bench.base.drawing import to_uint8
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import is_whole_picture, write_png
from sdm_bench.base.finite import refuse_pictures, refuse_weights
from sdm_bench.base.processes import alone_in, decided, rank_and_count, same_everywhere, start_processes
from sdm_bench.base.progress import say, track
from sdm_bench.checkpoints.generators import TrainedNetwork, WeightsSpec
from sdm_bench.conditioning import Condition
from sdm_bench.datasets.base import Example, SemanticDataset
from sdm_bench.datasets.digests import labels_sha256, photographs_sha256
from sdm_bench.datasets.folder import Folder
from sdm_bench.datasets.known_datasets import DatasetSplit
from sdm_bench.datasets.toy_scenes import toy_dataset
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.models import methods
from sdm_bench.models.preset import PERCEPTUAL_DEFAULT
from sdm_bench.sampling.chosen import (
    guiding_segmenter,
    learnt_null_label,
    recipe_of,
    refuse_idle_options,
    sampling_of,
    say_guidance,
    synthesizer_of,
)
from sdm_bench.sampling.cost import Stopwatch, record_network
from sdm_bench.sampling.folders import MAY_CHANGE, SampleFolder, SampleOptions, variant_called
from sdm_bench.sampling.synthesizers import SamplingOptions, Speed, Synthesizer, sample_generator

BATCH_SIZE = 8
WITHOUT_PERCEPTUAL_LOSS = "trained without the perceptual loss"
OTHER_PERCEPTUAL_LOSS = "perceptual loss by {} in place of vgg19"
WITHOUT_NULL_LABEL = "guided by a null label that was not learnt"


def generate_samples(
    weights: WeightsSpec,
    where: DatasetSplit,
    out: Path | None,
    seeds: Sequence[int],
    sampling: SamplingOptions,
    command: str,
    variant: str = "",
    batch_size: int | None = None,
    shard: tuple[int, int] | None = None,
    device: str = "auto",
    speed: Speed | None = None,
    recipe: str | None = None,
    style: str | None = None,
) -> Path:
    """Samples every label map of a split for every seed; returns the folder that holds them.

    where: what is None in it is as the weights were trained. sampling: what is None in it is taken from the weights'
    preset. batch_size: by default that of the samples in the folder, 8 where there are none; samples of another batch
    size agree up to rounding, so that a folder has one. out: by default the run's folder. recipe: how label maps are
    read, by default as in training. style: `ground-truth` takes every example's own photograph's.
    """
    start_processes(device)
    variant, speed = variant_called(variant), speed or Speed()
    if weights.method is not None:
        refuse_idle_options(weights.method, sampling, speed)
    trained = weights.load(where.name or toy_dataset(where.root))
    refuse_idle_options(trained.about.method, sampling, speed)
    refuse_weights(trained.network.state_dict(), trained.source)
    folder = out or weights.run
    if folder is None:
        raise UserError("--out: where do the samples go?")
    dataset = _open_dataset(where, trained)
    settings = sampling_of(trained, sampling)
    segmenter = guiding_segmenter(trained, settings, dataset)
    if segmenter is not None:
        settings["segmenter_sha256"] = segmenter.sha256
    options = _sample_options(trained, dataset, settings, variant, recipe, style, batch_size or _batch_size(folder))
    if segmenter is None:
        say_guidance(options.guidance, sampling.guidance, trained)
    chosen = SamplingOptions(**{name: getattr(options, name) for name in vars(sampling)})
    synthesizer = synthesizer_of(trained, chosen, device, speed, segmenter and segmenter.to(pick_device(device)))
    transform = Transform(options.recipe, options.image_size, dataset.keeps_aspect, training=False)
    written = write_samples(synthesizer, Resized(dataset, transform), options, folder, seeds, command, shard or (0, 1))
    decided(lambda: record_network(folder, trained, options, segmenter))
    say(f"{folder}: {written} samples written")
    return folder


def write_samples(
    synthesizer: Synthesizer,
    examples: Resized,
    options: SampleOptions,
    folder: Path,
    seeds: Sequence[int],
    command: str,
    shard: tuple[int, int] = (0, 1),
) -> int:
    """Writes the samples of every example and seed that are not there yet; returns how many were written.

    A split is computed in fixed batches of `options.batch_size` examples for each seed, whatever is there already: a
    sample always has the same place and the same neighbours, so that shards and resumes give the same bits. shard:
    (k, n), every n-th batch from the k-th on, of which the processes of torchrun take turns. Raises UserError where
    another command writes the same share, and NotFinite for a picture of NaN or Inf, which is not written.
    """
    advice = "wait for it, or divide the samples with --shard"
    with alone_in(folder, f"generate-{shard[0]}-of-{shard[1]}", advice):
        return _write_samples(synthesizer, examples, options, SampleFolder(folder), seeds, command, shard)


def _write_samples(
    synthesizer: Synthesizer,
    examples: Resized,
    options: SampleOptions,
    target: SampleFolder,
    seeds: Sequence[int],
    command: str,
    shard: tuple[int, int],
) -> int:
    if not options.stochastic and len(seeds) > 1:
        say(f"{options.method} makes one picture a label map: sampling seed {seeds[0]} alone of {len(seeds)}")
        seeds = seeds[:1]
    said = options.model_dump_json(exclude=set(MAY_CHANGE))
    same_everywhere({"label maps, weights or options": said})
    decided(lambda: target.start(options, seeds, command))
    ids = [record.id for record in examples.dataset.records]
    rank, processes = rank_and_count()
    batches = [
        Planned(seed, range(start, min(start + options.batch_size, len(ids))))
        for seed in seeds
        for start in range(0, len(ids), options.batch_size)
    ][shard[0] :: shard[1]][rank::processes]
    wanted = [(seed, index) for seed, indices in batches for index in indices]
    absent = {(seed, index) for seed, index in wanted if not is_whole_picture(target.sample(ids[index], seed))}
    done = len(wanted) - len(absent)
    if done:
        say(f"{target.folder}: {done} of {len(wanted)} samples are there")
    watch = Stopwatch()
    work = (
        (seed, index, pixels)
        for seed, indices in batches
        if any((seed, index) in absent for index in indices)
        for index, pixels in zip(
            indices, _synthesize(synthesizer, examples, seed, indices, options, watch), strict=True
        )
        if (seed, index) in absent
    )
    try:
        with in_background() as submit:
            for seed, index, pixels in track(work, f"sampling {options.method}", len(wanted), done, "samples"):
                submit(write_png, target.sample(ids[index], seed), pixels)
    finally:
        watch.record(target.folder, getattr(synthesizer, "device", "cpu"), options.batch_size)
    return len(absent)


class Planned(NamedTuple):
    """A batch: the samples of one seed for consecutive examples of the split."""

    seed: int
    indices: range


def _synthesize(
    synthesizer: Synthesizer,
    examples: Resized,
    seed: int,
    indices: range,
    options: SampleOptions,
    watch: Stopwatch,
) -> np.ndarray:
    """The pictures of one batch, uint8 (N, H, W, 3).

    The last batch of a split is filled up with copies, and a batch of one becomes two: libraries round differently for
    another number of samples, and on some processors for another place in the batch.
    """
    full = max(options.batch_size, 2)
    filled = (list(indices) * full)[:full]
    read = [examples[index] for index in filled]
    with watch.of(full):
        made = pictures_of(synthesizer, read, seed, len(examples.dataset.classes), options.style is not None)
    return made[: len(indices)]


def pictures_of(
    synthesizer: Synthesizer, examples: Sequence[Example], seed: int, num_classes: int, styled: bool = False
) -> np.ndarray:
    """The pictures of one batch of examples of one size for a seed, uint8 (N, H, W, 3); raises NotFinite."""
    generators = [sample_generator(example.id, seed) for example in examples]
    made = synthesizer.synthesize(Condition.of(examples, num_classes, styled), generators).numpy()
    refuse_pictures(made, [f"{example.id}, seed {seed}" for example in examples])
    return to_uint8(made)


def _open_dataset(where: DatasetSplit, trained: TrainedNetwork) -> SemanticDataset:
    """The examples for a trained network; raises UserError where they are of another dataset, or of other classes."""
    trained_on = trained.about.dataset
    name = where.name or trained_on
    if name not in (trained_on, Folder.name):
        raise UserError(f"--dataset {name}: {trained.source} was trained on {trained_on}")
    root = where.root or trained.about.training.get("data")
    if root is None:
        raise UserError("--data: where is the dataset? The weights don't say")
    dataset = DatasetSplit(name, Path(root), where.split).open()
    if dataset.name != trained_on:
        raise UserError(f"{dataset.root}: {dataset.name}; {trained.source} was trained on {trained_on}")
    classes = trained.about.training.get("classes_sha256")
    if classes and classes != dataset.classes.digest():
        raise UserError(f"{dataset.root}: {dataset.name} with other classes than {trained.source} was trained on")
    return dataset


def _batch_size(folder: Path) -> int:
    """That of the samples in a folder, or the default."""
    target = SampleFolder(folder)
    return target.options().batch_size if target.exists else BATCH_SIZE


def _sample_options(
    trained: TrainedNetwork,
    dataset: SemanticDataset,
    settings: dict[str, Any],
    variant: str,
    recipe: str | None,
    style: str | None,
    batch_size: int,
) -> SampleOptions:
    about = trained.about
    method = methods.method(about.method)
    if style is not None and not hasattr(trained.network, "encoder"):
        raise UserError(f"--style {style}: {trained.source} has no encoder that could take a photograph's style")
    return SampleOptions(
        method=about.method,
        variant=variant,
        dataset=dataset.name,
        data=str(dataset.root.resolve()),
        split=dataset.split,
        labels_sha256=labels_sha256(dataset),
        image_size=about.image_size,
        recipe=recipe or recipe_of(trained),
        style=style,
        photographs_sha256=None if style is None else photographs_sha256(dataset),
        stochastic=method.kind == "diffusion" or trained.config.stochastic,
        weights=trained.source,
        weights_sha256=trained.sha256,
        # of a budget, trainings that are repetitions of each other take different numbers of steps
        training_steps=None if about.budget else about.steps,
        training_seed=about.seed,
        configuration_sha256=about.configuration_sha256,
        training_note=training_note(trained, None if "guidance_by" in settings else settings.get("guidance")),
        batch_size=batch_size,
        **settings,
    )


def training_note(trained: TrainedNetwork, guidance: float | None) -> str:
    """What tables say of a training that left out or replaced a part of its method."""
    training = trained.about.training
    weighted = (training.get("discriminator") or {}).get("lambda_vgg")
    if weighted and not training.get("perceptual"):
        return WITHOUT_PERCEPTUAL_LOSS
    if weighted and training.get("perceptual_network", PERCEPTUAL_DEFAULT) != PERCEPTUAL_DEFAULT:
        return OTHER_PERCEPTUAL_LOSS.format(training["perceptual_network"])
    return WITHOUT_NULL_LABEL if (guidance or 0) > 1 and not learnt_null_label(trained) else ""
