"""Temporary files and folders: removed at the end, or by a later program where this one is killed.

Whoever writes one holds a lock on it, which the system lets go with the process. So what nobody holds was left behind.
Where the system or the disk knows no such locks nothing is removed.
"""

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".part"
# What tempfile puts between prefix and suffix.
LEFTOVER = re.compile(r"\..*\.[a-z0-9_]{8}\.part")
NAME_BYTES = 80


@contextmanager
def temporary_file(folder: Path, name: str) -> Iterator[Path]:
    """Yields an empty file in `folder`, removed at the end unless it was renamed; its own name starts with `name`."""
    # named before it is made, so that a signal finds no moment at which it would be left behind
    made = folder / f"{_prefix(name)}{secrets.token_hex(4)}{SUFFIX}"
    handle = None
    try:
        while handle is None:
            handle = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            if not _held(handle):
                os.close(handle)
                handle = None
        yield made
    finally:
        made.unlink(missing_ok=True)
        if handle is not None:
            os.close(handle)


@contextmanager
def temporary_folder(parent: Path, name: str) -> Iterator[Path]:
    """Yields an empty folder in `parent`, removed at the end; those that killed programs left go first."""
    remove_leftovers(parent, name)
    while True:
        made = Path(tempfile.mkdtemp(dir=parent, prefix=_prefix(name), suffix=SUFFIX))
        handle = _opened(made)
        if handle is None or _held(handle):
            break
        os.close(handle)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def remove_leftovers(folder: Path, name: str = "") -> None:
    """Removes the temporary files and folders of killed programs from `folder`: those whose name starts with `name`."""
    with suppress(OSError), os.scandir(folder) as found:
        for entry in found:
            ours = entry.name.startswith(f".{name}") and LEFTOVER.fullmatch(entry.name)
            if ours and not entry.is_symlink():
                _remove_abandoned(Path(entry.path))


def _prefix(name: str) -> str:
    return f".{name.encode()[:NAME_BYTES].decode(errors='ignore')}."


def _opened(path: Path) -> int | None:
    with suppress(OSError):
        return os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    return None


def _held(handle: int) -> bool:
    """Locks what was just made; False where another program took it for a leftover and removed it meanwhile."""
    if fcntl is None:
        return True
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX)
    return os.fstat(handle).st_nlink > 0


def _remove_abandoned(path: Path) -> None:
    handle = _opened(path) if fcntl is not None else None
    if handle is None:
        return
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    os.close(handle)
