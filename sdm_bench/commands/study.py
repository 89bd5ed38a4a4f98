"""sdm-bench study"""

from pathlib import Path

import click

from reports.figures.registry import FORMATS as FIGURE_FORMATS
from sdm_bench.commands import options, suite_options

EXAMPLE = """\b
Examples:
  sdm-bench study build runs/* --pairs sdm:spade --pairs sdm:oasis --out study
  sdm-bench study serve study --participants 20
  sdm-bench study tally study/answers/*.csv
"""
BUILD_EXAMPLE = """\b
Examples:
  sdm-bench study build runs/* --pairs sdm:spade --pairs sdm:oasis --per-pair 50 --out study
  sdm-bench study build SUITE.yaml --pairs sdm:spade --label-map --per-participant 60 --out study
"""


@click.group(cls=options.Group, epilog=EXAMPLE)
def study() -> None:
    """A user study: which of two pictures people prefer, asked blindly and counted."""


@study.command(epilog=BUILD_EXAMPLE)
@click.argument("runs", nargs=-1, required=True, type=options.EXISTING)
@click.option(
    "--pairs",
    multiple=True,
    required=True,
    metavar="A:B",
    help="Two runs to compare, each by its method, its folder or, in a suite, its cell's name; repeatable.",
)
@click.option(
    "--per-pair",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Label maps of each pair and dataset, drawn from those that both runs have. A participant needs about 6 "
    "seconds for each: 6 minutes for 50 with their checks.",
)
@click.option(
    "--per-participant",
    type=click.IntRange(min=1),
    help="At most as many of these does one participant see; each form is a page of its own.  [default: all]",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=0),
    help="How many a participant sees again with sides swapped.  [default: 1 in 10, from 5 to 10]",
)
@click.option(
    "--obvious",
    type=click.IntRange(min=0),
    help="Photographs beside noise, to see who looks.  [default: 1 in 10, from 5 to 10]",
)
@click.option(
    "--quality",
    type=click.IntRange(1, 100),
    help="Of the pictures as WebP, for smaller pages; what is lost is lost alike.  [default: without loss]",
)
@click.option("--label-map", is_flag=True, help="Show the label map too, with the names of its classes.")
@click.option("--question", metavar="TEXT", help="What is asked (default: the program's question).")
@click.option(
    "--consent", type=options.EXISTING, metavar="FILE", help="The first page's text, in UTF-8 (default: the program's)."
)
@click.option("--seed", type=click.IntRange(min=0), help="Of all that is drawn.  [default: drawn, and recorded]")
@click.option("--suite-folder", type=options.EXISTING_FOLDER, help="Of a suite (default: its name, here).")
@suite_options.pretrained
@click.option("--out", type=options.OUT, default="study", show_default=True, help="Where the page and the key go.")
def build(
    runs: tuple[Path, ...],
    pairs: tuple[str, ...],
    per_pair: int,
    per_participant: int | None,
    repeats: int | None,
    obvious: int | None,
    quality: int | None,
    label_map: bool,
    question: str | None,
    consent: Path | None,
    seed: int | None,
    suite_folder: Path | None,
    pretrained: bool,
    out: Path,
) -> None:
    """Write a web page that asks which of two pictures is better, and the key that says whose they are.

    RUNS are folders of samples and suites' YAMLs. The page works without a server. Send study.html or serve it; keep
    key.json to yourself.
    """
    from reports.study.build import StudyOptions, build_study
    from reports.study.runs import read_pair
    from sdm_bench.base.files import read_text
    from sdm_bench.suites.collected import sample_folders

    suites = suite_options.suites_among(runs, suite_folder, pretrained)
    folders = sample_folders(suites, suite_folder, [run for run in runs if run not in suites], pretrained)
    asked = StudyOptions(
        pairs=[read_pair(pair) for pair in pairs],
        per_pair=per_pair,
        per_participant=per_participant,
        repeats=repeats,
        obvious=obvious,
        quality=quality,
        label_map=label_map,
        question=question,
        consent=None if consent is None else read_text(consent, "text"),
        seed=seed,
    )
    for path in build_study(folders, asked, out, options.command_line()):
        click.echo(path)


@study.command(epilog="\b\nExample:\n  sdm-bench study serve study --participants 20\n")
@click.argument("folder", metavar="STUDY", type=options.EXISTING_FOLDER)
@click.option(
    "--participants",
    type=click.IntRange(1, 10_000),
    help="How many links there are in all; those of earlier calls stay.  [default: those of earlier calls]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8480, show_default=True, help="0 for any free one.")
@click.option("--yes-expose", is_flag=True, help="Needed for a --host that others than this machine can reach.")
def serve(folder: Path, participants: int | None, host: str, port: int, yes_expose: bool) -> None:
    """Serve the study in the folder STUDY: prints a link for each participant, stores answers in STUDY/answers.

    A link answers once; closed and opened again, it goes on where it was. Ctrl-C ends the server, and the same command
    goes on.
    """
    from reports.study.serve import refuse_exposure, serving
    from reports.study.served import opened_study

    refuse_exposure(host, yes_expose)
    with opened_study(folder, participants) as served, serving(served, host, port) as server:
        for address in server.addresses():
            click.echo(address)
        served.say_progress()
        server.serve_forever()


@study.command(epilog="\b\nExample:\n  sdm-bench study tally study/answers/*.csv --rename 'sdm=SDM (ours)'\n")
@click.argument("answers", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The study's key.json.  [default: beside ANSWERS, or above their folder]",
)
@click.option(
    "--names",
    "names_file",
    type=options.EXISTING,
    metavar="FILE",
    help="A YAML of what methods and datasets are called (default: as the program does).",
)
@click.option("--rename", "renames", multiple=True, metavar="OLD=NEW", help="Call a method or dataset NEW; repeatable.")
@click.option(
    "--format",
    "formats",
    type=click.Choice((*options.TABLE_FORMATS, *FIGURE_FORMATS)),
    multiple=True,
    help="csv, md, tex and html are of tables, png, pdf and svg of the figure; repeatable.  [default: all those of "
    "tables, png]",
)
@click.option("--out", type=options.OUT, help="Where all goes.  [default: tally, beside the key]")
def tally(
    answers: tuple[Path, ...],
    key: Path | None,
    names_file: Path | None,
    renames: tuple[str, ...],
    formats: tuple[str, ...],
    out: Path | None,
) -> None:
    """Count ANSWERS, CSV files that the page or the server wrote: tables, a figure, and votes for other programs."""
    from reports.names import read_names
    from reports.study.tally import find_key
    from reports.study.tally import tally as count
    from reports.study.written import write_tally

    found = find_key(answers, key)
    written = write_tally(
        count(answers, found),
        out or found.parent / "tally",
        [each for each in formats if each in options.TABLE_FORMATS] or options.TABLE_FORMATS,
        [each for each in formats if each in FIGURE_FORMATS] or FIGURE_FORMATS[:1],
        read_names(names_file, renames),
    )
    for path in written:
        click.echo(path)
