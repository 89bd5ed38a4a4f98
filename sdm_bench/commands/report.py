"""sdm-bench report"""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from reports.figures.registry import FIGURES, FORMATS
from sdm_bench.commands import options

EXAMPLE = """\b
Examples:
  sdm-bench report runs/* --table comparison --table ablation --out report
  sdm-bench report runs/sdm-seed-* --mean-over-training-seeds
  sdm-bench report runs/* somebody-elses.csv
  sdm-bench report SUITE.yaml --suite-folder runs/suite
  sdm-bench report runs/* --figure compare --figure plane --format pdf
  sdm-bench report runs/* --examples worst --column runs/spade --column "runs/sdm=ours"
  sdm-bench report runs/* --gallery gallery.html
  sdm-bench report runs/* --table comparison --table ablation --site site
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
@click.option(
    "--figure",
    "figures",
    multiple=True,
    help=f"{'; '.join(f'{name}: {entry.summary}' for name, entry in FIGURES.items())}; repeatable. Each has its data "
    "beside it as CSV.  [default: compare, where there are samples]",
)
@click.option("--no-figure", is_flag=True, help="No figure at all.")
@click.option(
    "--format",
    "formats",
    type=click.Choice(FORMATS),
    multiple=True,
    help="Of the figures; repeatable.  [default: png]",
)
@click.option("--example", "ids", metavar="ID", multiple=True, help="A label map of compare and samples; repeatable.")
@click.option(
    "--examples",
    "way",
    metavar="WAY",
    help="How compare and samples choose label maps: evenly over the set, worst or best by mean IoU of single "
    "pictures, or class:NAME for those that show most of a class.  [default: evenly]",
)
@click.option("--rows", "count", type=click.IntRange(min=1), help="How many label maps they show.  [default: 6 and 2]")
@click.option(
    "--column",
    "columns",
    metavar="RUN[=NAME]",
    multiple=True,
    help="A run that they show, by its folder, and what it is called there; repeatable, in this order.  [default: all]",
)
@click.option(
    "--gallery",
    type=options.FILE,
    metavar="FILE.html",
    help="A web page of label maps, photographs and samples side by side, which opens without a server.",
)
@click.option(
    "--site",
    type=options.OUT,
    help="A folder of web pages: tables, gallery, protocols, and how each number was measured. An earlier site "
    "there is replaced.",
)
@click.option("--paths", is_flag=True, help="Show this machine's paths in the pages of --gallery and --site.")
@click.option(
    "--out",
    type=options.OUT,
    help="Where tables and figures go.  [default: report; nowhere with --gallery or --site]",
)
@click.option("--suite-folder", type=options.EXISTING_FOLDER, help="Of a suite (default: its name, here).")
@click.pass_context
def report(
    ctx: click.Context,
    /,
    runs: tuple[Path, ...],
    suite_folder: Path | None,
    figures: tuple[str, ...],
    no_figure: bool,
    formats: tuple[str, ...],
    ids: tuple[str, ...],
    way: str | None,
    count: int | None,
    columns: tuple[str, ...],
    out: Path | None,
    gallery: Path | None,
    site: Path | None,
    paths: bool,
    **chosen: Any,
) -> None:
    """Write tables (CSV and Markdown) and figures from the results and samples of RUNS, and web pages.

    RUNS are folders with results.csv, CSV files that `sdm-bench evaluate --out` wrote, or one suite's YAML: then all
    that is measured of it, in the tables that it asks for.
    """
    from reports.figures.figures import figure_options
    from reports.report import Pages, write_report

    if out is None and not gallery and not site:
        out = Path("report")
    drawn = figure_options(figures, no_figure, formats, ids, way, count, columns)
    if (figures or no_figure) and out is None and not site:
        flag = "--figure" if figures else "--no-figure"
        raise click.UsageError(f"{flag}: the gallery has no figures; give --out or --site too")
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
    pages = Pages(gallery, site, paths)
    for path in write_report(list(runs), **chosen, out=out, figures=drawn, pages=pages):
        click.echo(path)
