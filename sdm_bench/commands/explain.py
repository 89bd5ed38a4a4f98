"""sdm-bench explain"""

from pathlib import Path

import click

from sdm_bench.commands import options

EXAMPLE = """\b
Examples:
  sdm-bench explain 3f2a90c1de
  sdm-bench explain 3f2a runs/sdm runs/spade
"""


@click.command(cls=options.Command, epilog=EXAMPLE)
@click.argument("result_id")
@click.argument("places", nargs=-1, type=click.Path(exists=True, path_type=Path))
def explain(result_id: str, places: tuple[Path, ...]) -> None:
    """Where the number RESULT_ID came from: weights, pictures, seeds, protocol, command line, versions.

    RESULT_ID is the first column of results.csv, or its beginning. PLACES: results files, or folders to look through
    (default: this one).
    """
    import yaml

    from sdm_bench.results.provenance import explain as account
    from sdm_bench.results.provenance import find

    row, file = find(result_id, places or [Path()])
    click.echo(yaml.safe_dump(account(row, file), sort_keys=False, allow_unicode=True, width=120).strip())
