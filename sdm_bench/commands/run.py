"""sdm-bench run"""

from pathlib import Path
from typing import Any

import click

from sdm_bench.commands import options, suite_options

EXAMPLE = """\b
Examples:
  sdm-bench run demo
  sdm-bench run toy --pretrained --at-once 2
  sdm-bench run paper-table1 --data ade20k=DIR --dry-run
  sdm-bench run SUITE.yaml --out runs/suite --retry-failed
  sdm-bench run SUITE.yaml --slurm --partition gpu --gres gpu:1 --time 4:00:00
"""


@click.command(cls=options.Command, epilog=EXAMPLE)
@suite_options.suite
@suite_options.out
@suite_options.roots
@suite_options.pretrained
@click.option("--dry-run", is_flag=True, help="Print every cell's state and what is estimated; run nothing.")
@click.option("--retry-failed", is_flag=True, help="Try again what failed before.")
@click.option("--offline", is_flag=True, help="Use no network; list all that is missing at once.")
@click.option(
    "--at-once",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Cells at a time where there are no GPUs, each with its share of the cores.",
)
@options.device
@suite_options.slurm
def run(
    suite: Path,
    out: Path | None,
    roots: tuple[tuple[str, Path], ...],
    pretrained: bool,
    dry_run: bool,
    retry_failed: bool,
    offline: bool,
    at_once: int,
    device: str,
    slurm: bool,
    sbatch: tuple[tuple[str, Any], ...],
    **named: str | None,
) -> None:
    """Do what SUITE, a YAML or the name of a shipped one, still needs: data, trainings, samples, numbers, tables.

    As many cells at once as fit: one a GPU, without GPUs one with all cores, or --at-once. Small networks leave cores
    idle; two at a time then do more. A cell that fails stops no other; they are
    listed at the end, and the exit code is 1. Ctrl-C stops once the work in hand is saved; the same command goes on.
    With --slurm the cells are jobs, which go on when this command ends.
    """
    from sdm_bench.suites.local import LocalEngine
    from sdm_bench.suites.run import bring, keep_roots, planned_suite
    from sdm_bench.suites.run import run as run_planned
    from sdm_bench.suites.show import dry_run_text
    from sdm_bench.suites.slurm import SlurmEngine

    if slurm and at_once > 1:
        raise click.UsageError("--at-once: of cells here; with --slurm the cluster decides")
    given = suite_options.sbatch_given(slurm, sbatch, **named)
    planned = planned_suite(suite, out, dict(roots), retry_failed, device, pretrained)
    if dry_run:
        click.echo("\n".join(dry_run_text(planned, at_once)))
        return
    keep_roots(planned.out, dict(roots))
    if bring(planned, offline):
        planned = planned_suite(suite, out, dict(roots), retry_failed, device, pretrained)
    run_planned(
        planned, SlurmEngine(planned.plan.suite.slurm, given, device) if slurm else LocalEngine(device, at_once)
    )
