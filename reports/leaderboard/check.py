"""Whether a bundle is what it says: every digest computed again, every row held against the shipped protocols."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from reports.anonymous import without_paths
from reports.leaderboard.contents import differing, shipped, subject_of, wrong_protocols
from reports.leaderboard.numbers import wrong_rows
from reports.leaderboard.sets import StoredSet, folder_of, run_file, set_file, wrong_pictures
from reports.leaderboard.tree import (
    MANIFEST,
    PICTURE,
    PROTOCOLS,
    SETS,
    SYSTEM,
    TEXT,
    Manifest,
    leaves,
    regular_files,
    shown,
)
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_file
from sdm_bench.base.folders import is_hidden
from sdm_bench.base.sections import parsed
from sdm_bench.datasets.pictures import in_parallel
from sdm_bench.results.gathered import listed
from sdm_bench.results.provenance import FOLDER as RECORDS
from sdm_bench.results.provenance import record_name
from sdm_bench.results.rows import REAL, ResultRow, read_stated
from sdm_bench.results.rows import RESULTS_FILE as ROWS
from sdm_bench.sampling.folders import RUN_FILE, SampleOptions


@dataclass
class Bundle:
    """What was read of a bundle. digests: SHA-256 of its files by path. wrong: a line for all that is wrong with it.

    sets, options: by the digest that rows have. with_samples: the sets of which there are pictures.
    """

    folder: Path
    digests: dict[str, str] = field(default_factory=dict)
    manifest: Manifest | None = None
    rows: list[ResultRow] = field(default_factory=list)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    sets: dict[str, StoredSet] = field(default_factory=dict)
    options: dict[str, SampleOptions] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def with_samples(self) -> set[str]:
        """The digests of the sets of which there are pictures."""
        there = {found[1] for name in self.digests if (found := PICTURE.fullmatch(name))}
        return {sha256 for sha256 in self.sets if Path(folder_of(sha256)).name in there}


def check(folder: Path) -> Bundle:
    """Reads a bundle and finds all that is wrong with it, without measuring anything.

    Nothing outside of it is read, and no link in it is followed. Raises UserError where it has no bundle.json.
    """
    _refuse_no_bundle(folder)
    bundle = Bundle(folder)
    there, bundle.wrong = regular_files(folder)
    bundle.digests = dict(zip(there, in_parallel(sha256_file, [folder / name for name in there]), strict=True))
    bundle.manifest = _manifest(bundle)
    bundle.wrong += _wrong_files(bundle, there)
    _read_rows(bundle)
    bundle.wrong += [f"{ROWS}: {text}" for text in wrong_rows(bundle.rows)]
    protocols = _json(bundle, PROTOCOLS)
    if protocols is not None:
        bundle.wrong += [f"{PROTOCOLS}: {text}" for text in wrong_protocols(protocols, bundle.rows)]
    system = _json(bundle, SYSTEM)
    if system is not None and (not isinstance(system, dict) or without_paths(system) != system):
        bundle.wrong.append(f"{SYSTEM}: expected fields without paths of a machine")
    _read_records(bundle)
    _read_sets(bundle)
    bundle.wrong = list(map(shown, bundle.wrong))
    return bundle


def _refuse_no_bundle(folder: Path) -> None:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; expected a bundle, as `sdm-bench submit` writes it")
    names = sorted(path.name for path in folder.iterdir() if not is_hidden(path))
    if MANIFEST in names:
        return
    inside = [name for name in names if (folder / name / MANIFEST).is_file()]
    found = f"bundles in it: {listed(inside)}" if inside else listed(names) or "nothing"
    raise UserError(
        f"{shown(folder)}: no bundle: no {MANIFEST} in it; found {shown(found)}; "
        "expected a folder that `sdm-bench submit` wrote"
    )


def _manifest(bundle: Bundle) -> Manifest | None:
    about = _json(bundle, MANIFEST)
    try:
        return None if about is None else parsed(Manifest, about, MANIFEST)
    except UserError as error:
        bundle.wrong.append(shown(error.message))
        return None


def _wrong_files(bundle: Bundle, sizes: dict[str, int]) -> Iterator[str]:
    """Where the manifest and the files differ."""
    for name in sizes:
        if not (TEXT.fullmatch(name) or PICTURE.fullmatch(name)):
            yield f"{shown(name)}: no file of a bundle"
    if bundle.manifest is None:
        return
    listed = bundle.manifest.files
    for name, about in sorted(listed.items()):
        if leaves(name):
            yield f"{MANIFEST}: {shown(name)} leads out of the bundle"
        elif name not in sizes:
            yield f"{shown(name)}: missing, or no file; {MANIFEST} lists it"
        elif about.sha256 != bundle.digests[name]:
            yield f"{shown(name)}: SHA-256 {bundle.digests[name]}; {MANIFEST} has {about.sha256}"
        elif about.bytes != sizes[name]:
            yield f"{shown(name)}: {sizes[name]} bytes; {MANIFEST} has {about.bytes}"
    unlisted = sorted(sizes.keys() - listed.keys() - {MANIFEST})
    yield from (f"{shown(name)}: not listed in {MANIFEST}" for name in unlisted)


def _json(bundle: Bundle, name: str) -> Any:
    """The content of a file of JSON; None, with a line, where it is missing, null or no JSON."""
    if name not in bundle.digests:
        bundle.wrong.append(f"{shown(name)}: missing")
        return None
    try:
        text = (bundle.folder / name).read_text(encoding="utf-8")
        value = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        bundle.wrong.append(f"{shown(name)}: not JSON in UTF-8 of finite numbers: {shown(error)}")
        return None
    if value is None:
        bundle.wrong.append(f"{shown(name)}: null; expected fields")
    return value


def _finite(text: str) -> float:
    if not math.isfinite(float(text)):
        raise ValueError(f"{text} is no finite number")
    return float(text)


def _read_rows(bundle: Bundle) -> None:
    if ROWS not in bundle.digests:
        bundle.wrong.append(f"{ROWS}: missing")
        return
    try:
        found = read_stated(bundle.folder / ROWS)
    except UserError as error:
        bundle.wrong.append(shown(error.message.replace(f"{bundle.folder}/", "")))
        return
    bundle.rows = [row for _, row in found]
    bundle.wrong += [
        f"{ROWS}, line {number}: the id {shown(stated)} does not fit what the line says, which has {row.id}"
        for number, (stated, row) in enumerate(found, start=2)
        if stated != row.id
    ]
    if not found:
        bundle.wrong.append(f"{ROWS}: no rows")


def _read_records(bundle: Bundle) -> None:
    """Reads the records of evaluations and holds rows against them."""
    names = sorted(name for name in bundle.digests if TEXT.fullmatch(name) and name.startswith(f"{RECORDS}/"))
    for name in names:
        record = _json(bundle, name)
        if not isinstance(record, dict):
            bundle.wrong += [] if record is None else [f"{name}: expected fields"]
            continue
        bundle.records[Path(name).stem] = record
        if record_name(record) != Path(name).stem:
            bundle.wrong.append(f"{name}: its content has the digest {record_name(record)}")
        if without_paths(record) != record:
            bundle.wrong.append(f"{name}: a path of a machine in it")
    of: dict[str, list[ResultRow]] = {}
    for row in bundle.rows:
        of.setdefault(row.evaluation, []).append(row)
    for evaluation, rows in of.items():
        where = f"{RECORDS}/{shown(evaluation)}.json"
        if evaluation not in bundle.records:
            if where not in names:
                bundle.wrong.append(f"{where}: missing; {len(rows)} rows have it, the first {rows[0].id}")
            continue
        texts = dict.fromkeys(text for row in rows for text in _wrong_record(bundle.records[evaluation], row))
        bundle.wrong += [f"{where}: {text}" for text in texts]
    bundle.wrong += [f"{RECORDS}/{name}.json: of no row" for name in bundle.records if name not in of]


def _wrong_record(record: dict[str, Any], row: ResultRow) -> Iterator[str]:
    protocol = record.get("protocol")
    said = protocol if isinstance(protocol, dict) else {}
    for title, there, expected in (
        ("metric", record.get("metric"), row.measure),
        ("protocol", said.get("name"), row.protocol),
        ("label maps", record.get("label maps"), row.labels_sha256),
    ):
        if there != expected:
            yield f"{title} {shown(there)[:200]}; its rows have {shown(expected)}"
    if not isinstance(record.get("arguments"), dict):
        yield "no arguments"
    try:
        ours = shipped(subject_of(row))
    except UserError:  # named with the protocols
        return
    yield from (f"states of the protocol: {text}" for text in differing(ours, said.get("states")))


def _read_sets(bundle: Bundle) -> None:
    """Reads the sample sets, computes their digests again and holds rows and pictures against them."""
    of: dict[str, list[ResultRow]] = {}
    for row in bundle.rows:
        if row.method != REAL:
            of.setdefault(row.sample_set, []).append(row)
    for sha256, rows in of.items():
        name = set_file(sha256)
        if not TEXT.fullmatch(name) or name not in bundle.digests:
            bundle.wrong.append(f"{shown(name)}: missing; {len(rows)} rows are of it, the first {rows[0].id}")
            continue
        bundle.wrong += [f"{name}: {text}" for text in _wrong_set(bundle, sha256, rows)]
    known = {Path(folder_of(sha256)).name for sha256 in of}
    inside = [PurePosixPath(name).parts for name in bundle.digests]
    folders = sorted({parts[1] for parts in inside if parts[0] == SETS and len(parts) > 2})
    bundle.wrong += [f"{SETS}/{shown(name)}: of no row" for name in folders if name not in known]


def _wrong_set(bundle: Bundle, sha256: str, rows: list[ResultRow]) -> Iterator[str]:
    options = None
    try:
        stored = parsed(StoredSet, _json(bundle, set_file(sha256)), "not a sample set")
        if run_file(sha256) in bundle.digests:
            run = _json(bundle, run_file(sha256))
            if isinstance(run, dict) and without_paths(run) != run:
                yield f"{RUN_FILE}: a path of a machine in it"
            options = parsed(SampleOptions, run.get("options") if isinstance(run, dict) else run, RUN_FILE)
    except UserError as error:
        yield shown(error.message)
        return
    wrong = list(stored.wrong(options))
    yield from wrong
    if wrong:
        return
    if stored.sha256 != sha256:
        yield f"the digest {stored.sha256}; rows have {shown(sha256)}"
    for row in rows:
        yield from (f"{row.id}: {text}" for text in stored.differing(row, options))
    yield from wrong_pictures(bundle.folder, stored, bundle.digests, {row.image_size for row in rows})
    bundle.sets[sha256] = stored
    if options is not None:
        bundle.options[sha256] = options
