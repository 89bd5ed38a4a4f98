"""sdm-bench leaderboard"""

from pathlib import Path
from typing import Any

import click

from sdm_bench.commands import options

CHECK_EXAMPLE = """\b
Examples:
  sdm-bench leaderboard check bundle
  sdm-bench leaderboard check bundle --data DIR
  sdm-bench leaderboard check bundle --data cityscapes=DIR --data ade20k=DIR --segmenter runs/unet
"""
BUILD_EXAMPLE = """\b
Example:
  sdm-bench leaderboard build bundles --out site
"""


class Root(click.ParamType):
    """DIR, or NAME=DIR where DIR is the root of the dataset NAME; gives name, which may be empty, and folder."""

    name = "[NAME=]DIR"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        if isinstance(value, tuple):
            return value
        name, _, root = ("", "", str(value)) if Path(value).is_dir() else str(value).partition("=")
        # nothing behind the name would be the working directory
        if not root or (not name and root != value) or not Path(root).is_dir():
            self.fail(f"'{value}'; expected the root of a dataset, as DIR or NAME=DIR", param, ctx)
        return name, Path(root)


@click.group(cls=options.Group, epilog=CHECK_EXAMPLE)
def leaderboard() -> None:
    """Check bundles that `sdm-bench submit` wrote, and make a site of them."""


@leaderboard.command(epilog=CHECK_EXAMPLE)
@click.argument("bundle", type=options.EXISTING_FOLDER)
@click.option(
    "--data",
    "roots",
    type=Root(),
    multiple=True,
    help="The root of the dataset, with which samples in the bundle are measured again; repeatable, with names.",
)
@click.option(
    "--segmenter", help="For mean IoU of a segmenter that the bundle can't name (no default), as evaluate takes it."
)
@options.device
def check(bundle: Path, roots: tuple[tuple[str, Path], ...], segmenter: str | None, device: str) -> None:
    """Compute all digests of BUNDLE again, and with --data its numbers. A line for all that is wrong; then exit code 1.

    What can't be measured again is said. Nothing outside of the bundle is read for it.
    """
    from reports.leaderboard.again import findings
    from sdm_bench.base.progress import say

    if segmenter is not None and not roots:
        raise click.UsageError("--segmenter: does nothing without --data")
    names = [name for name, _ in roots]
    if len(set(names)) < len(names) or ("" in names and len(names) > 1):
        raise click.UsageError("--data: several roots; expected NAME=DIR, each name once")
    found, again = findings(bundle, dict(roots), segmenter, device)
    for line in again.differing:
        click.echo(line)
    for line in again.absent:
        click.echo(f"not measured again: {line}")
    wrong = len(again.differing)
    say(f"{bundle}: {len(found.digests)} files, {len(found.rows)} rows, {wrong or 'nothing'} wrong")
    if wrong:
        raise SystemExit(1)


@leaderboard.command(epilog=BUILD_EXAMPLE)
@click.argument("folder", type=options.EXISTING_FOLDER)
@click.option("--out", type=options.OUT, required=True, help="The site's folder. An earlier site there is replaced.")
def build(folder: Path, out: Path) -> None:
    """Make a static site of all bundles below FOLDER: a table for what compares, and the account of every number.

    Broken bundles, and those that contradict each other, are left out by name; the exit code is 1 then.
    """
    from reports.leaderboard.board import write_board
    from sdm_bench.base.errors import PartialFailure

    written, refused = write_board(folder, out)
    if written is not None:
        click.echo(written)
    if refused:
        raise PartialFailure("refused:\n" + "\n".join(f"  {line}" for line in refused))
