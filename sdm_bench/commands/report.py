"""sdm-bench report"""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from reports.figures.registry import FIGURES
from reports.figures.registry import FORMATS as FIGURE_FORMATS
from sdm_bench.commands import options, suite_options

EXAMPLE = """\b
Examples:
  sdm-bench report runs/* --table comparison --table ablation --out report
  sdm-bench report runs/sdm-seed-* --mean-over-training-seeds
  sdm-bench report runs/* somebody-elses.csv
  sdm-bench report runs/* --figure compare --figure plane --format pdf
  sdm-bench report runs/* --examples worst --column runs/spade --column "runs/sdm=ours"
  sdm-bench report runs/* --table table1 --published beside --rename 'sdm=SDM (ours)'
  sdm-bench report runs/* --table table4 --factor conditioning --factor guidance
  sdm-bench report SUITE.yaml runs/mine --suite-folder runs/suite
  sdm-bench report runs/* --gallery gallery.html
  sdm-bench report runs/* --table comparison --table ablation --site site
"""

PUBLISHED = ("beside", "below", "off")


class Report(options.Command):
    """The command, whose --published may stand without a value, before RUNS too: then it means `below`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        said = [
            "--published=below" if each == "--published" and following not in PUBLISHED else each
            for each, following in zip(args, [*args[1:], ""], strict=True)
        ]
        return super().parse_args(ctx, said)


@click.command(cls=Report, epilog=EXAMPLE)
@click.argument("runs", nargs=-1, required=True, type=options.EXISTING)
@click.option(
    "--table",
    "tables",
    multiple=True,
    default=("comparison",),
    show_default=True,
    help="comparison, table1 (FID and LPIPS by dataset), table3 (mIoU by dataset), table4 (ablation), classes, "
    "companions, sensitivity, cost or tracks; repeatable.",
)
@click.option(
    "--factor",
    "factors",
    multiple=True,
    metavar="NAME",
    help="What table4 is of: conditioning, method, variant, guidance, solver, training-steps, training-seed, "
    "configuration, size or split; repeatable.  [default: conditioning and guidance, or all that differ]",
)
@click.option("--accuracy", is_flag=True, help="Pixel accuracy beside mean IoU in table3.")
@click.option(
    "--names",
    "names_file",
    type=options.EXISTING,
    metavar="FILE",
    help="A YAML of methods, datasets and columns and what tables call them (default: as the program does).",
)
@click.option(
    "--rename", "renames", multiple=True, metavar="OLD=NEW", help="Call a method, dataset or column NEW; repeatable."
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
@click.option(
    "--published",
    type=click.Choice(PUBLISHED),
    default="off",
    show_default=True,
    help="What others published on the datasets: beside, in columns of table1 and table3, and as marks or lines "
    "apart in guidance, solvers and plane; below, in tables of their own. Alone it means below.",
)
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
    type=click.Choice((*options.TABLE_FORMATS, *FIGURE_FORMATS)),
    multiple=True,
    help="csv, md, tex (with tables.tex, a document of all tables) and html are of tables, png, pdf and svg of "
    "figures; repeatable.  [default: all those of tables, png]",
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
    help="A web page of label maps, photographs and samples side by side, which needs no server (default: none).",
)
@click.option(
    "--site",
    type=options.OUT,
    help="A folder of web pages: tables, gallery, protocols, and how each number was measured. An earlier site "
    "there is replaced (default: none).",
)
@click.option("--paths", is_flag=True, help="Show this machine's paths in the pages of --gallery and --site.")
@click.option(
    "--out",
    type=options.OUT,
    help="Where tables and figures go.  [default: report; nowhere with --gallery or --site]",
)
@click.option("--suite-folder", type=options.EXISTING_FOLDER, help="Of a suite (default: its name, here).")
@suite_options.pretrained
@click.pass_context
def report(
    ctx: click.Context,
    /,
    runs: tuple[Path, ...],
    suite_folder: Path | None,
    pretrained: bool,
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
    names_file: Path | None,
    renames: tuple[str, ...],
    **chosen: Any,
) -> None:
    """Write tables and figures from the results and samples of RUNS, and web pages.

    RUNS are folders with results.csv, CSV files that `sdm-bench evaluate --out` wrote, and suites' YAMLs, in any
    mixture. Of a suite it is all that is measured, in the tables that it asks for where no option says otherwise.
    """
    from reports.figures.figures import figure_options
    from reports.names import read_names
    from reports.report import Pages, write_report

    if out is None and not gallery and not site:
        out = Path("report")
    drawn = figure_options(
        figures, no_figure, [each for each in formats if each in FIGURE_FORMATS], ids, way, count, columns
    )
    if (figures or no_figure) and out is None and not site:
        flag = "--figure" if figures else "--no-figure"
        raise click.UsageError(f"{flag}: the gallery has no figures; give --out or --site too")
    suites = suite_options.suites_among(runs, suite_folder, pretrained)
    chosen["factors"] = [name.replace("-", " ") for name in chosen["factors"]]
    places, pages, names = list(runs), Pages(gallery, site, paths), read_names(names_file, renames)
    if suites:
        from sdm_bench.suites.collected import collected_with

        given = {name for name in chosen if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT}
        of_figures = (figures, no_figure, ids, way, count, columns, {*formats} & {*FIGURE_FORMATS})
        given |= {"figures"} if any(of_figures) else set()
        given |= {"names"} if names_file or renames else set()
        found = collected_with(suites, suite_folder, [run for run in runs if run not in suites], given, pretrained)
        drawn, names = found.options.pop("figures", drawn), found.options.pop("names", names)
        chosen |= found.options
        chosen["pictured"], places = found.samples, list(found.results)
    of_tables = [each for each in formats if each in options.TABLE_FORMATS] or options.TABLE_FORMATS
    for path in write_report(places, **chosen, names=names, out=out, figures=drawn, pages=pages, formats=of_tables):
        click.echo(path)
