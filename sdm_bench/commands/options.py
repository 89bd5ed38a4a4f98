"""Option types, options that several commands share, and the command class that refuses what no command can take."""

import math
import re
import shlex
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sdm_bench.base.names import refuse_unspellable
from sdm_bench.commands import completed_names


class WritableFolder(click.Path):
    """A folder to write to, which need not exist: refused at once where it can't be made."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        from sdm_bench.base.files import refuse_unwritable

        folder = Path(str(super().convert(value, param, ctx)))
        refuse_unwritable(folder, param.opts[0] if isinstance(param, click.Option) else "OUT")
        return folder


FOLDER = click.Path(file_okay=False, path_type=Path)
OUT = WritableFolder(file_okay=False, path_type=Path)
EXISTING = click.Path(exists=True, path_type=Path)
EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
# What tells a suite from the folder of a run.
SUITE_ENDINGS = (".yaml", ".yml")
# As reports/table.py has them, whose import is slow.
TABLE_FORMATS = ("csv", "md", "tex", "html")

DATASETS = "cityscapes, ade20k, celebamask_hq, coco_stuff or folder"
dataset = click.option(
    "--dataset", metavar="NAME", shell_complete=completed_names.datasets, help=f"{DATASETS} (default: the run's)."
)
data = click.option("--data", type=EXISTING_FOLDER, help="Its root, in its official layout (default: the run's).")
split = click.option("--split", default="val", show_default=True, help="Which split's label maps.")


class DeviceName(click.ParamType):
    """A device as PyTorch calls it; whether it is there is looked up later."""

    name = "device"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps", str(value)) is None:
            self.fail(f"'{value}'; expected auto, cpu, cuda, cuda:NUMBER or mps", param, ctx)
        return str(value)


device = click.option(
    "--device", type=DeviceName(), default="auto", show_default=True, help="auto, cpu, cuda, cuda:NUMBER or mps."
)


class Command(click.Command):
    """A command in which an option that takes one value may be given once, text is UTF-8 and numbers are finite."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for argument in args:
            refuse_unspellable(argument, "argument")
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        counts = Counter(each for each in order if isinstance(each, click.Option))
        for option, count in counts.items():
            harmless = option.multiple or option.count or (option.is_flag and not option.secondary_opts)
            if count > 1 and not harmless:
                raise click.UsageError(f"{option.opts[0]}: given {count} times; expected once", ctx)
        rest = super().parse_args(ctx, args)
        for param in self.params:
            value = ctx.params.get(param.name or "")
            if isinstance(value, float) and not math.isfinite(value):
                raise click.BadParameter(f"{value}; expected a finite number", ctx, param)
        return rest


class Group(click.Group):
    """A group of such commands."""

    command_class = Command


def matched(pattern: str, text: str) -> list[int] | None:
    """The whole numbers in `text` where it is as `pattern`, in which N stands for one; None where it isn't.

    Of ASCII digits alone: str.isdigit takes superscripts too, of which int makes nothing.
    """
    found = re.fullmatch(pattern.replace("N", "([0-9]{1,18})"), text)
    return None if found is None else [int(digits) for digits in found.groups() if digits is not None]


class IntegerList(click.ParamType):
    """Whole numbers as a range with both ends ("0-2"), a list ("0,4"), or both ("0-2,7")."""

    name = "integers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        from sdm_bench.base.integers import EXPECTED, integers_in

        numbers = value if isinstance(value, list) else integers_in(str(value))
        if numbers is None:
            self.fail(f"'{value}'; expected {EXPECTED}", param, ctx)
        return numbers


class NumberList(click.ParamType):
    """Numbers above zero as a list: "0.5,1,2"."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int | float]:
        if isinstance(value, list):
            return value
        parts = str(value).split(",")
        spelt = all(re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", part) for part in parts)
        numbers = [float(part) for part in parts] if spelt else []
        if not numbers or min(numbers) <= 0:
            self.fail(f"'{value}'; expected numbers above zero like 0.5,1,2", param, ctx)
        return [int(number) if number.is_integer() else number for number in numbers]


class Shard(click.ParamType):
    """One share of the work, as "k/n" with k from 0 to n - 1."""

    name = "k/n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        found = matched("N/N", str(value))
        if found is None or found[0] >= found[1]:
            self.fail(f"'{value}'; expected k/n with k from 0 to n - 1, like 0/2", param, ctx)
        return found[0], found[1]


class Size(click.ParamType):
    """A picture's size as WIDTHxHEIGHT; gives (height, width)."""

    name = "WIDTHxHEIGHT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        found = matched("NxN", str(value))
        if found is None or 0 in found:
            self.fail(f"'{value}'; expected WIDTHxHEIGHT in pixels, like 128x64", param, ctx)
        return found[1], found[0]


class ShortSideOrSize(Size):
    """The short side of pictures in pixels, or their size as WIDTHxHEIGHT; gives a number or (height, width)."""

    name = "PIXELS|WIDTHxHEIGHT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if "x" in str(value) or isinstance(value, tuple):
            return super().convert(value, param, ctx)
        found = [value] if isinstance(value, int) else matched("N", str(value))
        if not found or found[0] < 1:
            self.fail(
                f"'{value}'; expected pixels of the short side, like 256, or WIDTHxHEIGHT, like 480x352", param, ctx
            )
        return found[0]


def with_options(*added: Any) -> Callable[[Any], Any]:
    """A decorator that adds options in their order."""

    def decorate(command: Any) -> Any:
        for option in reversed(added):
            command = option(command)
        return command

    return decorate


def command_line() -> str:
    """The command as it was typed, for the record."""
    return shlex.join(["sdm-bench", *sys.argv[1:]])
