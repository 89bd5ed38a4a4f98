"""sdm-bench submit"""

from pathlib import Path

import click

from sdm_bench.commands import options, suite_options

EXAMPLE = """\b
Examples:
  sdm-bench submit runs/* --out bundle --submitter "A lab" --url https://example.org
  sdm-bench submit runs/sdm --out bundle --samples
  sdm-bench submit SUITE.yaml --suite-folder runs/suite --out bundle
  sdm-bench leaderboard check bundle
"""


@click.command(cls=options.Command, epilog=EXAMPLE)
@click.argument("runs", nargs=-1, required=True, type=options.EXISTING)
@click.option(
    "--out",
    type=options.OUT,
    required=True,
    help="The bundle's folder. An earlier bundle there is replaced, nothing else.",
)
@click.option("--samples", is_flag=True, help="With the pictures, so that others can measure them again.")
@click.option("--submitter", metavar="NAME", default="", help="Who hands it in, as the leaderboard says it.")
@click.option("--url", metavar="URL", default="", help="Where more about it is.")
@click.option("--note", metavar="TEXT", default="", help="What the leaderboard says of it, on one line.")
@click.option(
    "--keep",
    multiple=True,
    metavar="WORD",
    help="A word that may stand in the bundle though it names this machine or its user; repeatable.",
)
@click.option("--suite-folder", type=options.EXISTING_FOLDER, help="Of a suite (default: its name, here).")
@suite_options.pretrained
def submit(
    runs: tuple[Path, ...],
    out: Path,
    samples: bool,
    submitter: str,
    url: str,
    note: str,
    keep: tuple[str, ...],
    suite_folder: Path | None,
    pretrained: bool,
) -> None:
    """Write the numbers of RUNS with all that they can be checked by: a folder for a leaderboard.

    RUNS are folders with results.csv, CSV files that `sdm-bench evaluate --out` wrote, and suites' YAMLs, in any
    mixture. The pictures have to be where they were measured. No path and no name of this machine goes into the
    bundle. docs/leaderboard.md says what is in it and how to hand it in.
    """
    from reports.leaderboard.bundle import write_bundle
    from sdm_bench.base.progress import say

    suites = suite_options.suites_among(runs, suite_folder, pretrained)
    places, folders = list(runs), []
    if suites:
        from sdm_bench.suites.collected import OPTIONS, collected_with

        found = collected_with(suites, suite_folder, [run for run in runs if run not in suites], OPTIONS, pretrained)
        places, folders = list(found.results), found.samples
    about = {"name": submitter, "url": url, "note": note}
    written, manifest = write_bundle(places, out, about, samples, keep, folders)
    say(f"{written}: {len(manifest.files) + 1} files, digest {manifest.digest}")
    click.echo(written)
