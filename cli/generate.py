"""sdm-bench generate"""

from pathlib import Path
from typing import Any

import click

from cli import options

EXAMPLE = """\b
Examples:
  sdm-bench generate runs/sdm --seeds 0-2
  sdm-bench generate runs/sdm --solver ddim --solver-steps 50 --guidance 1.5 --seeds 0-1 --out runs/sdm-guided
  sdm-bench generate --method sdm --checkpoint ema_0.9999_best.pt --dataset ade20k --data DIR --out runs/released
"""


@click.command(epilog=EXAMPLE)
@click.argument("run", required=False, type=options.EXISTING_FOLDER)
@click.option("--method", help="The method of --checkpoint, where the file doesn't say.")
@click.option("--checkpoint", help="A weights file instead of a run; `toy` for the one that ships.")
@click.option("--preset", default="paper", show_default=True, help="What a bare state dict is of.")
@options.dataset
@options.data
@options.split
@click.option("--solver", help="ddpm or ddim (default: the preset's).")
@click.option("--solver-steps", type=click.IntRange(min=1), help="Network evaluations a sample.")
@click.option(
    "--guidance", type=float, help="Scale s of the released code; none up to 1. The paper's formula counts one less."
)
@click.option("--eta", type=click.FloatRange(0, 1), help="DDIM's share of fresh noise.")
@click.option(
    "--seeds", type=options.Seeds(), default="0", show_default=True, help="Like 0-2 or 0,4; one picture a seed."
)
@click.option("--out", type=options.FOLDER, help="Where samples/ and run.json go (default: the run's folder).")
@click.option("--variant", default="", help="What the tables call this ablation of the method.")
@click.option("--batch-size", type=click.IntRange(min=1), default=8, show_default=True)
@click.option("--shard", type=options.Shard(), help="This process's share of the samples, like 0/2.")
@options.device
def generate(
    run: Path | None,
    method: str | None,
    checkpoint: str | None,
    preset: str,
    dataset: str | None,
    data: Path | None,
    split: str,
    **chosen: Any,
) -> None:
    """Sample the trained RUN (or --method with --checkpoint) on every label map of a split.

    Writes samples/seed-000/<example id>.png. A sample depends on weights, example id, seed and solver alone; the same
    command writes what is missing.
    """
    from sdm_bench.commands.generate import Source, Where, generate_samples
    from sdm_bench.synthesizers import SamplingOptions

    sampling = SamplingOptions(*(chosen.pop(name) for name in ("solver", "solver_steps", "guidance", "eta")))
    generate_samples(
        Source(run, method, checkpoint, preset),
        Where(dataset, data, split),
        sampling=sampling,
        command=options.command_line(),
        **chosen,
    )
