"""The user's mistakes: what was found, what was expected, and the nearest right word."""

import difflib
from collections.abc import Iterable

import click


class UserError(click.ClickException):
    """Wrong input: the message names the file or flag, what was found and what was expected. Exit code 2."""

    exit_code = 2


class PartialFailure(click.ClickException):
    """Some of the cells asked for could not be computed; the message lists them. Exit code 1."""

    exit_code = 1


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a registry miss, with the nearest known name."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return UserError(f"Unknown {kind} '{name}'.{hint} Available: {', '.join(known)}.")
