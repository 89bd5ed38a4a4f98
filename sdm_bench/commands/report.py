"""sdm-bench report"""

from typing import Any

import click

from sdm_bench.commands import options

EXAMPLE = """\b
Examples:
  sdm-bench report runs/* --table comparison --table ablation --out report
  sdm-bench report runs/sdm-seed-* --mean-over-training-seeds
  sdm-bench report runs/* somebody-elses.csv
"""


@click.command(cls=options.Command, epilog=EXAMPLE)
@click.argument("runs", nargs=-1, required=True, type=options.EXISTING)
@click.option(
    "--table",
    "tables",
    multiple=True,
    default=("comparison",),
    show_default=True,
    help="comparison, companions, ablation or sensitivity; repeatable.",
)
@click.option(
    "--mean-over-training-seeds",
    is_flag=True,
    help="One line for trainings that differ in their seed alone: the mean, and the standard deviation over them. What "
    "trainings that stay apart differ in is said above the table.",
)
@click.option(
    "--comparable",
    is_flag=True,
    help="Refuse lines that differ in what makes numbers comparable (pictures, seeds, size, split, label maps, "
    "reference set, networks, the protocol's content), instead of saying so.",
)
@click.option("--published", is_flag=True, help="Also what others published on the datasets, in tables of its own.")
@click.option("--figure/--no-figure", default=True, help="Whether to draw grid.png from the runs' samples.")
@click.option("--out", type=options.OUT, default="report", show_default=True)
def report(**chosen: Any) -> None:
    """Write tables (CSV and Markdown) from the results of RUNS, and a picture grid of their samples.

    RUNS are folders with results.csv, or CSV files that `sdm-bench evaluate --out` wrote.
    """
    from reports.report import write_report

    for path in write_report(**chosen):
        click.echo(path)
