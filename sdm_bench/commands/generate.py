"""Sample a trained network on a split's label maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.catalog import open_dataset
from sdm_bench.datasets.transforms import DEFAULT_RECIPE, Resized, Transform
from sdm_bench.devices import pick_device
from sdm_bench.errors import UserError
from sdm_bench.models import catalog
from sdm_bench.models.preset import DiffusionPreset
from sdm_bench.processes import rank_and_count
from sdm_bench.progress import say
from sdm_bench.sampling import SampleOptions, generate
from sdm_bench.synthesizers import SamplingOptions, Speed, make_synthesizer
from sdm_bench.trained import TrainedNetwork, load_trained


@dataclass(frozen=True)
class Source:
    """Which weights: a run's folder, or a checkpoint of a method, and for a bare state dict its preset."""

    run: Path | None = None
    method: str | None = None
    checkpoint: str | None = None
    preset: str | None = None

    def load(self, dataset: str | None) -> TrainedNetwork:
        """The trained network; raises UserError where it's not said which."""
        if self.run is not None and self.checkpoint is None:
            return load_trained(self.run, self.method, dataset, self.preset)
        if self.checkpoint is None or self.run is not None:
            raise UserError("say which weights: either a run's folder, or --method with --checkpoint")
        return load_trained(self.checkpoint, self.method, dataset, self.preset)


@dataclass(frozen=True)
class Where:
    """Which examples: a dataset's name, its root and a split; None: as the weights were trained on."""

    dataset: str | None = None
    data: Path | None = None
    split: str = "val"

    def open(self, trained: TrainedNetwork) -> SemanticDataset:
        """The examples for a trained network; raises UserError where they are of another dataset."""
        name = self.dataset or trained.about.dataset
        if name != trained.about.dataset:
            raise UserError(f"--dataset {name}: {trained.source} was trained on {trained.about.dataset}")
        data = self.data or trained.about.training.get("data")
        if data is None:
            raise UserError("--data: where is the dataset? The weights don't say")
        return open_dataset(name, Path(data), self.split)


def generate_samples(
    source: Source,
    where: Where,
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

    sampling: what is None in it is taken from the weights' preset. out: by default the run's folder. recipe: how label
    maps are read, by default as the weights were trained. style: `ground-truth` takes every example's own photograph's.
    """
    trained = source.load(where.dataset)
    folder = out or source.run
    if folder is None:
        raise UserError("--out: where do the samples go?")
    dataset = where.open(trained)
    options = _sample_options(trained, dataset, sampling, variant, recipe, style)
    _warn_of_guidance(options, trained)
    chosen = SamplingOptions(**{name: getattr(options, name) for name in vars(sampling)})
    diffusion = None if trained.about.diffusion is None else DiffusionPreset(**trained.about.diffusion)
    synthesizer = make_synthesizer(
        options.method, trained.network, trained.config, diffusion, chosen, pick_device(device), speed
    )
    transform = Transform(options.recipe, options.image_size, dataset.keeps_aspect, training=False)
    written = generate(
        synthesizer, Resized(dataset, transform), options, folder, seeds, command, batch_size, shard or rank_and_count()
    )
    say(f"{folder}: {written} samples written")
    return folder


def _warn_of_guidance(options: SampleOptions, trained: TrainedNetwork) -> None:
    dropped = trained.about.training.get("condition_dropout")
    if options.guidance is not None and options.guidance > 1 and dropped == 0:
        say(
            f"warning: guidance {options.guidance:g} needs the null label, which {trained.source} has not learnt; "
            "fine-tune it with `train --init ... --condition-dropout 0.2`"
        )


def _check_style(trained: TrainedNetwork, style: str | None) -> None:
    """Whether the network can do what --style asks; a network that was trained with an encoder may come without it."""
    if style is not None and not hasattr(trained.network, "encoder"):
        raise UserError(f"--style {style}: {trained.source} has no encoder that could take a photograph's style")


def _sample_options(
    trained: TrainedNetwork,
    dataset: SemanticDataset,
    sampling: SamplingOptions,
    variant: str,
    recipe: str | None,
    style: str | None,
) -> SampleOptions:
    about = trained.about
    method = catalog.method(about.method)
    asked = {name: value for name, value in vars(sampling).items() if value is not None}
    if method.kind == "gan" and asked:
        raise UserError(f"{about.method} is a GAN; it takes no {', '.join(asked)}")
    _check_style(trained, style)
    preset = {name: value for name, value in (about.sampling or {}).items() if value is not None}
    return SampleOptions(
        method=about.method,
        variant=variant,
        dataset=dataset.name,
        data=str(dataset.root.resolve()),
        split=dataset.split,
        image_size=about.image_size,
        recipe=recipe or about.training.get("training", {}).get("recipe", DEFAULT_RECIPE),
        style=style,
        stochastic=method.kind == "diffusion" or trained.config.stochastic,
        weights=trained.source,
        weights_sha256=trained.sha256,
        training_steps=about.steps,
        **(preset | asked),
    )
