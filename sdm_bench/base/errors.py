"""The user's mistakes, and what the disk refuses: what was found, what was expected, and the nearest right word."""

import difflib
import errno
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click

# The disk is at fault, not the command: the same command goes on once there is room.
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# What torch says, in errors of its own, where the machine's or a GPU's memory ends: how much it asked for.
TORCH_WANTED = re.compile(
    r"(?:CUDA|MPS|DefaultCPUAllocator).*tried to allocate ([\d.]+ \w+)", re.IGNORECASE | re.DOTALL
)


class UserError(click.ClickException):
    """Wrong input: the message names the file or flag, what was found and what was expected. Exit code 2."""

    exit_code = 2


class PartialFailure(click.ClickException):
    """Some of the cells asked for could not be computed; the message lists them. Exit code 1."""

    exit_code = 1


class MachineError(click.ClickException):
    """The disk or the memory did not suffice, or failed; the message says which. Exit code 1."""

    exit_code = 1


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a registry miss, with the nearest known name."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return UserError(f"Unknown {kind} '{name}'.{hint} Available: {', '.join(known)}.")


@contextmanager
def errors_in_a_line() -> Iterator[None]:
    """At the top of the program: what the system refuses becomes one line that names the place, with an exit code."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        raise refused(error) from error
    except MemoryError as error:
        raise MachineError(f"out of memory{f': {error}' if str(error) else ''}") from error
    except RuntimeError as error:
        asked = TORCH_WANTED.search(str(error))
        if asked is None:
            raise
        raise MachineError(
            f"out of memory: no room for {asked[1]} more; a smaller batch, picture or --precision needs less"
        ) from error


def refused(error: OSError) -> click.ClickException:
    """What the system said as an error of the program: the user's where another place or permission helps."""
    if error.errno is None:
        return MachineError(str(error) or type(error).__name__)
    if error.errno in NO_ROOM:
        return MachineError(f"{said(error)}; the same command goes on when there is room")
    return MachineError(said(error)) if error.errno == errno.EIO else UserError(said(error))


def said(error: OSError) -> str:
    """The place and what is the matter with it."""
    what = error.strerror or str(error)
    places = [str(place) for place in (error.filename, error.filename2) if place is not None]
    return f"{' -> '.join(places)}: {what}" if places else what
