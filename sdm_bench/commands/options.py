"""Option types, options that several commands share, and the command class that refuses repeated ones."""

import re
import shlex
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


class WritableFolder(click.Path):
    """A folder to write to, which need not exist: refused at once where it can't be made."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        from sdm_bench.base.files import refuse_unwritable

        folder = Path(str(super().convert(value, param, ctx)))
        refuse_unwritable(folder, param.opts[0] if isinstance(param, click.Option) else "OUT")
        return folder


FOLDER = click.Path(file_okay=False, path_type=Path)
OUT = WritableFolder(file_okay=False, path_type=Path)
EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)

DATASETS = "cityscapes, ade20k, celebamask_hq, coco_stuff or folder"
dataset = click.option("--dataset", metavar="NAME", help=f"{DATASETS}.")
data = click.option("--data", type=EXISTING_FOLDER, help="The dataset's root, in its official layout.")
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
    """A command in which an option that takes one value may be given once."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        counts = Counter(each for each in order if isinstance(each, click.Option))
        for option, count in counts.items():
            harmless = option.multiple or option.count or (option.is_flag and not option.secondary_opts)
            if count > 1 and not harmless:
                raise click.UsageError(f"{option.opts[0]}: given {count} times; expected once", ctx)
        return super().parse_args(ctx, args)


class Group(click.Group):
    """A group of such commands."""

    command_class = Command


class IntegerList(click.ParamType):
    """Whole numbers as a range with both ends ("0-2"), a list ("0,4"), or both ("0-2,7")."""

    name = "integers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        if isinstance(value, list):
            return value
        numbers: list[int] = []
        for part in str(value).split(","):
            first, dash, last = part.partition("-")
            if not first.isdigit() or (dash and not last.isdigit()) or (dash and int(last) < int(first)):
                self.fail(f"'{value}'; expected numbers like 0, 0-2 or 0,4", param, ctx)
            numbers += range(int(first), int(last or first) + 1)
        return list(dict.fromkeys(numbers))


class Shard(click.ParamType):
    """One share of the work, as "k/n" with k from 0 to n - 1."""

    name = "k/n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        first, slash, count = str(value).partition("/")
        if not slash or not first.isdigit() or not count.isdigit() or int(first) >= int(count):
            self.fail(f"'{value}'; expected k/n with k from 0 to n - 1, like 0/2", param, ctx)
        return int(first), int(count)


class Size(click.ParamType):
    """A picture's size as WIDTHxHEIGHT; gives (height, width)."""

    name = "WIDTHxHEIGHT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        width, cross, height = str(value).partition("x")
        if not cross or not width.isdigit() or not height.isdigit() or not int(width) * int(height):
            self.fail(f"'{value}'; expected WIDTHxHEIGHT in pixels, like 128x64", param, ctx)
        return int(height), int(width)


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
