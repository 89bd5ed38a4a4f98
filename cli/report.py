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
    "--table", "tables", multiple=True, default=("comparison",), show_default=True, help="comparison or ablation."
)
@click.option("--figure/--no-figure", default=True, help="Whether to draw grid.png from the runs' samples.")
@click.option("--out", type=options.FOLDER, default="report", show_default=True)
def report(runs: tuple[Path, ...], tables: tuple[str, ...], figure: bool, out: Path) -> None:
    """Write tables (CSV and Markdown) from the results of RUNS, and a picture grid of their samples."""
    from sdm_bench.commands.report import write_report

    for path in write_report(runs, tables, out, figure):
        click.echo(path)
