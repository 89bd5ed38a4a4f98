"""The whole walk on the toy scenes, resumable throughout: render, (train,) sample, measure, tables and pictures."""

from dataclasses import dataclass
from pathlib import Path

from reports.report import write_report
from sdm_bench.base.progress import say
from sdm_bench.checkpoints.generators import WeightsSpec
from sdm_bench.checkpoints.stored import SHIPPED
from sdm_bench.datasets.base import size_at
from sdm_bench.datasets.known_datasets import DatasetSplit, dataset_class, open_dataset
from sdm_bench.evaluation.evaluate import Evaluation, evaluate
from sdm_bench.evaluation.metric import needed_weights
from sdm_bench.protocols.protocols import DEFAULT, protocol
from sdm_bench.results.rows import RESULTS_FILE, read_rows
from sdm_bench.results.sample_sets import open_run
from sdm_bench.sampling.generate import generate_samples
from sdm_bench.sampling.synthesizers import SamplingOptions
from sdm_bench.toy import write_toy
from sdm_bench.training.loop import LoopOptions
from sdm_bench.training.recipes import train_method
from sdm_bench.training.segmenters import train_segmenter
from sdm_bench.weights.fetch import fetch

DATASET = "cityscapes"
# Of the rendered scenes; training and sampling resize them to the toy presets' 32.
SHORT_SIDE = 64
SCENES = {"cityscapes": {"val": 48}, "ade20k": {"val": 8}, "celebamask_hq": {"val": 8}, "coco_stuff": {"val": 8}}
TRAINING_SCENES = 600
METRICS = ("fid", "lpips", "miou")
SEEDS = (0, 1)
BATCH_SIZE = 16
GUIDANCE = 1.5
SOLVER_STEPS = 20
# Of the training budget, by method.
SHARES = {"sdm": 0.45, "sdm-concat": 0.25, "spade": 0.2, "unet": 0.1}
# Of a diffusion method's share: its second stage, with labels dropped.
FINE_TUNING = 0.25
CONDITION_DROPOUT = 0.2


@dataclass(frozen=True)
class Variant:
    """One row of the demo's tables: a method, sampled with a guidance scale (None for a GAN)."""

    name: str
    method: str
    guidance: float | None = None


VARIANTS = (
    Variant("spade", "spade"),
    Variant("sdm-concat", "sdm-concat", 1.0),
    Variant("sdm-concat-guided", "sdm-concat", GUIDANCE),
    Variant("sdm", "sdm", 1.0),
    Variant("sdm-guided", "sdm", GUIDANCE),
)


def demo(
    out: Path,
    report: Path,
    command: str,
    from_scratch: bool = False,
    budget_minutes: float = 20.0,
    offline: bool = False,
    device: str = "auto",
) -> list[Path]:
    """Runs the walk in `out` and writes tables and grid into `report`; returns their paths.

    With `from_scratch` all four networks are trained first, for `budget_minutes` in all; otherwise the checkpoints that
    ship with the program are taken. The same call resumes.
    """
    say("demo: weights of the feature networks")
    fetch(needed_weights(protocol(DEFAULT), ("fid", "lpips")), offline)
    say("demo: toy scenes of all four datasets")
    render_scenes(out / "data", TRAINING_SCENES if from_scratch else 0)
    data = out / "data" / DATASET
    trained = train_all(out / "trained", data, budget_minutes, device) if from_scratch else {}
    folder = out / ("runs-from-scratch" if from_scratch else "runs")
    runs = []
    for variant in VARIANTS:
        say(f"demo: {variant.name}")
        runs.append(sample(variant, data, folder / variant.name, trained, command, device))
        measure(runs[-1], data, str(trained.get("unet", SHIPPED)), command, device)
    return write_report(runs, ["comparison", "ablation"], report)


def render_scenes(root: Path, training: int) -> None:
    """Renders the validation scenes of every dataset, and training scenes of the one that is trained on."""
    for name, counts in SCENES.items():
        extra = {"train": training} if training and name == DATASET else {}
        write_toy(name, root / name, {**counts, **extra}, size_at(dataset_class(name).native_size, SHORT_SIDE))


def sample(variant: Variant, data: Path, folder: Path, trained: dict[str, Path], command: str, device: str) -> Path:
    """Samples every validation map for every seed."""
    run = trained.get(variant.method)
    weights = WeightsSpec(run=run) if run else WeightsSpec(method=variant.method, checkpoint=SHIPPED)
    where = DatasetSplit(DATASET, data, "val")
    steps = None if variant.guidance is None else SOLVER_STEPS
    sampling = SamplingOptions(solver_steps=steps, guidance=variant.guidance)
    return generate_samples(weights, where, folder, SEEDS, sampling, command, batch_size=BATCH_SIZE, device=device)


def measure(run: Path, data: Path, segmenter: str, command: str, device: str) -> None:
    """Measures what is not measured yet of the pictures that are there."""
    missing = unmeasured(run, data)
    if not missing:
        return
    own_segmenter = segmenter if "miou" in missing else None
    _, failures = evaluate(Evaluation(missing, run, segmenter=own_segmenter, device=device, command=command))
    assert not failures, failures


def unmeasured(run: Path, data: Path) -> list[str]:
    """The metrics that have no result of the pictures that are there under the protocol of the demo."""
    rows = read_rows(run / RESULTS_FILE) if (run / RESULTS_FILE).is_file() else []
    samples = open_run(run, open_dataset(DATASET, data, "val"))
    done = {(row.protocol, row.measure) for row in rows if row.sample_set == samples.digest}
    return [name for name in METRICS if (DEFAULT, name) not in done]


def train_all(folder: Path, data: Path, budget_minutes: float, device: str) -> dict[str, Path]:
    """Trains the methods, diffusion ones in two stages as the paper does, and the segmenter; returns each one's run."""

    trained = {}
    for method, share in SHARES.items():
        minutes = budget_minutes * share
        say(f"demo: training {method} for {minutes:.1f} minutes")
        run = folder / method
        if method == "unet":
            train_segmenter(method, DATASET, data, "toy", _loop(minutes, device), run)
        elif method == "spade":
            train_method(method, DATASET, data, "toy", _loop(minutes, device), run)
        else:
            first = folder / f"{method}-first-stage"
            train_method(method, DATASET, data, "toy", _loop(minutes * (1 - FINE_TUNING), device), first)
            second = {"init": first, "condition_dropout": CONDITION_DROPOUT}
            train_method(method, DATASET, data, "toy", _loop(minutes * FINE_TUNING, device), run, **second)
        trained[method] = run
    return trained


def _loop(minutes: float, device: str) -> LoopOptions:
    return LoopOptions(steps=None, budget_minutes=minutes, device=device)
