"""The whole walk on the toy scenes, resumable throughout: render, (train,) sample, measure, tables and pictures."""

from dataclasses import dataclass
from pathlib import Path

from sdm_bench.commands.evaluate import evaluate_samples
from sdm_bench.commands.generate import Source, Where, generate_samples
from sdm_bench.commands.report import write_report
from sdm_bench.commands.train import train_method
from sdm_bench.datasets.catalog import dataset_class
from sdm_bench.datasets.toy import write_toy
from sdm_bench.evaluation import MEASURES
from sdm_bench.evaluation.task import Samples
from sdm_bench.progress import say
from sdm_bench.protocols.catalog import DEFAULT, protocol
from sdm_bench.results import RESULTS_FILE, read_rows
from sdm_bench.synthesizers import SamplingOptions
from sdm_bench.trained import SHIPPED
from sdm_bench.training.loop import LoopOptions
from sdm_bench.weights.fetch import fetch

DATASET = "cityscapes"
SHORT_SIDE = 64
"""Of the rendered scenes; training and sampling resize them to the toy presets' 32."""
SCENES = {"cityscapes": {"val": 48}, "ade20k": {"val": 8}, "celebamask_hq": {"val": 8}, "coco_stuff": {"val": 8}}
TRAINING_SCENES = 600
SEEDS = (0, 1)
BATCH_SIZE = 16
GUIDANCE = 1.5
SOLVER_STEPS = 20
SHARES = {"sdm": 0.45, "sdm-concat": 0.25, "spade": 0.2, "unet": 0.1}
"""Of the training budget, by method."""
FINE_TUNING = 0.25
"""Of a diffusion method's share: its second stage, with labels dropped."""
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
    fetch(protocol(DEFAULT).feature_weights, offline)
    say("demo: toy scenes of all four datasets")
    render_scenes(out / "data", TRAINING_SCENES if from_scratch else 0)
    data = out / "data" / DATASET
    trained = train_all(out / "trained", data, budget_minutes, device) if from_scratch else {}
    folder = out / ("runs-from-scratch" if from_scratch else "runs")
    runs = []
    for variant in VARIANTS:
        say(f"demo: {variant.name}")
        runs.append(sample(variant, data, folder / variant.name, trained, command, device))
        measure(runs[-1], str(trained.get("unet", SHIPPED)), device)
    return write_report(runs, ["comparison", "ablation"], report)


def render_scenes(root: Path, training: int) -> None:
    """Renders the validation scenes of every dataset, and training scenes of the one that is trained on."""
    for name, counts in SCENES.items():
        extra = {"train": training} if training and name == DATASET else {}
        write_toy(name, root / name, {**counts, **extra}, dataset_class(name).size(SHORT_SIDE))


def sample(variant: Variant, data: Path, folder: Path, trained: dict[str, Path], command: str, device: str) -> Path:
    """Samples every validation map for every seed."""
    run = trained.get(variant.method)
    source = Source(run=run) if run else Source(method=variant.method, checkpoint=SHIPPED)
    where = Where(DATASET, data, "val")
    steps = None if variant.guidance is None else SOLVER_STEPS
    sampling = SamplingOptions(solver_steps=steps, guidance=variant.guidance)
    return generate_samples(source, where, folder, SEEDS, sampling, command, batch_size=BATCH_SIZE, device=device)


def measure(run: Path, segmenter: str, device: str) -> None:
    """Measures what is not measured yet of the pictures that are there."""
    missing = unmeasured(run)
    if missing:
        _, failures = evaluate_samples(missing, run, segmenter=segmenter, device=device)
        assert not failures, failures


def unmeasured(run: Path) -> list[str]:
    """The metrics that have no result of the pictures that are there."""
    rows = read_rows(run / RESULTS_FILE) if (run / RESULTS_FILE).is_file() else []
    manifest = Samples.of_run(run).manifest
    done = {row.metric for row in rows if row.manifest_sha256 == manifest}
    return [metric for metric in MEASURES if metric not in done]


def train_all(folder: Path, data: Path, budget_minutes: float, device: str) -> dict[str, Path]:
    """Trains the methods, diffusion ones in two stages as the paper does, and the segmenter; returns each one's run."""
    from segmenters.training import resolve as resolve_segmenter
    from segmenters.training import run_segmenter_training

    trained = {}
    for method, share in SHARES.items():
        minutes = budget_minutes * share
        say(f"demo: training {method} for {minutes:.1f} minutes")
        run = folder / method
        if method == "unet":
            run_segmenter_training(resolve_segmenter(method, DATASET, data, "toy"), _loop(minutes, device), run)
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
