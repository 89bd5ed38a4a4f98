"""The user's cache of weights: one safetensors file an entry, and beside it a json that says where it came from."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import platformdirs

from sdm_bench import __version__
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_object, sha256_file, write_json
from sdm_bench.base.sections import parsed
from sdm_bench.weights.registry import Entry, entries_of, entry

if TYPE_CHECKING:
    from torch import Tensor

    from sdm_bench.base.tensors import Tensors

# How messages of missing weights begin where they are one line.
NOT_CACHED = "weights that are not in the cache"
CACHE_VARIABLE = "SDM_BENCH_CACHE"
State = Literal["ok", "missing", "changed"]


@dataclass(frozen=True)
class Provenance:
    """Where a cached file came from.

    source_sha256: of the file it was made from; sha256: of the safetensors file; tensors_sha256: of what it holds,
    empty in records of earlier versions.
    """

    name: str
    source: str
    source_sha256: str
    sha256: str
    licence: str
    date: str
    program_version: str
    tensors_sha256: str = ""


@dataclass(frozen=True)
class Check:
    """What `verify` found for one name. found is None where there is no file."""

    name: str
    path: Path
    state: State
    expected: str | None
    found: str | None


class MissingWeights(UserError):
    """Weights that are not in the cache, all of them at once, each with the lines that bring it."""

    def __init__(self, missing: Iterable[Entry]):
        self.entries = tuple(missing)
        head = f"Weights that are not in {weights_folder()}:"
        super().__init__("\n".join([head, *(how_to_get(each) for each in self.entries)]))

    @property
    def names(self) -> tuple[str, ...]:
        """The missing names."""
        return tuple(each.name for each in self.entries)

    @property
    def short(self) -> str:
        """One line, for where the whole list was shown before."""
        return f"{NOT_CACHED}: {', '.join(self.names)}"


class ChangedWeights(UserError):
    """Cached weights that are not those that a protocol, the registry or the cache's own record states."""


def cache_folder() -> Path:
    """The user's cache: $SDM_BENCH_CACHE, or the platform's cache folder."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("sdm-bench", appauthor=False))


def weights_folder() -> Path:
    """The folder of the cached weights."""
    return cache_folder() / "weights"


def weights_path(name: str) -> Path:
    """Where the weights called `name` are, or will be; raises UserError on an unknown name."""
    return weights_folder() / f"{entry(name).name}.safetensors"


def provenance(name: str) -> Provenance | None:
    """Where the cached weights called `name` came from; None unless both files are there."""
    path = weights_path(name)
    record = path.with_suffix(".json")
    there = path.is_file() and record.is_file()
    return parsed(Provenance, read_object(record), f"{record}: not the record of weights") if there else None


def missing(names: Iterable[str]) -> list[Entry]:
    """The entries among `names` that are not in the cache."""
    return [each for each in entries_of(names) if provenance(each.name) is None]


def require(names: Iterable[str]) -> dict[str, Path]:
    """The cached files of `names`; raises MissingWeights that lists everything absent at once."""
    names = list(names)
    absent = missing(names)
    if absent:
        raise MissingWeights(absent)
    return {name: weights_path(name) for name in names}


def load_weights(names: Iterable[str], pinned: Mapping[str, str] | None = None) -> "dict[str, Tensors]":
    """The tensors of the cached weights called `names`, each compared with the digest that is known of them.

    pinned: tensors_sha256 by name, as a protocol states it. Of others the registry's holds, or else the digest that was
    recorded when the file came into the cache. Raises MissingWeights, and ChangedWeights where they are others.
    """
    return {name: _checked_tensors(name, path, (pinned or {}).get(name)) for name, path in require(names).items()}


def _checked_tensors(name: str, path: Path, pinned: str | None) -> "Tensors":
    """The tensors of a cached file; raises ChangedWeights where their digest is not the one that is known."""
    from sdm_bench.base.tensors import read_safetensors, tensors_sha256

    record = provenance(name)
    assert record is not None, "what is in the cache has a record"
    status = path.stat()
    version = (path, status.st_size, status.st_mtime_ns)
    tensors = read_safetensors(path)
    expected = pinned or entry(name).tensors_sha256 or record.tensors_sha256
    digests, compute = (_TENSOR_DIGESTS, lambda: tensors_sha256(tensors))
    if not expected:
        # records of earlier versions of the program know the file's digest alone
        digests, compute, expected = _FILE_DIGESTS, lambda: sha256_file(path), record.sha256
    if version not in digests:
        digests[version] = compute()
    if digests[version] != expected:
        raise ChangedWeights(
            f"{path}: the weights {name} have the digest {digests[version]}; expected {expected}. "
            f"Delete {path.with_suffix('')}.* and bring them again"
        )
    return tensors


# tensors_sha256 and sha256 of files by path, size and time of change, so that each version is digested once.
_TENSOR_DIGESTS: dict[tuple[Path, int, int], str] = {}
_FILE_DIGESTS: dict[tuple[Path, int, int], str] = {}


def how_to_get(each: Entry) -> str:
    """What an entry is for, where it is and the lines that bring it, indented, for messages."""
    places = [source.address for source in each.published] + ([each.package.title] if each.package else [])
    fetch = [f"    sdm-bench weights fetch {each.name}"] if each.fetchable else []
    return "\n".join(
        [
            f"  {each.name}: {each.purpose} (licence: {each.licence})",
            *(f"    from {place}" for place in places),
            *fetch,
            f"    sdm-bench weights import {each.name} FILE",
        ]
    )


def save(each: Entry, tensors: "Mapping[str, Tensor]", source: str, source_sha256: str) -> Path:
    """Writes `tensors` and their provenance to the cache; returns the safetensors file."""
    from sdm_bench.base.tensors import tensors_sha256, write_safetensors

    path = weights_path(each.name)
    write_safetensors(path, {key: value.contiguous() for key, value in tensors.items()})
    record = Provenance(
        name=each.name,
        source=source,
        source_sha256=source_sha256,
        sha256=sha256_file(path),
        licence=each.licence,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        program_version=__version__,
        tensors_sha256=tensors_sha256(tensors),
    )
    write_json(path.with_suffix(".json"), asdict(record))
    return path


def verify(names: Iterable[str]) -> list[Check]:
    """Recomputes the sha256 of the cached files of `names` and compares each with its record."""
    return [_check(each.name) for each in entries_of(names)]


def _check(name: str) -> Check:
    path, record = weights_path(name), provenance(name)
    if record is None:
        return Check(name, path, "missing", None, None)
    found = sha256_file(path)
    return Check(name, path, "ok" if found == record.sha256 else "changed", record.sha256, found)
