"""sdm-bench demo"""

from pathlib import Path

import click

from sdm_bench.commands import options

EXAMPLE = """\b
Examples:
  sdm-bench demo
  sdm-bench demo --from-scratch --budget 30
"""


@click.command(cls=options.Command, epilog=EXAMPLE)
@click.option("--out", type=options.OUT, default="demo", show_default=True, help="Scenes, samples and results.")
@click.option("--report", type=options.OUT, default="report", show_default=True, help="Tables and the picture grid.")
@click.option("--from-scratch", is_flag=True, help="Train all four networks first.")
@click.option(
    "--budget",
    type=click.FloatRange(min=0.1),
    default=20.0,
    show_default=True,
    metavar="MINUTES",
    help="For --from-scratch.",
)
@click.option("--offline", is_flag=True, help="Use no network; say what is missing and how to bring it.")
@options.device
def demo(out: Path, report: Path, from_scratch: bool, budget: float, offline: bool, device: str) -> None:
    """The whole walk on the toy scenes: sample, measure, tables, pictures. The same command resumes."""
    from sdm_bench.demo import demo as run_demo

    for path in run_demo(out, report, options.command_line(), from_scratch, budget, offline, device):
        click.echo(path)
