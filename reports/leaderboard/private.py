"""What a bundle may not tell: paths of the machine that it was written on, its name and its user's."""

import getpass
import re
import socket
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError

# Users and machines of containers and images, which tell nobody from anybody.
NOBODY = frozenset({"root", "user", "users", "ubuntu", "debian", "jovyan", "runner", "localhost", "home"})


def private_words() -> dict[str, str]:
    """The names of the user and of the machine, with what each is; those that tell nothing are left out."""
    found = {socket.gethostname(): "the name of this machine", socket.gethostname().split(".")[0]: "its name"}
    with suppress(OSError, KeyError):  # a user without an entry
        found[getpass.getuser()] = "the name of its user"
    found[Path.home().name] = "the name of its user's folder"
    return {word: what for word, what in found.items() if len(word) > 1 and word.casefold() not in NOBODY}


def private_places() -> list[str]:
    """The folders of which no file of a bundle may have the path."""
    places = {str(each) for each in (Path.home(), Path.cwd(), Path.cwd().resolve())}
    return sorted(place for place in places if len(Path(place).parts) > 1)


def refuse_private(contents: Mapping[str, Any], keep: Collection[str]) -> None:
    """Raises UserError where a file's values have a path or a name of this machine.

    contents: by file, the value that is written as JSON, or text. keep: words that may be said.
    """
    words = {word: what for word, what in private_words().items() if word not in keep}
    for file, content in contents.items():
        for field, text in _texts(content, ""):
            for place in private_places():
                if place in text:
                    raise UserError(f"{file}{field}: has the path {place} of this machine; call it otherwise")
            for word, what in words.items():
                if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE):
                    raise UserError(
                        f"{file}{field}: says '{word}', {what}; call it otherwise, or let it stand with --keep {word}"
                    )


def refuse_private_bytes(file: str, data: bytes) -> None:
    """Raises UserError where a picture has a path of this machine in what stands beside its pixels."""
    for place in private_places():
        if place.encode() in data:
            raise UserError(
                f"{file}: has the path {place} of this machine in it; write it without metadata and measure it again"
            )


def _texts(value: Any, field: str) -> Iterator[tuple[str, str]]:
    """Each text in a value, with where it stands."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield field, str(key)
            yield from _texts(each, f"{field}, {key}")
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each, field)
    elif isinstance(value, str):
        yield field, value
