"""python -m tests.parity PATH [PATH ...] [--only GLOB]: one line a case; exit code 1 if any falls short."""

import sys
from collections import Counter
from pathlib import Path

import click

from tests.parity.cases import find
from tests.parity.run import run_file


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--only", default="*", metavar="GLOB", help="Cases whose <group>/<case> or <case> matches.")
def main(paths: tuple[Path, ...], only: str) -> None:
    """Run every parity case found under PATHS."""
    statuses: Counter[str] = Counter()
    for path in [case for root in paths for case in find(root, only)]:
        outcome = run_file(path)
        statuses[outcome.status] += 1
        click.echo(outcome.line())
    click.echo(", ".join(f"{count} {status}" for status, count in sorted(statuses.items())) or "no cases found")
    sys.exit(1 if statuses["failed"] or not statuses else 0)


main()
