"""Files that are either whole or absent: everything is written to a temporary name and renamed."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from PIL import Image

from sdm_bench.base.errors import UserError

LOCK_FILE = ".lock"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; it replaces `path` if the block succeeds and is removed if not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:80]}.", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Waits until no other process changes the files of `folder` that are read, merged and written under this lock."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / LOCK_FILE):
        yield


def refuse_unwritable(folder: Path, flag: str) -> None:
    """Raises UserError, which names `flag`, where nothing can be written to `folder`, which need not exist yet."""
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise UserError(f"{flag} {folder}: {nearest} is a file; expected a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UserError(f"{flag} {folder}: no permission to write in {nearest}")


def refuse_unlockable(folder: Path, flag: str) -> None:
    """Raises UserError, which names `flag`, where `locked(folder)` would fail or nothing can be written there."""
    refuse_unwritable(folder, flag)
    lock = folder / LOCK_FILE
    if lock.exists() and not (lock.is_file() and os.access(lock, os.W_OK)):
        raise UserError(f"{flag} {folder}: no permission to write {lock}, by which one at a time writes there")


def write_text(path: Path, text: str) -> None:
    """Writes `text` to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """The value stored in a JSON file; raises UserError where it is no JSON in UTF-8."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not readable as JSON in UTF-8: {error}") from error


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Writes uint8 (H, W) or (H, W, 3), or uint16 (H, W), pixels as PNG, whole or not at all."""
    with atomic_path(path) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG")


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_lines(lines: Iterator[str] | list[str]) -> str:
    """The SHA-256, in hex, of lines of text."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()
