"""sdm-bench generate"""

from pathlib import Path
from typing import Any

import click

from sdm_bench.commands import completed_names, options
from sdm_bench.commands.process_options import PROCESS_OPTIONS, take_process
from sdm_bench.commands.speed_options import PATH_OPTION, SPEED_OPTIONS

EXAMPLE = """\b
Examples:
  sdm-bench generate runs/sdm --seeds 0-2
  sdm-bench generate runs/sdm --solver ddpm --solver-steps 50 --guidance 1.5 --seeds 0-1 --out runs/sdm-guided
  sdm-bench generate --method sdm --checkpoint ema_0.9999_best.pt --dataset ade20k --data DIR --out runs/released
"""
WEIGHTS_OPTIONS = (
    click.option(
        "--method",
        shell_complete=completed_names.methods,
        help="The method of --checkpoint (default: what the file says).",
    ),
    click.option(
        "--checkpoint",
        help="Instead of a run (default): a weights file, a released file, folder or archive as its authors packed it, "
        "or `toy`, what ships with the program for --dataset or for the toy scenes in --data.",
    ),
    click.option(
        "--raw",
        is_flag=True,
        help="Where weights and their average over the training are there: the weights (default: the average).",
    ),
    click.option("--preset", help="Of a released checkpoint (default: the one whose keys and shapes it has)."),
    click.option("--recipe", help="sdm, sdm-released or spade: how label maps are read (default: as in training)."),
    options.dataset,
    options.data,
    options.split,
)
STYLE_OPTION = click.option(
    "--style",
    type=click.Choice(["ground-truth"]),
    help="Of networks with an encoder: take the style of each example's own photograph, as some papers' scripts do, "
    "instead of drawing it (default). Every row says so.",
)
SOLVER_OPTIONS = (
    click.option("--solver", help="ddpm, ddim, dpm-solver++, dpm-solver++-sde or unipc (default: the preset's)."),
    click.option(
        "--solver-steps", type=click.IntRange(min=2), help="Network evaluations a sample (default: the preset's)."
    ),
    click.option(
        "--timestep-respacing",
        metavar="SPEC",
        help="Instead of --solver-steps (default): which timesteps ddpm and ddim walk, as counts of equal sections "
        "(6 or 10,15,20) or strided (ddim6). --solver-steps 6 is 6 with ddpm and, as in the released code, ddim6 with "
        "ddim.",
    ),
    click.option(
        "--guidance",
        type=float,
        help="1.5 is s = 1.5 of the released code and s = 0.5 in the paper's equation. "
        "Guidance is off for values up to 1. Default: the preset's.",
    ),
    click.option(
        "--guidance-by",
        type=click.Choice(["null-label", "segmenter"]),
        help="segmenter: in place of the null label, of ddpm and ddim. --guidance then multiplies the gradient of "
        "log p of the whole label map, a sum over its pixels: 1 is Bayes' rule, and too much in few steps "
        "(default: null-label).",
    ),
    click.option(
        "--segmenter",
        metavar="FOLDER",
        help="What guides, no default: a run of `segment train --noisy`, or a weights file of one.",
    ),
    click.option("--eta", type=click.FloatRange(0, 1), help="DDIM's share of fresh noise (default: 0)."),
    click.option(
        "--threshold",
        help="How predicted x_0 is kept in [-1, 1]: clip (the default), none, dynamic, or dynamic-0.95 with its "
        "quantile.",
    ),
    click.option(
        "--precision", type=click.Choice(["no", "bf16", "fp16"]), help="Autocast of the network (default: no)."
    ),
)


@click.command(cls=options.Command, epilog=EXAMPLE)
@click.argument("run", required=False, type=options.EXISTING_FOLDER)
@options.with_options(*WEIGHTS_OPTIONS, STYLE_OPTION, *SOLVER_OPTIONS, *PROCESS_OPTIONS)
@click.option("--seeds", type=options.IntegerList(), default="0", show_default=True, help="Like 0-2 or 0,4.")
@click.option("--variant", default="", help="What the tables call this ablation of the method.")
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="Samples computed together (default: 8, or as the folder's samples were). It changes samples by rounding.",
)
@options.with_options(PATH_OPTION, *SPEED_OPTIONS)
@click.option("--out", type=options.OUT, help="Where samples/ and run.json go (default: the run's folder).")
@click.option("--shard", type=options.Shard(), help="This process's share of the samples, like 0/2 (default: all).")
@options.device
def generate(run: Path | None, **chosen: Any) -> None:
    """Sample the trained RUN (or --method with --checkpoint) on every label map of a split.

    --noise-schedule to --sigma-small say how a released checkpoint was trained; weights of this program know it.
    Writes samples/seed-000/<example id>.png. A sample depends on weights, label map, example id, seed and solver alone;
    the same command writes what is missing.
    """
    from sdm_bench.base.files import refuse_unwritable
    from sdm_bench.checkpoints.generators import WeightsSpec
    from sdm_bench.datasets.known_datasets import DatasetSplit
    from sdm_bench.sampling.generate import generate_samples
    from sdm_bench.sampling.synthesizers import SamplingOptions, Speed

    if run is not None and chosen["out"] is None:
        refuse_unwritable(run, "RUN")

    def take(*names: str) -> dict[str, Any]:
        return {name: chosen.pop(name) for name in names}

    generate_samples(
        weights=WeightsSpec(run=run, **take("method", "checkpoint", "preset", "raw"), process=take_process(chosen)),
        where=DatasetSplit(*take("dataset", "data", "split").values()),
        sampling=SamplingOptions(
            **take("solver", "solver_steps", "timestep_respacing", "guidance", "eta", "threshold", "precision"),
            **take("guidance_by", "segmenter"),
        ),
        speed=Speed(**take("path", "spade_cache", "channels_last", "compile")),
        command=options.command_line(),
        **chosen,
    )
