"""sdm-bench report"""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from sdm_bench.commands import options

EXAMPLE = """\b
Examples:
  sdm-bench report runs/* --table comparison --table ablation --out report
  sdm-bench report runs/sdm-seed-* --mean-over-training-seeds
  sdm-bench report runs/* somebody-elses.csv
  sdm-bench report SUITE.yaml --suite-folder runs/suite
"""
SUITE_ENDINGS = (".yaml", ".yml")


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
@click.option("--suite-folder", type=options.EXISTING_FOLDER, help="Of a suite (default: its name, here).")
@click.option("--out", type=options.OUT, default="report", show_default=True)
@click.pass_context
def report(ctx: click.Context, /, runs: tuple[Path, ...], suite_folder: Path | None, **chosen: Any) -> None:
    """Write tables (CSV and Markdown) from the results of RUNS, and a picture grid of their samples.

    RUNS are folders with results.csv, CSV files that `sdm-bench evaluate --out` wrote, or one suite's YAML: then all
    that is measured of it, in the tables that it asks for.
    """
    from reports.report import write_report

    suites = [run for run in runs if run.suffix in SUITE_ENDINGS]
    if suites and len(runs) > 1:
        raise click.UsageError(f"{suites[0]}: a suite stands alone; expected one suite, or runs")
    if suite_folder is not None and not suites:
        raise click.UsageError("--suite-folder: of a suite; expected one SUITE.yaml")
    if suites:
        from sdm_bench.suites.collected import collected

        found = collected(suites[0], suite_folder)
        given = {name for name in chosen if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT}
        chosen |= {name: value for name, value in found.options.items() if name not in given}
        chosen["pictured"], runs = found.samples, found.results
    for path in write_report(list(runs), **chosen):
        click.echo(path)
