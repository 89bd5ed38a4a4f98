"""sdm-bench doctor"""

from pathlib import Path

import click

from sdm_bench.commands import options, suite_options

EXAMPLE = """\b
Examples:
  sdm-bench doctor
  sdm-bench doctor paper-table1 --data ade20k=DIR
"""


@click.command(cls=options.Command, epilog=EXAMPLE)
@click.argument("suite", type=suite_options.SuiteFile(), required=False)
@suite_options.out
@suite_options.roots
@suite_options.pretrained
def doctor(suite: Path | None, out: Path | None, roots: tuple[tuple[str, Path], ...], pretrained: bool) -> None:
    """Versions, GPUs, disk, permissions, weights with digests, and what of SUITE can't run here.

    Each thing that is wrong comes with the command that mends it; the exit code is 1 then.
    """
    from sdm_bench.suites.doctor import examine
    from sdm_bench.suites.run import planned_suite

    if suite is None and (out is not None or roots or pretrained):
        raise click.UsageError("--out, --data and --pretrained are of a suite; name one")
    wrong = 0
    planned = None if suite is None else planned_suite(suite, out, dict(roots), shipped=pretrained)
    for each in examine(planned):
        click.echo(f"{'!' if each.mend else ' '} {each.text}{f': {each.mend}' if each.mend else ''}")
        wrong += bool(each.mend)
    if wrong:
        raise SystemExit(1)
