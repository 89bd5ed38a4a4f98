"""sdm-bench report"""

from pathlib import Path

import click

from cli import options

EXAMPLE = """\b
Example:
  sdm-bench report runs/* --table comparison --table ablation --out report
"""


@click.command(epilog=EXAMPLE)
@click.argument("runs", nargs=-1, required=True, type=options.EXISTING_FOLDER)
@click.option(
    "--table",
    "tables",
    multiple=True,
    default=("comparison",),
    show_default=True,
    help="comparison, companions, ablation or sensitivity; repeatable.",
)
@click.option("--published", is_flag=True, help="Also what others published on the datasets, in tables of its own.")
@click.option("--figure/--no-figure", default=True, help="Whether to draw grid.png from the runs' samples.")
@click.option("--out", type=options.FOLDER, default="report", show_default=True)
def report(runs: tuple[Path, ...], tables: tuple[str, ...], published: bool, figure: bool, out: Path) -> None:
    """Write tables (CSV and Markdown) from the results of RUNS, and a picture grid of their samples."""
    from sdm_bench.commands.report import write_report

    for path in write_report(runs, tables, out, figure, published):
        click.echo(path)
