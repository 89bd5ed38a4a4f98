"""What lies below a folder: links to folders are followed, never in a circle; what systems leave is passed over."""

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

# What systems and archivers leave beside files, besides all whose names begin with a dot.
LEFT_BEHIND = frozenset({"__macosx", "thumbs.db", "desktop.ini"})


@dataclass
class Below:
    """What lies below a folder. files: sorted by path. hidden: files and folders that were passed over."""

    files: list[Path] = field(default_factory=list)
    hidden: list[Path] = field(default_factory=list)


def files_below(folder: Path) -> Below:
    """All files below `folder`, through links to folders too; a link to a folder that it lies in leads nowhere.

    None where there is no such folder. Raises OSError where a folder can't be read.
    """
    found = Below()
    if folder.is_dir():
        _descend(folder, (folder.resolve(),), found)
    found.files.sort()
    found.hidden.sort()
    return found


def _descend(folder: Path, above: tuple[Path, ...], found: Below) -> None:
    for path in folder.iterdir():
        if is_hidden(path):
            found.hidden.append(path)
        elif not path.is_dir():
            found.files.append(path)
        elif (real := path.resolve()) not in above:
            _descend(path, (*above, real), found)


def is_hidden(path: Path) -> bool:
    """Whether a file or folder is none that a user put there: hidden, or left by a system."""
    return path.name.startswith(".") or path.name.casefold() in LEFT_BEHIND


def composed(name: str) -> str:
    """A name as all systems spell it: macOS takes letters with marks apart (NFD), others leave them whole (NFC)."""
    return unicodedata.normalize("NFC", name)


def without_repeats(paths: Iterable[Path]) -> list[Path]:
    """The paths without those that lead to the same file or folder as one before them, however they are written."""
    paths = list(paths)
    if len(paths) < 2:
        return paths
    first: dict[str, Path] = {}
    for path in paths:
        first.setdefault(os.path.realpath(path), path)
    return list(first.values())
