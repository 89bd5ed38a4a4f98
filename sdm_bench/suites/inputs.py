"""Digests of what a suite starts from: splits of datasets, and checkpoints.

Whoever plans reads every file once; afterwards a look at names, sizes and times tells that nothing has changed.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from sdm_bench.base.files import read_json, sha256_file, sha256_lines, write_json
from sdm_bench.base.progress import say
from sdm_bench.datasets.digests import labels_sha256
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.pictures import in_parallel
from sdm_bench.weights.store import cache_folder


class Content(NamedTuple):
    """The digest of an input, and of how many examples (of a checkpoint: files) it consists."""

    digest: str
    size: int


def split_digest(dataset: str, root: Path, split: str) -> Content:
    """Of the label maps, instances and photographs of a split; raises UserError where it is not there."""
    found = open_dataset(dataset, root, split)
    files = [path for each in found.records for path in (each.label, each.image, each.instance) if path is not None]

    def compute() -> str:
        say(f"reading {root}, {split}: {len(files)} files, once")
        images = [record.image for record in found.records if record.image is not None]
        digests = zip((path.name for path in images), in_parallel(sha256_file, images), strict=True)
        return sha256_lines([labels_sha256(found), *(f"{name} {digest}" for name, digest in digests)])

    return Content(_remembered(f"{root.resolve()} {split}", files, compute), len(found))


def files_digest(path: Path) -> Content:
    """Of a file, or of all files below a folder."""
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]

    def compute() -> str:
        names = [str(each.relative_to(path)) if path.is_dir() else each.name for each in files]
        return sha256_lines([f"{name} {sha256_file(each)}" for name, each in zip(names, files, strict=True)])

    return Content(_remembered(str(path.resolve()), files, compute), len(files))


def _remembered(what: str, files: Iterable[Path], compute: Callable[[], str]) -> str:
    """A digest from the cache as long as no file's name, size or time of change differs."""
    lines = []
    for each in files:
        status = each.stat()
        lines.append(f"{each} {status.st_size} {status.st_mtime_ns}")
    seen = sha256_lines(lines)
    kept = cache_folder() / "inputs" / f"{sha256_lines([what])[:32]}.json"
    if kept.is_file():
        known = read_json(kept)
        if isinstance(known, dict) and known.get("seen") == seen and isinstance(known.get("digest"), str):
            return str(known["digest"])
    digest = compute()
    write_json(kept, {"what": what, "seen": seen, "digest": digest})
    return digest


def short(value: object) -> str:
    """Sixteen hexadecimal digits that name a JSON value."""
    return sha256_lines([json.dumps(value, sort_keys=True, default=str)])[:16]
