"""sdm-bench generate"""

from pathlib import Path
from typing import Any

import click

from cli import options
from cli.sampling import sampling_options, take_sampling

EXAMPLE = """\b
Examples:
  sdm-bench generate runs/sdm --seeds 0-2
  sdm-bench generate runs/sdm --solver ddpm --solver-steps 50 --guidance 1.5 --seeds 0-1 --out runs/sdm-guided
  sdm-bench generate --method sdm --checkpoint ema_0.9999_best.pt --dataset ade20k --data DIR --out runs/released
"""


@click.command(epilog=EXAMPLE)
@click.argument("run", required=False, type=options.EXISTING_FOLDER)
@sampling_options
@click.option("--out", type=options.FOLDER, help="Where samples/ and run.json go (default: the run's folder).")
@click.option("--shard", type=options.Shard(), help="This process's share of the samples, like 0/2.")
@options.device
def generate(run: Path | None, out: Path | None, **chosen: Any) -> None:
    """Sample the trained RUN (or --method with --checkpoint) on every label map of a split.

    Writes samples/seed-000/<example id>.png. A sample depends on weights, example id, seed and solver alone; the same
    command writes what is missing.
    """
    from sdm_bench.commands.generate import generate_samples

    generate_samples(**take_sampling(chosen, run), out=out, **chosen)
