"""How long a cell takes, and what it needs, from what cells like it took: rates that were measured, never assumed.

Rates come from the results in the suite's folder, and from those that earlier suites left in the user's cache.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_json, write_json
from sdm_bench.base.sections import parsed
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.results import Result
from sdm_bench.suites.schema import BUDGET, CORE_BUDGET
from sdm_bench.weights.store import cache_folder

FOLDER = "rates"
# Kinds whose files grow with their work; a training's don't.
GROWING = ("data", "generate")
# A rate gives way to one of at least this share of its work: small cells mostly start.
LESS = 0.5


@dataclass(frozen=True)
class Rate:
    """What a unit of work took on a device, where `units` were done.

    seconds, written (bytes): a unit, with its share of what a cell takes to start; memory: bytes at the most, in all.
    """

    seconds: float
    memory: int
    written: float
    device: str
    units: float


@dataclass(frozen=True)
class Estimate:
    """seconds, memory and written (bytes) of a cell; None where no cell like it was ever measured."""

    seconds: float | None = None
    memory: int | None = None
    written: float | None = None


def measured_rate(cell: Cell, result: Result) -> Rate | None:
    """The rate that a finished cell shows; None where it did next to nothing."""
    seconds, share = result.seconds, result.share
    if cell.kind in ("train", "segmenter") and result.result is not None:
        # of a training that was resumed, the whole
        seconds, share = result.result.get("training_seconds", seconds), 1.0
    units = cell.size * share
    if units <= 0 or result.result is None:
        return None
    written = result.written / (cell.size if cell.kind in GROWING else 1)
    return Rate(seconds / units, max(result.peak_memory, result.peak_gpu_memory), written, result.device, units)


def keep_rate(cell: Cell, result: Result) -> None:
    """Leaves the rate of a finished cell in the user's cache, unless one of much more work is there."""
    found = measured_rate(cell, result)
    if found is None or not cell.rate:
        return
    file = _file(cell.rate, found.device)
    before = _kept(file)
    if before is None or found.units >= LESS * before.units:
        write_json(file, asdict(found))


def _kept(file: Path) -> Rate | None:
    """The rate in a file; None where there is none, or one of another version of the program."""
    try:
        return parsed(Rate, read_json(file), file) if file.is_file() else None
    except UserError:
        return None


def _file(rate: str, device: str) -> Path:
    name = re.sub(r"[^A-Za-z0-9@._-]+", "-", f"{device} {rate}")
    return cache_folder() / FOLDER / f"{name}.json"


def rates(cells: Iterable[Cell], results: Mapping[str, Result | None], device: str) -> dict[str, Rate]:
    """Rates by the cells' `rate`: of the suite's own results, else of the cache."""
    found: dict[str, Rate] = {}
    wanted = {cell.rate for cell in cells}
    for rate in wanted:
        kept = _kept(_file(rate, device))
        if kept is not None:
            found[rate] = kept
    own: dict[str, Rate] = {}
    for cell in cells:
        result = results.get(cell.name)
        rate_here = None if result is None or result.device != device else measured_rate(cell, result)
        if rate_here is not None and (cell.rate not in own or rate_here.units >= own[cell.rate].units):
            own[cell.rate] = rate_here
    return found | own


def estimate(cell: Cell, known: Mapping[str, Rate]) -> Estimate:
    """What a cell will take; without a rate None, but of a training with a budget, which is its time.

    A budget of CPU time takes a rate, or else as long as on one core.
    """
    rate = known.get(cell.rate) or _like(cell, known)
    unit = cell.rate.split(" ")[1] if " " in cell.rate else ""
    seconds = cell.size if unit in (BUDGET, CORE_BUDGET) else None
    if rate is None:
        return Estimate(seconds)
    if unit != BUDGET:
        seconds = cell.size * rate.seconds
    return Estimate(seconds, rate.memory, rate.written * (cell.size if cell.kind in GROWING else 1))


def _like(cell: Cell, known: Mapping[str, Rate]) -> Rate | None:
    """The rate of the same work on another dataset: methods and metrics cost what they cost on pictures of a size."""
    same = cell.rate.rpartition(" ")[0]
    near = [rate for name, rate in known.items() if name.rpartition(" ")[0] == same]
    return max(near, key=lambda each: each.units, default=None)


def total(estimates: Iterable[Estimate]) -> dict[str, Any]:
    """Seconds and bytes in all, the largest memory, and how many have no estimate of their time."""
    every = list(estimates)
    return {
        "seconds": sum(each.seconds or 0.0 for each in every),
        "memory": max((each.memory or 0 for each in every), default=0),
        "written": sum(each.written or 0.0 for each in every),
        "unknown": sum(each.seconds is None for each in every),
    }


def spelled_bytes(count: float) -> str:
    """Bytes in a unit that is read at a glance."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"
