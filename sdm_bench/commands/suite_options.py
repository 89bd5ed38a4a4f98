"""Options of the commands that take a suite."""

from pathlib import Path
from typing import Any

import click

from sdm_bench.commands import options


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


suite = click.argument("suite", type=SuiteFile())
out = click.option("--out", type=options.OUT, help="The suite's folder (default: its name, here).")
roots = click.option(
    "--data", "roots", type=Roots(), multiple=True, help="Where a dataset of the suite is; kept in its folder."
)
