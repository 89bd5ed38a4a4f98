"""A trained network and label maps in, PNG files out: one random generator a sample, shards, resume."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sdm_bench.base.devices import pick_device
from sdm_bench.base.drawing import to_uint8
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_png
from sdm_bench.base.processes import rank_and_count
from sdm_bench.base.progress import say, track
from sdm_bench.checkpoints.generators import TrainedNetwork, WeightsSpec
from sdm_bench.conditioning import Condition
from sdm_bench.datasets.base import Example, SemanticDataset
from sdm_bench.datasets.digests import labels_sha256, photographs_sha256
from sdm_bench.datasets.known_datasets import DatasetSplit
from sdm_bench.datasets.transforms import DEFAULT_RECIPE, Resized, Transform
from sdm_bench.models import methods
from sdm_bench.models.preset import DiffusionPreset
from sdm_bench.sampling.folders import SampleFolder, SampleOptions
from sdm_bench.sampling.synthesizers import SamplingOptions, Speed, Synthesizer, make_synthesizer, sample_generator

WITHOUT_PERCEPTUAL_LOSS = "trained without the perceptual loss"


def generate_samples(
    weights: WeightsSpec,
    where: DatasetSplit,
    out: Path | None,
    seeds: Sequence[int],
    sampling: SamplingOptions,
    command: str,
    variant: str = "",
    batch_size: int = 8,
    shard: tuple[int, int] | None = None,
    device: str = "auto",
    speed: Speed | None = None,
    recipe: str | None = None,
    style: str | None = None,
) -> Path:
    """Samples every label map of a split for every seed; returns the folder that holds them.

    where: what is None in it is as the weights were trained. sampling: what is None in it is taken from the weights'
    preset. out: by default the run's folder. recipe: how label maps are read, by default as in training. style:
    `ground-truth` takes every example's own photograph's.
    """
    speed = speed or Speed()
    if weights.method is not None:
        _refuse_idle_options(weights.method, sampling, speed)
    trained = weights.load(where.name)
    _refuse_idle_options(trained.about.method, sampling, speed)
    folder = out or weights.run
    if folder is None:
        raise UserError("--out: where do the samples go?")
    dataset = _open_dataset(where, trained)
    options = _sample_options(trained, dataset, sampling, variant, recipe, style)
    _warn_of_guidance(options, trained)
    chosen = SamplingOptions(**{name: getattr(options, name) for name in vars(sampling)})
    diffusion = None if trained.about.diffusion is None else DiffusionPreset(**trained.about.diffusion)
    synthesizer = make_synthesizer(
        options.method, trained.network, trained.config, diffusion, chosen, pick_device(device), speed
    )
    transform = Transform(options.recipe, options.image_size, dataset.keeps_aspect, training=False)
    written = write_samples(
        synthesizer, Resized(dataset, transform), options, folder, seeds, command, batch_size, shard or rank_and_count()
    )
    say(f"{folder}: {written} samples written")
    return folder


def write_samples(
    synthesizer: Synthesizer,
    examples: Resized,
    options: SampleOptions,
    folder: Path,
    seeds: Sequence[int],
    command: str,
    batch_size: int = 8,
    shard: tuple[int, int] = (0, 1),
) -> int:
    """Writes the samples of every example and seed that are not there yet; returns how many were written.

    A sample depends on (weights, label map, example id, seed, solver) alone. shard: (k, n), every n-th sample from the
    k-th on.
    """
    if not options.stochastic and len(seeds) > 1:
        say(f"{options.method} makes one picture a label map: sampling seed {seeds[0]} alone of {len(seeds)}")
        seeds = seeds[:1]
    target = SampleFolder(folder)
    target.start(options, seeds, command)
    ids = [record.id for record in examples.dataset.records]
    wanted = [(index, seed) for seed in seeds for index in range(len(ids))][shard[0] :: shard[1]]
    pending = [(index, seed) for index, seed in wanted if not target.sample(ids[index], seed).is_file()]
    done = len(wanted) - len(pending)
    if done:
        say(f"{folder}: {done} of {len(wanted)} samples are there")
    work = _synthesize(synthesizer, examples, pending, batch_size, options.style is not None)
    for example, seed, pixels in track(work, f"sampling {options.method}", len(wanted), done, "samples"):
        write_png(target.sample(example.id, seed), pixels)
    return len(pending)


def _synthesize(
    synthesizer: Synthesizer, examples: Resized, pending: list[tuple[int, int]], batch_size: int, styled: bool
) -> Iterator[tuple[Example, int, np.ndarray]]:
    """The pictures of `pending`, (example, seed, uint8 (H, W, 3)), made `batch_size` at a time.

    The last batch is filled up with copies, and a batch of one becomes two: libraries round differently for another
    number of samples, and on a CPU for a single one.
    """
    num_classes = len(examples.dataset.classes)
    full = max(batch_size, 2)
    for start in range(0, len(pending), batch_size):
        batch = pending[start : start + batch_size]
        filled = (batch * full)[:full]
        read = [examples[index] for index, _ in filled]
        generators = [sample_generator(example.id, seed) for example, (_, seed) in zip(read, filled, strict=True)]
        condition = Condition.of(read, num_classes, styled)
        pictures = to_uint8(synthesizer.synthesize(condition, generators).numpy())
        for example, (_, seed), picture in zip(read, batch, pictures, strict=False):
            yield example, seed, picture


def _refuse_idle_options(method: str, sampling: SamplingOptions, speed: Speed) -> None:
    """Raises UserError for what is said of a diffusion model's samples where the method is a GAN."""
    chosen = vars(sampling) | vars(speed)
    said = [name for name, value in chosen.items() if value is not None and value is not False]
    if methods.method(method).kind == "gan" and said:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in said)
        raise UserError(f"{flags}: {method} is a GAN; diffusion models take {'it' if len(said) == 1 else 'them'}")


def _open_dataset(where: DatasetSplit, trained: TrainedNetwork) -> SemanticDataset:
    """The examples for a trained network; raises UserError where they are of another dataset."""
    name = where.name or trained.about.dataset
    if name != trained.about.dataset:
        raise UserError(f"--dataset {name}: {trained.source} was trained on {trained.about.dataset}")
    root = where.root or trained.about.training.get("data")
    if root is None:
        raise UserError("--data: where is the dataset? The weights don't say")
    return DatasetSplit(name, Path(root), where.split).open()


def _sample_options(
    trained: TrainedNetwork,
    dataset: SemanticDataset,
    sampling: SamplingOptions,
    variant: str,
    recipe: str | None,
    style: str | None,
) -> SampleOptions:
    about = trained.about
    method = methods.method(about.method)
    asked = {name: value for name, value in vars(sampling).items() if value is not None}
    if style is not None and not hasattr(trained.network, "encoder"):
        raise UserError(f"--style {style}: {trained.source} has no encoder that could take a photograph's style")
    preset = {name: value for name, value in (about.sampling or {}).items() if value is not None}
    return SampleOptions(
        method=about.method,
        variant=variant,
        dataset=dataset.name,
        data=str(dataset.root.resolve()),
        split=dataset.split,
        labels_sha256=labels_sha256(dataset),
        image_size=about.image_size,
        recipe=recipe or about.training.get("training", {}).get("recipe", DEFAULT_RECIPE),
        style=style,
        photographs_sha256=None if style is None else photographs_sha256(dataset),
        stochastic=method.kind == "diffusion" or trained.config.stochastic,
        weights=trained.source,
        weights_sha256=trained.sha256,
        training_steps=about.steps,
        training_seed=about.seed,
        training_note=_training_note(trained),
        **(preset | asked),
    )


def _training_note(trained: TrainedNetwork) -> str:
    """What tables say of a training that left out a part of its method."""
    training = trained.about.training
    weighted = (training.get("discriminator") or {}).get("lambda_vgg")
    return WITHOUT_PERCEPTUAL_LOSS if weighted and not training.get("perceptual") else ""


def _warn_of_guidance(options: SampleOptions, trained: TrainedNetwork) -> None:
    dropped = trained.about.training.get("condition_dropout")
    if options.guidance is not None and options.guidance > 1 and dropped == 0:
        say(
            f"warning: guidance {options.guidance:g} needs the null label, which {trained.source} has not learnt; "
            "fine-tune it with `train --init ... --condition-dropout 0.2`"
        )
