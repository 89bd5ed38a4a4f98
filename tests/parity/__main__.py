"""python -m tests.parity [PATH ...] [--only GLOB]: one line a case; exit code 1 if any falls short."""

import sys
from collections import Counter
from pathlib import Path

import click

from tests.parity.cases import CASES, find
from tests.parity.run import run


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--only", default="*", metavar="GLOB", help="Cases whose <group>/<case> or <case> matches.")
def main(paths: tuple[Path, ...], only: str) -> None:
    """Run every parity case found under PATHS, by default those of the repository."""
    statuses: Counter[str] = Counter()
    for source in [case for root in paths or (CASES,) for case in find(root, only)]:
        outcome = run(source)
        statuses[outcome.status] += 1
        click.echo(outcome.line())
    click.echo(", ".join(f"{count} {status}" for status, count in sorted(statuses.items())) or "no cases found")
    sys.exit(1 if statuses["failed"] or not statuses else 0)


main()
