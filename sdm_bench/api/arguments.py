"""The user's mistakes by the names of arguments: the rooms name what commands call them."""

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sdm_bench.base.errors import UserError

P = ParamSpec("P")
R = TypeVar("R")
# A command in backticks stays as it would be typed.
FLAG = re.compile(r"`[^`]*`|(?<![\w./-])--([a-z][a-z-]*)")
# Arguments that are called otherwise than flags.
ARGUMENTS = {"data": "dataset", "images": "pictures", "metric": "metrics"}


def naming_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """The function, whose UserErrors name arguments where they would name flags of a command."""

    @wraps(function)
    def named(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except UserError as error:
            spelled = in_python(error.message)
            # errors of a kind of their own, such as missing weights, are about no argument
            if type(error) is not UserError or spelled == error.message:
                raise
            raise UserError(spelled) from error

    return named


def in_python(message: str) -> str:
    """A message with `--name-of-flag` as `name_of_flag`, or as ARGUMENTS has it."""

    def argument(found: re.Match[str]) -> str:
        flag = found[1]
        return found[0] if flag is None else ARGUMENTS.get(flag, flag.replace("-", "_"))

    return FLAG.sub(argument, message)
