"""Files that are either whole or absent: everything is written to a temporary name and renamed."""

import codecs
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from filelock import FileLock
from PIL import Image

from sdm_bench.base import yamls
from sdm_bench.base.errors import UserError, said
from sdm_bench.base.progress import say
from sdm_bench.base.temporary import remove_leftovers, temporary_file

# How whole pictures begin and end.
PNG = (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82")
JPEG = (b"\xff\xd8", b"\xff\xd9")
# Folders of which this process has removed what killed ones left.
_SWEPT: set[Path] = set()

# How files of text begin that say their encoding; UTF-32's mark begins with UTF-16's.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

LOCK_FILE = ".lock"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; it replaces `path` if the block succeeds and is removed if not.

    What killed programs left in the folder is removed first. Raises OSError that names `path`.
    """
    with named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent not in _SWEPT:
            _SWEPT.add(path.parent)
            remove_leftovers(path.parent)
        with temporary_file(path.parent, path.name) as temporary:
            yield temporary
            temporary.chmod(0o644)
            temporary.replace(path)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Has what the system refuses inside the block name `path`, of which it often names a part or nothing."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise type(error)(error.errno, error.strerror, str(path)) from error


@contextmanager
def tolerated(failed: list[str], what: str) -> Iterator[None]:
    """For what need not be stored: notes in `failed`, and says once, that `what` was not and why."""
    try:
        yield
    except OSError as error:
        line = f"{what} not stored: {said(error)}"
        if line not in failed:
            failed.append(line)
            say(line)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Waits until no other process changes the files of `folder` that are read, merged and written under this lock."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / LOCK_FILE):
        yield


def refuse_unwritable(folder: Path, flag: str) -> None:
    """Raises UserError, which names `flag`, where nothing can be written to `folder`, which need not exist yet."""
    nearest = nearest_there(folder)
    if not nearest.is_dir():
        raise UserError(f"{flag} {folder}: {nearest} is a file; expected a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UserError(f"{flag} {folder}: no permission to write in {nearest}")


def nearest_there(path: Path) -> Path:
    """`path`, or the nearest folder above it that exists; raises UserError for a name that no disk can have."""
    try:
        return next(place for place in (path, *path.absolute().parents) if place.exists())
    except (OSError, ValueError) as error:
        raise UserError(f"{str(path)[:100]}: no name for a file: {error}") from error


def refuse_special(path: Path) -> None:
    """Raises UserError for a pipe, a device or a socket, which would be read for ever."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise UserError(f"{path}: a pipe or a device; expected a file")


def write_text(path: Path, text: str) -> None:
    """Writes `text` to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Writes `content` to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_text(path: Path, kind: str = "text") -> str:
    """What a file of text holds: UTF-8, or UTF-16 or UTF-32 that begins with a mark of its order of bytes.

    Raises UserError, which calls it a `kind`, where it isn't that or has a NUL.
    """
    refuse_special(path)
    data = path.read_bytes()
    encoding = next((name for mark, name in BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a {kind} in {encoding.upper()}: {error}; save it in UTF-8") from error
    if "\0" in text:
        where = f"a NUL at character {text.index(chr(0))}"
        raise UserError(f"{path}: not a {kind} in {encoding.upper()}: {where}; save it in UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_json(path: Path) -> Any:
    """The value in a JSON file; raises UserError where it is none or has a name twice, and as `read_text` does."""
    text = read_text(path, "JSON")
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not readable as JSON: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The fields of an object; raises ValueError where one is there twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"'{twice}' is there twice")
    return found


def read_object(path: Path, **kinds: type | tuple[type, ...]) -> dict[str, Any]:
    """The fields of a JSON file, of which those in `kinds` are there and of that type; raises UserError."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise UserError(f"{path}: not fields with values, but a JSON of type {type(found).__name__}")
    for name, kind in kinds.items():
        if not isinstance(found.get(name), kind):
            what = f"a {name} of type {type(found[name]).__name__}" if name in found else f"no {name}"
            expected = kind if isinstance(kind, tuple) else (kind,)
            raise UserError(f"{path}: {what}; expected one of type {' or '.join(each.__name__ for each in expected)}")
    return found


def read_yaml(path: Path) -> Any:
    """The value stored in a YAML file, as `yamls.py` reads it; raises UserError where it is none, or as `read_text`."""
    text = read_text(path, "YAML")
    try:
        return yamls.load(text)
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path}: not valid YAML: {error}") from error


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Writes uint8 (H, W) or (H, W, 3), or uint16 (H, W), pixels as PNG, whole or not at all."""
    write_picture(path, pixels, format="PNG")


def write_picture(path: Path, pixels: np.ndarray, **how: Any) -> None:
    """Writes pixels as Pillow's `save` does with the options `how`, whole or not at all."""
    # in memory first: Pillow itself doesn't say what the disk refused
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, **how)
    with atomic_path(path) as temporary:
        temporary.write_bytes(encoded.getbuffer())


def link_or_copy(source: Path, target: Path) -> bool:
    """Has `target` hold what the file `source` does, as a hard link, or as a copy on another disk; whether it did."""
    if target.is_file() and (target.samefile(source) or target.stat().st_size == source.stat().st_size):
        return True
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
    return False


def is_whole_picture(path: Path) -> bool:
    """Whether a PNG or JPEG file is there and neither empty nor cut short."""
    head, tail = JPEG if path.suffix.lower() in (".jpg", ".jpeg") else PNG
    if not path.is_file() or path.stat().st_size < len(head) + len(tail):
        return False
    with path.open("rb") as stream:
        begins = stream.read(len(head)) == head
        stream.seek(-len(tail), os.SEEK_END)
        return begins and stream.read() == tail


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex; raises UserError for what is no file."""
    refuse_special(path)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_lines(lines: Iterator[str] | list[str]) -> str:
    """The SHA-256, in hex, of lines of text."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()
