"""What each kind of cell does: the call that its command makes, with the cell's options. Nothing is computed here."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.suites.cells import Cell, read_cell
from sdm_bench.suites.results import read_result

# Cell, device -> what goes into its result. Paths are below the suite's folder, which is the working directory.
Work = Callable[[Cell, str], dict[str, Any]]
RESULTS = "results.csv"
GALLERY = "gallery.html"


def data(cell: Cell, device: str) -> dict[str, Any]:
    """Renders toy scenes, or verifies a dataset."""
    if "toy" in cell.options:
        from sdm_bench.toy import write_toy

        toy = cell.options["toy"]
        width, height = map(int, toy["size"].split("x"))
        counts = {split: toy[split] for split in ("train", "val") if toy[split]}
        write_toy(cell.options["dataset"], Path(cell.work_folder), counts, (height, width), toy["seed"])
        return {"scenes": sum(counts.values())}
    from sdm_bench.datasets.verify import verify

    report = verify(cell.options["dataset"], Path(cell.options["root"]))
    for line in report.lines():
        print(line)
    if not report.ok:
        raise UserError(f"{cell.options['root']}: not in order; `sdm-bench data verify` says what is wrong with it")
    return {"verified": True}


def train(cell: Cell, device: str) -> dict[str, Any]:
    """Trains, or goes on training, a method."""
    from sdm_bench.training.recipes import train_method

    options = cell.options
    chosen = {
        name: options[name] for name in ("precision", "accumulate", "seed", "condition_dropout", "timestep_sampler")
    }
    init = Path(_made(cell, "init").work_folder) if "init" in cell.inputs else None
    steps = train_method(
        options["method"],
        options["dataset"],
        root_of(cell),
        options["preset"],
        _loop(options, device),
        Path(cell.work_folder),
        overrides=_overrides(options),
        network=options["network"] or None,
        diffusion=options["diffusion"] or None,
        init=init,
        image_size=_size(options["image_size"]),
        perceptual=options.get("perceptual"),
        **chosen,
    )
    return _trained(cell, steps)


def segmenter(cell: Cell, device: str) -> dict[str, Any]:
    """Trains, or goes on training, a segmenter."""
    from sdm_bench.training.segmenters import train_segmenter

    options = cell.options
    chosen = {name: options[name] for name in ("precision", "accumulate", "seed")}
    steps = train_segmenter(
        options["method"],
        options["dataset"],
        root_of(cell),
        options["preset"],
        _loop(options, device),
        Path(cell.work_folder),
        overrides=_overrides(options),
        image_size=_size(options["image_size"]),
        **chosen,
    )
    return _trained(cell, steps)


def generate(cell: Cell, device: str) -> dict[str, Any]:
    """Writes the samples that are missing of a shard."""
    from sdm_bench.checkpoints.generators import WeightsSpec
    from sdm_bench.datasets.known_datasets import DatasetSplit
    from sdm_bench.sampling.generate import generate_samples
    from sdm_bench.sampling.synthesizers import SamplingOptions

    options = cell.options
    sampling = SamplingOptions(**{name: options.get(name) for name in vars(SamplingOptions())})
    if "weights" in cell.inputs:
        weights = WeightsSpec(run=Path(_made(cell, "weights").work_folder), raw=options["raw"])
    else:
        weights = WeightsSpec(
            method=options["method"],
            checkpoint=options["checkpoint"],
            preset=options["preset"],
            raw=options["raw"],
            process=options["process"],
        )
    generate_samples(
        weights=weights,
        where=DatasetSplit(options["dataset"], root_of(cell), options["split"]),
        out=Path(cell.work_folder),
        seeds=options["seeds"],
        sampling=sampling,
        command=command(cell),
        device=device,
        **{name: options[name] for name in ("variant", "batch_size", "recipe", "style")},
        shard=tuple(options["shard"]),
    )
    return {"samples": cell.work_folder}


def evaluate(cell: Cell, device: str) -> dict[str, Any]:
    """Measures one metric under one protocol."""
    from sdm_bench.datasets.known_datasets import DatasetSplit
    from sdm_bench.evaluation.evaluate import Evaluation
    from sdm_bench.evaluation.evaluate import evaluate as measure
    from sdm_bench.sampling.folders import SampleFolder

    options = cell.options
    run = Path(options["samples"])
    trained = str(_made(cell, "segmenter").work_folder) if "segmenter" in cell.inputs else None
    # a method that makes one picture a label map has one seed, whatever the suite asks for
    seeds = options["seeds"] if SampleFolder(run).options().stochastic else options["seeds"][:1]
    asked = Evaluation(
        metrics=[options["metric"]],
        run=run,
        where=DatasetSplit(None, root_of(cell), None),
        seeds=seeds,
        protocol=options["protocol"],
        segmenter=options["segmenter"] or trained,
        statistics=options.get("statistics"),
        fd_infinity=options.get("fd_infinity", False),
        captions=Path(options["captions"]) if "captions" in options else None,
        out=Path(cell.work_folder) / RESULTS,
        device=device,
        command=command(cell),
    )
    rows, failures = measure(asked)
    if failures:
        raise UserError("; ".join(failures))
    return {"numbers": {f"{row.metric} {row.class_name}".strip(): row.value for row in rows}}


def report(cell: Cell, device: str) -> dict[str, Any]:
    """Makes the tables of what is measured, and names what isn't."""
    from reports.report import Pages, write_report

    there: list[Cell] = []
    absent: list[str] = []
    for name, each in cell.inputs.items():
        found = read_result(Path(), each)
        if found is not None and found.result is not None:
            there.append(read_cell(Path(), each))
        else:
            absent.append(name)
    # of the others the pictures alone are shown
    measured = [each for each in there if each.kind == "evaluate"]
    if not measured:
        raise UserError("nothing of the suite is measured yet")
    out = Path(cell.work_folder)
    chosen = report_options(cell.options)
    paths = write_report(
        [Path(each.work_folder) / RESULTS for each in measured],
        chosen.pop("tables"),
        out,
        pictured=[Path(folder) for folder in cell.options["samples"] if Path(folder).is_dir()],
        pages=Pages(out / GALLERY) if cell.options.get("gallery") else None,
        **chosen,
    )
    return {"files": [str(path) for path in paths], "without": absent}


def report_options(options: dict[str, Any]) -> dict[str, Any]:
    """Options of a suite's report as `write_report` takes them.

    A suite names the figures of the whole: one that a part of it can't fill is passed over with a line.
    """
    from reports.figures.figures import figure_options
    from reports.names import KINDS

    drawn, names = options.get("figures"), options.get("names", {})
    return {
        **{name: options[name] for name in ("tables", "published", "mean_over_training_seeds")},
        "factors": [name.replace("-", " ") for name in options.get("factors", ())],
        "accuracy": options.get("accuracy", False),
        "figures": replace(
            figure_options(drawn or (), drawn is not None and not drawn, (), (), None, None, ()), passing=True
        ),
        "names": {kind: names.get(kind, {}) for kind in KINDS},
    }


WORK: dict[str, Work] = {
    "data": data,
    "segmenter": segmenter,
    "train": train,
    "generate": generate,
    "evaluate": evaluate,
    "report": report,
}
# What a kind of cell imports, for an engine that does it once.
MODULES = {
    "data": ("sdm_bench.toy", "sdm_bench.datasets.verify"),
    "segmenter": ("sdm_bench.training.segmenters", "accelerate"),
    "train": ("sdm_bench.training.recipes", "accelerate"),
    "generate": ("sdm_bench.sampling.generate", "torch._dynamo"),
    "evaluate": ("sdm_bench.evaluation.evaluate",),
    "report": ("reports.report",),
}
# What a metric imports besides, which takes seconds.
METRIC_MODULES = {"lpips": ("lpips",), "miou": ("segmenters.mmsegmentation",)}


def modules_of(cell: Cell) -> tuple[str, ...]:
    """What a cell imports."""
    return (*MODULES[cell.kind], *METRIC_MODULES.get(cell.options.get("metric", ""), ()))


def command(cell: Cell) -> str:
    """What makes the cell again, for the record."""
    return f"sdm-bench suite cell {cell.id}"


def root_of(cell: Cell) -> Path:
    """Where the dataset of a cell is."""
    made = _made(cell, "data")
    return Path(made.work_folder) if "toy" in made.options else Path(made.options["root"])


def _made(cell: Cell, role: str) -> Cell:
    return read_cell(Path(), cell.inputs[role])


def _loop(options: dict[str, Any], device: str) -> Any:
    from sdm_bench.training.loop import LoopOptions

    names = ("steps", "log_every", "save_every", "grid_every", "workers", "gradient_checkpointing")
    named = {name: options[name] for name in names}
    budgets = {"budget_minutes": options["budget"], "core_budget_minutes": options["core_budget"]}
    return LoopOptions(device=device, **budgets, **named)


def _size(asked: int | str | None) -> Any:
    """The short side, or (height, width) of WIDTHxHEIGHT."""
    if not isinstance(asked, str):
        return asked
    width, height = map(int, asked.split("x"))
    return height, width


def _overrides(options: dict[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in ("batch_size", "learning_rate") if options[name] is not None}


def _trained(cell: Cell, steps: int) -> dict[str, Any]:
    from sdm_bench.checkpoints.runs import TrainingRun

    state = TrainingRun(Path(cell.work_folder)).state()
    return {"steps": steps, "training_seconds": state["seconds"], "core_seconds": state.get("core_seconds")}
