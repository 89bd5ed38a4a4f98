"""python -m tests.endurance.mutations: makes small changes of the numeric rooms, reports which ones no test notices."""

import sys
import time
from pathlib import Path

import click

from tests.endurance.mutations.known import EQUIVALENT
from tests.endurance.mutations.mutants import chosen
from tests.endurance.mutations.trial import cases_by_line, check_unchanged, copied, preload, survives

ROOT = Path(__file__).resolve().parents[3]
ALLOWED = 1 / 50


@click.command()
@click.option("--seed", default=0, show_default=True)
@click.option("--count", default=100, show_default=True, help="Changes to make.")
@click.option("--skip", default=0, help="Leave out so many of them, the first.")
@click.option("--only", default="*", metavar="GLOB", help="Files whose path ends so.")
@click.option("--minutes", default=600.0, show_default=True, help="No change is begun after so many.")
def main(seed: int, count: int, skip: int, only: str, minutes: float) -> None:
    """Exit code 1 where more than 1 change in 50 lives; those of `known.py` don't count."""
    begin, living, made, equivalent = time.monotonic(), 0, 0, 0
    preload()
    with copied(ROOT) as folder:
        check_unchanged(folder)
        about = cases_by_line(folder)
        for mutant in chosen(folder, seed, count, only)[skip:]:
            if time.monotonic() - begin > 60 * minutes:
                break
            change = mutant.change((folder / mutant.path).read_text())
            lives, noticed = survives(folder, mutant, about)
            made += 1
            equivalent += lives and change in EQUIVALENT
            living += lives and change not in EQUIVALENT
            if lives:
                click.echo(f"{'equivalent' if change in EQUIVALENT else 'LIVES'} line {mutant.line} of {change}")
            else:
                click.echo(f"noticed line {mutant.line} of {change}: {noticed[:150]}")
    click.echo(f"{made} changes: {made - living - equivalent} noticed, {living} live, {equivalent} equivalent")
    sys.exit(1 if living > ALLOWED * made else 0)


main()
