"""Options of the commands that take a suite."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from sdm_bench.commands import completed_names, options


class SuiteFile(click.ParamType):
    """A suite's YAML, or the name of one that ships; gives its path."""

    name = "suite"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        from sdm_bench.suites.suite import find_suite

        return value if isinstance(value, Path) else find_suite(str(value))


class Roots(click.ParamType):
    """NAME=DIR, where DIR is the root of the suite's dataset NAME."""

    name = "NAME=DIR"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        if isinstance(value, tuple):
            return value
        name, found, root = str(value).partition("=")
        if not name or not found or not Path(root).is_dir():
            self.fail(f"'{value}'; expected NAME=DIR with the root of the suite's dataset NAME", param, ctx)
        return name, Path(root)


class SbatchOption(click.ParamType):
    """NAME=VALUE, an option of sbatch, or NAME of one without a value."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        from sdm_bench.suites.slurm_options import parse_option

        return value if isinstance(value, tuple) else parse_option(str(value))


suite = click.argument("suite", type=SuiteFile(), shell_complete=completed_names.suites)
out = click.option("--out", type=options.OUT, help="The suite's folder (default: its name, here).")
roots = click.option(
    "--data", "roots", type=Roots(), multiple=True, help="Where a dataset of the suite is; kept in its folder."
)

pretrained = click.option(
    "--pretrained",
    is_flag=True,
    help="The suite with the toy checkpoints that ship in the place of trainings, in a folder of its own; what doesn't "
    "ship is left out.",
)


def suites_among(runs: Sequence[Path], folder: Path | None, pretrained: bool) -> list[Path]:
    """Those of `runs` that are suites; raises UsageError where --suite-folder or --pretrained is of none of them."""
    found = [run for run in runs if run.suffix in options.SUITE_ENDINGS]
    if folder is not None and len(found) != 1:
        raise click.UsageError(f"--suite-folder: of one suite; found {len(found) or 'none'}")
    if pretrained and not found:
        raise click.UsageError("--pretrained: of suites; found none")
    return found


def slurm(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of what runs as jobs of Slurm."""
    for option in (
        click.option("--sbatch", type=SbatchOption(), multiple=True, help="Any other option of sbatch."),
        *(
            click.option(
                f"--{name}", metavar=name.upper(), help=f"Of the jobs, as sbatch takes it{more} (default: the suite's)."
            )
            for name, more in (
                ("account", ""),
                ("time", ", such as 4:00:00"),
                ("gres", ", such as gpu:1"),
                ("partition", ""),
            )
        ),
        click.option("--slurm", is_flag=True, help="As jobs of Slurm, an array a kind of cell."),
    ):
        command = option(command)
    return command


def sbatch_given(slurm: bool, sbatch: tuple[tuple[str, Any], ...], **named: str | None) -> dict[str, Any]:
    """sbatch's options of the command line; raises UserError where they are given without --slurm, or twice."""
    from sdm_bench.base.errors import UserError

    found = {name: value for name, value in named.items() if value is not None}
    for name, value in sbatch:
        if name in found:
            raise UserError(f"--sbatch {name}: given twice; expected once")
        found[name] = value
    if found and not slurm:
        flags = [f"--{name}" for name, value in named.items() if value is not None]
        flags += [f"--sbatch {name}" for name, _ in sbatch]
        raise UserError(f"{flags[0]}: of jobs of Slurm; expected --slurm with it")
    return found
