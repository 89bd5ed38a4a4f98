"""Results as a bundle: a folder of a fixed tree that somebody else can check, see docs/leaderboard.md."""

import hashlib
import os
import platform
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports.anonymous import rows_without_paths, without_paths
from reports.leaderboard.check import check
from reports.leaderboard.contents import contents, differing, shipped, subject_of
from reports.leaderboard.measured import Measured, measured
from reports.leaderboard.private import refuse_private, refuse_private_bytes
from reports.leaderboard.sets import picture_file, run_file, set_file
from reports.leaderboard.tree import (
    MANIFEST,
    PICTURE,
    PROTOCOLS,
    SYSTEM,
    Manifest,
    StoredFile,
    Submitter,
    json_text,
    most_bytes,
)
from sdm_bench import __version__
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_object, write_bytes
from sdm_bench.base.sections import parsed
from sdm_bench.base.whole_folders import refuse_foreign, whole_folder
from sdm_bench.results.provenance import FOLDER as RECORDS
from sdm_bench.results.provenance import record_name, versions
from sdm_bench.results.rows import REAL, ResultRow, newest, read_stated, to_csv
from sdm_bench.results.rows import RESULTS_FILE as ROWS


@dataclass
class Gathered:
    """Rows with the records of their evaluations, by name. before: the records with this machine's paths."""

    rows: list[ResultRow] = field(default_factory=list)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    before: dict[str, dict[str, Any]] = field(default_factory=dict)


def write_bundle(
    places: Sequence[Path],
    out: Path,
    submitter: dict[str, str],
    samples: bool = False,
    keep: Collection[str] = (),
    folders: Sequence[Path] = (),
) -> tuple[Path, Manifest]:
    """Writes the numbers of `places` with all that they can be checked by into the folder `out`, whole or not at all.

    places: folders with results.csv, or such files. submitter: see Submitter. samples: whether the pictures go with
    it. keep: words that may be said though they name this machine or its user. folders: where samples may be that
    are no longer where they were measured, besides those among `places`. Raises UserError for what no check
    would take: rows that were edited, have no record or another protocol than is shipped, pictures that are gone or
    changed; for paths and names of this machine; and where `out` is something else than an earlier bundle.
    """
    refuse_foreign(out, MANIFEST, "--out", "bundle")
    about = parsed(Submitter, submitter, "--submitter, --url and --note")
    found = gather(places)
    sets = _sets(found, [*(place for place in places if place.is_dir()), *folders])
    found.rows = rows_without_paths(found.rows)
    values = {SYSTEM: system(), PROTOCOLS: contents(found.rows)}
    values |= {f"{RECORDS}/{name}.json": found.records[name] for name in sorted(found.records)}
    for each in sets:
        values[set_file(each.stored.sha256)] = each.stored.model_dump(mode="json")
        if each.run is not None:
            values[run_file(each.stored.sha256)] = each.run
    refuse_private({ROWS: [row.model_dump(mode="json") for row in found.rows], MANIFEST: submitter, **values}, keep)
    texts = {ROWS: to_csv(found.rows), **{name: _json(name, value) for name, value in values.items()}}
    files = {name: text.encode() for name, text in texts.items()}
    with whole_folder(out) as made:
        stored = {name: _write(made, name, data) for name, data in files.items()}
        for name, path in (pair for each in sets for pair in _pictures(each)) if samples else ():
            data = path.read_bytes()
            refuse_private_bytes(str(path), data)
            stored[name] = _write(made, name, data)
        manifest = Manifest(version=__version__, submitter=about, files=dict(sorted(stored.items())))
        write_bytes(made / MANIFEST, json_text(manifest.model_dump(mode="json")).encode())
        wrong = check(made).wrong
        if wrong:
            raise UserError("no check would take the bundle:\n" + "\n".join(wrong))
    return out, manifest


def gather(places: Sequence[Path]) -> Gathered:
    """The rows at `places`, of two with one key the newer, and their records, without which a row is refused."""
    rows: list[tuple[ResultRow, Path]] = []
    for place in dict.fromkeys(places):
        file = place / ROWS if place.is_dir() else place
        for stated, row in read_stated(file):
            if stated != row.id:
                raise UserError(f"{file}: the id {stated} does not fit what its line says; measure again")
            rows.append((row, file))
    if not rows:
        raise UserError(f"{', '.join(map(str, places))}: no rows; `sdm-bench evaluate` writes them")
    found = Gathered()
    for row, file in sorted(newest(rows), key=lambda each: [str(part) for part in each[0].key()]):
        record = _record(row, file)
        anonymous = without_paths(record)
        name = record_name(anonymous)
        found.records[name], found.before[name] = anonymous, record
        found.rows.append(row.model_copy(update={"evaluation": name}))
    return found


def _record(row: ResultRow, file: Path) -> dict[str, Any]:
    path = file.parent / RECORDS / f"{Path(row.evaluation).name}.json"
    if not row.evaluation or not path.is_file():
        raise UserError(f"{file}: {row.id} has no record of its evaluation in {path.parent}; measure again")
    record = read_object(path, arguments=dict, protocol=dict, real=dict)
    expected = shipped(subject_of(row))
    if row.protocol_sha256 != expected["sha256"]:
        fields = "; ".join(differing(expected, record["protocol"].get("states"))) or "its weights"
        raise UserError(
            f"{file}: {row.id} was measured under another {row.protocol} than this version has ({fields}); measure it "
            "again"
        )
    return record


def _sets(found: Gathered, folders: Sequence[Path]) -> list[Measured]:
    by_set: dict[str, list[ResultRow]] = {}
    for row in found.rows:
        if row.method != REAL:
            by_set.setdefault(row.sample_set, []).append(row)
    return [measured(rows, found.before[rows[0].evaluation], folders) for _, rows in sorted(by_set.items())]


def _pictures(each: Measured) -> list[tuple[str, Path]]:
    """The files of a set by their names in the bundle."""
    names = [
        (picture_file(each.stored.sha256, seed, example_id, path.suffix), path)
        for seed, files in sorted(each.files.items())
        for example_id, path in sorted(files.items())
    ]
    for name, path in names:
        if not PICTURE.fullmatch(name):
            raise UserError(f"{path}: no name for a file of a bundle; call it otherwise and measure again")
    return names


def _write(folder: Path, name: str, data: bytes) -> StoredFile:
    if len(data) > most_bytes(name):
        raise UserError(f"{name}: {len(data)} bytes; a file of a bundle has at most {most_bytes(name)}")
    write_bytes(folder / name, data)
    return StoredFile(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))


def _json(name: str, value: Any) -> str:
    try:
        return json_text(value)
    except ValueError as error:
        raise UserError(f"{name}: NaN or Inf in it; no bundle has them") from error


def system() -> dict[str, Any]:
    """What the bundle was written on: versions, the kind of processor, how many cores, and GPUs by name."""
    import torch

    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    found = {"versions": versions()}
    return without_paths(found) | {"processor": _processor(), "cores": os.cpu_count(), "gpus": gpus}


def _processor() -> str:
    """The processor's name where the system tells it, else its kind."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text(errors="replace").splitlines() if about.is_file() else []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return named or platform.machine()
