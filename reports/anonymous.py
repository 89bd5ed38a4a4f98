"""Results and their accounts without the paths of the machine that they were measured on."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdm_bench.results.rows import ResultRow

# Fields of records that hold a path or the name of something that may lie at one.
PATHS = frozenset(
    {"run", "images", "root", "data", "weights", "segmenter", "statistics", "predictions", "out", "folder"}
)
# Fields of records that this program ships, in which a slash is part of a name.
SHIPPED = frozenset({"protocol", "versions"})
ABSOLUTE = re.compile(r"(?:~|[A-Za-z]:)?[/\\]")
# A path inside of a sentence, up to a blank or what closes it.
IN_TEXT = re.compile(r"(?<![\w.:/\\])(?:~|[A-Za-z]:)?[/\\][^\s'\",;()]+")
ARCHITECTURES = frozenset({"x86_64", "amd64", "AMD64", "aarch64", "arm64", "ARM64"})


def rows_without_paths(rows: Sequence[ResultRow]) -> list[ResultRow]:
    """The rows with last components in the place of paths; their ids stay as they are."""
    return [
        row.model_copy(
            update={"folder": last(row.folder), "extractor": in_text(row.extractor), "note": in_text(row.note)}
        )
        for row in rows
    ]


def without_paths(value: Any, field: str = "") -> Any:
    """A value of a record of an evaluation, which `field` names, with last components in the place of paths."""
    if field in SHIPPED:
        return _versions(value) if field == "versions" else value
    if isinstance(value, dict):
        return {_unpathed(str(key), ""): without_paths(each, str(key)) for key, each in value.items()}
    if isinstance(value, list):
        return [without_paths(each, field) for each in value]
    return _unpathed(value, field) if isinstance(value, str) else value


def _unpathed(text: str, field: str) -> str:
    if field == "command":
        return _command(text)
    if field in PATHS or ABSOLUTE.match(text) or ("/" in text and "://" not in text and not re.search(r"\s", text)):
        return last(text)
    return in_text(text)


def _command(text: str) -> str:
    """A command line of which each argument that is a path, or has one behind its `=`, is the last component of it."""
    try:
        words = shlex.split(text)
    except ValueError:
        return in_text(text)
    parts = [word.split("=", 1) if word.startswith("--") else [word] for word in words]
    return shlex.join("=".join(last(part) for part in each) for each in parts)


def last(path: str) -> str:
    """The last component of a path, on any system; an address stays as it is."""
    return path if "://" in path else re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def in_text(text: str) -> str:
    """A sentence with last components in the place of absolute paths, those below the user's home first."""
    for known in sorted({str(Path.home()), str(Path.cwd())}, key=len, reverse=True):
        text = text.replace(f"{known}/", "/") if len(known) > 1 else text
    return IN_TEXT.sub(lambda found: last(found[0]), text)


def _versions(found: Any) -> Any:
    """The versions of packages, with the system's and processor's kind for the name of the machine's build."""
    if not isinstance(found, dict) or "machine" not in found:
        return found
    system, *parts = str(found["machine"]).split("-")
    return {**found, "machine": " ".join([system, *(part for part in parts if part in ARCHITECTURES)])}
