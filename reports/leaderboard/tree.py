"""What a bundle is made of: its files by name, their limits, and the manifest. See docs/leaderboard.md."""

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from sdm_bench.base.files import sha256_lines
from sdm_bench.base.sections import Section
from sdm_bench.datasets.pictures import IMAGE_SUFFIXES
from sdm_bench.results.provenance import FOLDER as RECORDS
from sdm_bench.results.rows import RESULTS_FILE as ROWS

MANIFEST, SYSTEM, PROTOCOLS = "bundle.json", "system.json", "protocols.json"
SETS, SET, SAMPLES = "sets", "set.json", "samples"
# Digits of a sample set's digest that name its folder.
SET_DIGITS = 16
# Folders inside each other, at most.
DEEPEST = 4
# Files that no bundle needs to exceed: so that nothing is read without end.
MOST_FILES = 1_000_000
MOST_BYTES = {"text": 64 << 20, "picture": 32 << 20}
LONGEST_NAME, LONGEST_NOTE, LONGEST_ADDRESS = 80, 1000, 300
SEED = r"seed-(\d{3,9})"
_SUFFIX = "|".join(re.escape(suffix) for suffix in IMAGE_SUFFIXES)
PICTURE = re.compile(rf"{SETS}/([0-9a-f]{{{SET_DIGITS}}})/{SAMPLES}/{SEED}/([^/\\]+)(?i:{_SUFFIX})")
TEXT = re.compile(
    rf"{MANIFEST}|{ROWS}|{SYSTEM}|{PROTOCOLS}|{RECORDS}/[0-9a-f]{{16}}\.json"
    rf"|{SETS}/[0-9a-f]{{{SET_DIGITS}}}/(set|run)\.json"
)
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Submitter(Section):
    """Who hands a bundle in, and what they say of it; empty where they say nothing."""

    name: str = Field("", max_length=LONGEST_NAME)
    url: str = Field("", max_length=LONGEST_ADDRESS)
    note: str = Field("", max_length=LONGEST_NOTE)

    @field_validator("name", "note")
    @classmethod
    def _one_line(cls, text: str) -> str:
        if not text.isprintable():
            raise ValueError("control characters or line breaks in it")
        return text.strip()

    @field_validator("url")
    @classmethod
    def _address(cls, text: str) -> str:
        if text and not re.fullmatch(r"https?://[^\s<>\"'\\]+", text):
            raise ValueError("expected an address that begins with http:// or https://, without blanks and quotes")
        return text


class StoredFile(Section):
    """A file of a bundle: of its bytes."""

    sha256: Sha256
    bytes: int = Field(ge=0)


class Manifest(Section):
    """What bundle.json says. files: all others, by their path in the bundle."""

    format: Literal[1] = 1
    program: Literal["sdm-bench"] = "sdm-bench"
    version: str
    submitter: Submitter
    files: dict[str, StoredFile]

    @property
    def digest(self) -> str:
        """SHA-256 over the files' paths and digests."""
        return sha256_lines([f"{name} {self.files[name].sha256}" for name in sorted(self.files)])


def shown(text: object) -> str:
    """Text from outside on one line: what can't be printed is spelt out."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(text))


def leaves(name: str) -> bool:
    """Whether a path in a bundle's manifest leads out of it on any system."""
    return name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) is not None or ".." in re.split(r"[/\\]", name)


def most_bytes(name: str) -> int:
    """How large a file of a bundle may be."""
    return MOST_BYTES["picture" if PICTURE.fullmatch(name) else "text"]


def regular_files(bundle: Path) -> tuple[dict[str, int], list[str]]:
    """The sizes of the files of a bundle by their path in it, and what is wrong: links, devices, too large or many."""
    found: dict[str, int] = {}
    wrong = []
    for entry, name in _entries(bundle, ""):
        about = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(about.st_mode):
            wrong.append(f"{shown(name)}: a link; expected files alone")
        elif stat.S_ISDIR(about.st_mode):
            wrong.append(f"{shown(name)}: a folder deeper than those of a bundle")
        elif not stat.S_ISREG(about.st_mode):
            wrong.append(f"{shown(name)}: a pipe or a device; expected files alone")
        elif about.st_size > most_bytes(name):
            wrong.append(f"{shown(name)}: {about.st_size} bytes; expected at most {most_bytes(name)}")
        else:
            found[name] = about.st_size
        if len(found) > MOST_FILES:
            return found, [*wrong, f"more than {MOST_FILES} files"]
    return found, wrong


def _entries(folder: Path | str, above: str) -> "Iterator[tuple[os.DirEntry[str], str]]":
    """All that lies below a folder but folders, in order, without following links; and folders that lie too deep."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        name = f"{above}{entry.name}"
        if entry.is_dir(follow_symlinks=False) and name.count("/") < DEEPEST:
            yield from _entries(entry.path, f"{name}/")
        else:
            yield entry, name


def json_text(value: Any) -> str:
    """JSON as bundles have it; raises ValueError for NaN and Inf."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
