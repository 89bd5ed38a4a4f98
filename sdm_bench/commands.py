"""The verbs of the program as functions with plain arguments: what the command line and the demo call."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sdm_bench import __version__
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.catalog import open_dataset
from sdm_bench.datasets.transforms import Resized, Transform
from sdm_bench.devices import pick_device
from sdm_bench.errors import UserError
from sdm_bench.evaluation import evaluate
from sdm_bench.evaluation.task import Samples, Task
from sdm_bench.metrics.features import folder_source
from sdm_bench.models import catalog
from sdm_bench.models.preset import DiffusionPreset
from sdm_bench.progress import say
from sdm_bench.protocols.catalog import DEFAULT, protocol
from sdm_bench.results import ResultRow, read_rows, store
from sdm_bench.sampling import SampleFolder, SampleOptions, generate
from sdm_bench.synthesizers import SamplingOptions, make_synthesizer
from sdm_bench.trained import TrainedNetwork, load_trained
from sdm_bench.training.checkpoints import write_weights
from sdm_bench.training.loop import LoopOptions
from sdm_bench.training.recipes import resolve, run_training
from sdm_bench.training.runs import TrainingRun
from sdm_bench.weights.store import provenance, weights_path

RESULTS_FILE = "results.csv"
DEFAULT_RECIPE = "sdm"
PERCEPTUAL_WEIGHTS = "vgg19"


@dataclass(frozen=True)
class Source:
    """Which weights: a run's folder, or a checkpoint of a method, and for a bare state dict its preset."""

    run: Path | None = None
    method: str | None = None
    checkpoint: str | None = None
    preset: str = "paper"

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


def train_method(
    method: str, dataset: str, data: Path, preset: str, loop: LoopOptions, out: Path, **options: Any
) -> int:
    """Trains, or resumes, a method in the folder `out`; returns the steps done in all.

    options: those of sdm_bench.training.recipes.resolve. The perceptual loss of a GAN is on where its weights are.
    """
    perceptual = None
    if catalog.preset(method, preset, dataset).discriminator is not None:
        perceptual = weights_path(PERCEPTUAL_WEIGHTS) if provenance(PERCEPTUAL_WEIGHTS) else None
        if perceptual is None:
            say(f"warning: trained without the perceptual loss; {PERCEPTUAL_WEIGHTS} is not in the cache")
    resolved = resolve(method, dataset, data, preset, perceptual=perceptual, **options)
    return run_training(resolved, loop, out)


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
) -> Path:
    """Samples every label map of a split for every seed; returns the folder that holds them.

    sampling: what is None in it is taken from the weights' preset. out: by default the run's folder.
    """
    trained = source.load(where.dataset)
    folder = out or source.run
    if folder is None:
        raise UserError("--out: where do the samples go?")
    dataset = where.open(trained)
    options = _sample_options(trained, dataset, sampling, variant)
    chosen = SamplingOptions(options.solver, options.solver_steps, options.guidance, options.eta)
    diffusion = None if trained.about.diffusion is None else DiffusionPreset(**trained.about.diffusion)
    synthesizer = make_synthesizer(
        options.method, trained.network, trained.config, diffusion, chosen, pick_device(device)
    )
    transform = Transform(options.recipe, options.image_size, dataset.keeps_aspect, training=False)
    written = generate(
        synthesizer, Resized(dataset, transform), options, folder, seeds, command, batch_size, shard or _own_shard()
    )
    say(f"{folder}: {written} samples written")
    return folder


def _own_shard() -> tuple[int, int]:
    """Under torchrun, this process's share."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def _sample_options(
    trained: TrainedNetwork, dataset: SemanticDataset, sampling: SamplingOptions, variant: str
) -> SampleOptions:
    about = trained.about
    method = catalog.method(about.method)
    asked = {name: value for name, value in vars(sampling).items() if value is not None}
    if method.kind == "gan" and asked:
        raise UserError(f"{about.method} is a GAN; it takes no {', '.join(asked)}")
    preset = {name: value for name, value in (about.sampling or {}).items() if value is not None}
    return SampleOptions(
        method=about.method,
        variant=variant,
        dataset=dataset.name,
        data=str(dataset.root.resolve()),
        split=dataset.split,
        image_size=about.image_size,
        recipe=about.training.get("training", {}).get("recipe", DEFAULT_RECIPE),
        stochastic=method.stochastic,
        weights=trained.source,
        weights_sha256=trained.sha256,
        training_steps=about.steps,
        **(preset | asked),
    )


def evaluate_samples(
    metrics: Sequence[str],
    run: Path | None = None,
    images: Path | None = None,
    where: Where | None = None,
    name: str | None = None,
    protocol_name: str = DEFAULT,
    segmenter: str | None = None,
    out: Path | None = None,
    device: str = "auto",
) -> tuple[list[ResultRow], list[str]]:
    """Measures the samples of a run, or a folder of somebody else's pictures, and stores the rows.

    out: the CSV the rows are added to, by default `<run>/results.csv`. Returns rows and failed metrics with reasons.
    """
    if (run is None) == (images is None):
        raise UserError("say what to measure: either a run's folder or --images")
    where = where or Where()
    if run is not None:
        samples = Samples.of_run(run)
        real = _real_of_run(SampleFolder(run).options(), where)
    else:
        assert images is not None
        samples = Samples.of_images(images, name)
        real = _real_of_images(images, where)
    task = Task(samples, real, protocol(protocol_name), pick_device(device), segmenter)
    rows, failures = evaluate(task, metrics)
    target = out or ((run / RESULTS_FILE) if run is not None else Path(RESULTS_FILE))
    if rows:
        store(target, rows)
        say(f"{target}: {len(rows)} rows")
    return rows, failures


def _real_of_run(options: SampleOptions, where: Where) -> Resized:
    if where.dataset not in (None, options.dataset):
        raise UserError(f"--dataset {where.dataset}: the samples are of {options.dataset}")
    dataset = open_dataset(options.dataset, where.data or Path(options.data), options.split)
    return Resized(dataset, Transform(options.recipe, options.image_size, dataset.keeps_aspect, training=False))


def _real_of_images(images: Path, where: Where) -> Resized:
    if where.dataset is None or where.data is None:
        raise UserError("--images needs --dataset and --data: what are the pictures to be compared with?")
    dataset = open_dataset(where.dataset, where.data, where.split)
    height, width = folder_source(images).read(0).shape[:2]
    return Resized(dataset, Transform(DEFAULT_RECIPE, (height, width), dataset.keeps_aspect, training=False))


def summary(rows: Sequence[ResultRow]) -> str:
    """The headline rows as a plain table for a terminal."""
    shown = [row for row in rows if not row.class_name]
    columns = ["dataset", "method", "metric", "value", "spread", "num_images", "seeds", "protocol", "extractor"]
    frame = pd.DataFrame([row.model_dump(include=set(columns)) for row in shown], columns=columns)
    return frame.to_string(index=False, na_rep="", float_format="{:.4f}".format)


def write_report(runs: Sequence[Path], tables: Sequence[str], out: Path, figure: bool = True) -> list[Path]:
    """Writes tables from the results of `runs`, and a picture grid of their samples; returns the paths."""
    from reports.figures import write_grid
    from reports.tables import make_table

    with_results = [run for run in runs if (run / RESULTS_FILE).is_file()]
    if not with_results:
        raise UserError(f"no {RESULTS_FILE} in {', '.join(map(str, runs))}; `sdm-bench evaluate` writes them")
    for run in sorted(set(runs) - set(with_results)):
        say(f"{run}: no {RESULTS_FILE}; left out")
    rows = [row for run in with_results for row in read_rows(run / RESULTS_FILE)]
    paths = [path for name in tables for path in make_table(name, rows).write(out)]
    if figure:
        paths.append(write_grid([run for run in with_results if SampleFolder(run).exists], out / "grid.png"))
    return paths


def export_weights(run: Path, file: Path, half: bool, raw: bool) -> Path:
    """Packs the newest weights of a training run as one safetensors file and a JSON beside it."""
    if file.suffix != ".safetensors":
        raise UserError(f"{file}: expected a name that ends in .safetensors")
    tensors, about = TrainingRun(run).weights(raw)
    write_weights(file, tensors, about.model_copy(update={"version": __version__}), half)
    return file
