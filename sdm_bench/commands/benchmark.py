"""sdm-bench benchmark"""

import os
from pathlib import Path
from typing import Any

import click

from sdm_bench.commands import options
from sdm_bench.commands.speed_options import SPEED_OPTIONS

STEP_EXAMPLE = """\b
Examples:
  sdm-bench benchmark sampling
  sdm-bench benchmark sampling --preset paper --dataset ade20k --precision bf16 --batch-size 4
"""
SOLVER_EXAMPLE = """\b
Examples:
  sdm-bench benchmark solvers
  sdm-bench benchmark solvers --solver unipc --steps 5,10,20 --scenes 200 --reference
"""
EVALUATION_EXAMPLE = """\b
Examples:
  sdm-bench benchmark evaluation FOLDER
  sdm-bench benchmark evaluation FOLDER --counts 500,2000 --limit 60
"""
GENERATION_EXAMPLE = """\b
Examples:
  sdm-bench benchmark generation
  sdm-bench benchmark generation --method oasis --preset paper --batch-size 2 --batches 2
"""
TRAINING_EXAMPLE = """\b
Examples:
  sdm-bench benchmark training
  sdm-bench benchmark training --method sdm --preset paper --dataset ade20k --batch-size 1 --steps 2
"""
SOLVERS = ("ddpm", "ddim", "dpm-solver++", "dpm-solver++-sde", "unipc")


EXAMPLE = """\b
Example:
  sdm-bench benchmark sampling
"""


@click.group(cls=options.Group, epilog=EXAMPLE)
def benchmark() -> None:
    """Measure what sampling, training and evaluation cost, and what fewer steps cost in quality."""


@benchmark.command(epilog=STEP_EXAMPLE)
@click.option("--method", default="sdm", show_default=True, help="sdm or sdm-concat.")
@click.option("--preset", default="toy", show_default=True, help="paper or toy; the weights are random.")
@click.option("--dataset", default="cityscapes", show_default=True, metavar="NAME", help="Its class count is used.")
@click.option("--image-size", type=click.IntRange(min=1), help="Short side in pixels (default: the preset's).")
@click.option("--batch-size", type=click.IntRange(min=1), default=2, show_default=True, help="Samples at a time.")
@click.option("--guidance", type=float, default=1.5, show_default=True, help="Scale s of the released code.")
@click.option(
    "--pairs", type=click.IntRange(min=1), default=5, show_default=True, help="Timings of each path, in turn."
)
@click.option("--steps", type=options.IntegerList(), default="25,1000", show_default=True, help="For images a second.")
@click.option(
    "--precision", type=click.Choice(["no", "bf16", "fp16"]), default="no", show_default=True, help="Autocast."
)
@click.option("--quality/--no-quality", default=True, show_default=True, help="Also the table of `benchmark solvers`.")
@options.with_options(*SPEED_OPTIONS)
@options.device
@click.pass_context
def sampling(
    ctx: click.Context, /, method: str, preset: str, dataset: str, image_size: int | None, quality: bool, **chosen: Any
) -> None:
    """Time, operations and memory of a sampling step: the plain and the fast path, side by side in one run."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    from sdm_bench.benchmarks.sampling import benchmark_steps, random_network
    from sdm_bench.datasets.base import size_at
    from sdm_bench.datasets.known_datasets import dataset_class
    from sdm_bench.sampling.synthesizers import Speed

    network, side = random_network(method, preset, dataset)
    size = size_at(dataset_class(dataset).native_size, image_size or side)
    speed = Speed(spade_cache=chosen.pop("spade_cache"), **{k: chosen.pop(k) for k in ("channels_last", "compile")})
    click.echo(benchmark_steps(network, size, speed=speed, **chosen).to_string(index=False))
    if quality:
        click.echo()
        ctx.invoke(solvers, method=method, device=chosen["device"])


@benchmark.command(epilog=EVALUATION_EXAMPLE)
@click.argument("folder", type=options.EXISTING_FOLDER)
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True, help="Timings of each, in turn.")
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Pictures at a time.")
@click.option(
    "--counts", type=options.IntegerList(), default="500,2000,5000,50000", show_default=True, help="Of features."
)
@click.option("--limit", type=float, default=300.0, show_default=True, help="Seconds until a distance is given up.")
@options.device
def evaluation(folder: Path, repeats: int, batch_size: int, counts: list[int], limit: float, device: str) -> None:
    """Images a second of FID's features of FOLDER, and seconds of the distance, beside the reference packages.

    clean-fid, pytorch-fid and torch-fidelity are measured where they are installed, with the same weights.
    """
    from sdm_bench.benchmarks.distances import frechet_speed
    from sdm_bench.benchmarks.extraction import extraction_speed
    from sdm_bench.weights.store import require

    weights = require(["inception-2015-12-05"])["inception-2015-12-05"]
    click.echo(extraction_speed(folder, weights, repeats, batch_size, device=device).to_string(index=False))
    click.echo()
    click.echo(frechet_speed(counts, limit=limit).to_string(index=False))


@benchmark.command(epilog=TRAINING_EXAMPLE)
@click.option("--method", "methods", multiple=True, default=("sdm", "spade"), show_default=True, help="Repeatable.")
@click.option("--preset", default="toy", show_default=True, help="paper or toy; the weights are random.")
@click.option("--dataset", default="cityscapes", show_default=True, metavar="NAME", help="Of which toy scenes.")
@click.option("--image-size", type=click.IntRange(min=1), help="Short side in pixels (default: the preset's).")
@click.option("--batch-size", type=click.IntRange(min=1), help="Default: the preset's.")
@click.option("--steps", type=click.IntRange(min=1), default=5, show_default=True, help="That are timed.")
@options.device
def training(methods: tuple[str, ...], **chosen: Any) -> None:
    """What a training step spends on its network, on reading, optimizer and average, and on the rest."""
    from sdm_bench.benchmarks.training import training_shares

    for method in methods:
        click.echo(training_shares(method, **chosen).to_string(index=False, float_format="{:.4f}".format))


@benchmark.command(epilog=GENERATION_EXAMPLE)
@click.option("--method", "methods", multiple=True, default=("spade",), show_default=True, help="GANs. Repeatable.")
@click.option("--preset", default="toy", show_default=True, help="paper or toy; the weights are random.")
@click.option("--dataset", default="cityscapes", show_default=True, metavar="NAME", help="Of which toy scenes.")
@click.option("--image-size", type=click.IntRange(min=1), help="Short side in pixels (default: the preset's).")
@click.option("--batch-size", type=click.IntRange(min=1), default=8, show_default=True, help="Samples at a time.")
@click.option("--batches", type=click.IntRange(min=1), default=5, show_default=True, help="That are timed.")
@options.device
def generation(methods: tuple[str, ...], **chosen: Any) -> None:
    """What sampling a GAN spends on its network, on reading label maps, on writing pictures, and on the rest."""
    from sdm_bench.benchmarks.generation import generation_shares

    for method in methods:
        click.echo(generation_shares(method, **chosen).to_string(index=False, float_format="{:.4f}".format))


@benchmark.command(epilog=SOLVER_EXAMPLE)
@click.option("--method", default="sdm", show_default=True, help="sdm or sdm-concat.")
@click.option("--checkpoint", default="toy", show_default=True, help="Weights for toy scenes of Cityscapes.")
@click.option("--solver", "solvers", multiple=True, default=SOLVERS, help="Repeatable (default: all).")
@click.option(
    "--steps", type=options.IntegerList(), default="5,10,20", show_default=True, help="Network evaluations a sample."
)
@click.option("--reference", is_flag=True, help="Also 1,000 steps of ancestral sampling.")
@click.option("--guidance", type=float, help="Default: the preset's.")
@click.option("--scenes", type=click.IntRange(min=2), default=50, show_default=True, help="Toy scenes.")
@click.option("--seeds", type=options.IntegerList(), default="0", show_default=True, help="Like 0-2 or 0,4.")
@click.option("--out", type=options.OUT, default="benchmark", show_default=True, help="Scenes, samples and results.")
@options.device
def solvers(method: str, checkpoint: str, out: Path, **chosen: Any) -> None:
    """FID and mIoU of toy scenes by solver and number of steps. The same command resumes."""
    from sdm_bench.benchmarks.solvers import benchmark_solvers
    from sdm_bench.checkpoints.generators import WeightsSpec

    weights = WeightsSpec(method=method, checkpoint=checkpoint)
    table = benchmark_solvers(weights, out=out, command=options.command_line(), **chosen)
    click.echo(table.to_string(index=False, float_format="{:.4f}".format))
