"""How numbers were measured: a JSON an evaluation, beside the results, and from there the account of one number."""

import hashlib
import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from sdm_bench import __version__
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_object, write_json
from sdm_bench.base.folders import files_below
from sdm_bench.base.progress import say
from sdm_bench.results.rows import RESULTS_FILE, ResultRow, read_rows

FOLDER = "provenance"
# Packages of which another version can change a number.
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "pillow", "lpips", "onedl-mmsegmentation", "onedl-mmcv")


def versions() -> dict[str, str]:
    """The versions of the program, Python and the packages that decide numbers."""
    found = {"sdm-bench": __version__, "python": platform.python_version(), "machine": platform.platform()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def record(folder: Path, about: dict[str, Any]) -> str:
    """Keeps how an evaluation was made beside the results in `folder`; returns the name that its rows carry."""
    name = record_name(about)
    file = folder / FOLDER / f"{name}.json"
    if not file.is_file():
        write_json(file, about)
    return name


def record_name(about: dict[str, Any]) -> str:
    """The name of a record: of its content."""
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]


def record_of(row: ResultRow, places: Iterable[Path]) -> Path | None:
    """The record of a row's evaluation beside the results at `places`, folders or files; None where it isn't kept."""
    name = f"{Path(row.evaluation).name}.json"
    kept = ((place if place.is_dir() else place.parent) / FOLDER / name for place in places)
    return next((path for path in kept if path.is_file()), None) if row.evaluation else None


def picture_places_of(row: ResultRow, record: Mapping[str, Any]) -> list[str]:
    """Where somebody's pictures were that a row is of: the row says it in full, its record as it was typed."""
    typed: list[str] = record["arguments"]["images"]
    folders = row.folder.split(", ")
    return folders if len(folders) == len(typed) else typed


def find(wanted: str, places: Iterable[Path]) -> tuple[ResultRow, Path]:
    """The result whose id starts with `wanted`, and its file, among the results files at or below `places`.

    Raises UserError where there is none, or several that differ.
    """
    files = list(dict.fromkeys(file for place in places for file in _results(place)))
    found = {row.id: (row, file) for file in files for row in _readable(file) if row.id.startswith(wanted)}
    if not found:
        raise UserError(f"no result {wanted} in {len(files)} results files; ids are the first column of {RESULTS_FILE}")
    if len(found) > 1:
        raise UserError(f"{wanted} begins {len(found)} ids: {', '.join(sorted(found)[:5])}; give more of it")
    return next(iter(found.values()))


def _results(place: Path) -> Iterator[Path]:
    if place.is_dir():
        # a suite's runs are links
        yield from (file for file in files_below(place).files if file.name == RESULTS_FILE)
    else:
        yield place


def _readable(file: Path) -> list[ResultRow]:
    """The rows of a results file; none, and a line that says why, where it can't be read."""
    try:
        return read_rows(file)
    except UserError as error:
        say(f"passed over: {error.message}")
        return []


def explain(row: ResultRow, file: Path) -> dict[str, Any]:
    """Everything known of a number: every field of its row, and the record of its evaluation."""
    kept = file.parent / FOLDER / f"{Path(row.evaluation).name}.json"
    recorded = bool(row.evaluation) and kept.is_file()
    return {
        "id": row.id,
        "stored in": str(file),
        "result": row.model_dump(mode="json", exclude={"evaluation"}),
        "evaluation": read_object(kept) if recorded else f"not recorded: {kept} is missing",
    }
