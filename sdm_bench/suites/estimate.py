"""How long a cell takes, and what it needs, from what cells like it took: rates that were measured, never assumed.

Rates come from the results in the suite's folder, and from those that earlier suites left in the user's cache.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sdm_bench.base.files import read_json, write_json
from sdm_bench.base.sections import parsed
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.results import Result
from sdm_bench.weights.store import cache_folder

FOLDER = "rates"
# Kinds whose files grow with their work; a training's don't.
GROWING = ("data", "generate")


@dataclass(frozen=True)
class Rate:
    """What a unit of work took on a device. seconds, written (bytes): a unit; memory: bytes at the most, in all."""

    seconds: float
    memory: int
    written: float
    device: str


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
    return Rate(seconds / units, max(result.peak_memory, result.peak_gpu_memory), written, result.device)


def keep_rate(cell: Cell, result: Result) -> None:
    """Leaves the rate of a finished cell in the user's cache; the newest of its kind holds."""
    found = measured_rate(cell, result)
    if found is not None and cell.rate:
        write_json(_file(cell.rate, found.device), asdict(found))


def _file(rate: str, device: str) -> Path:
    name = re.sub(r"[^A-Za-z0-9@._-]+", "-", f"{device} {rate}")
    return cache_folder() / FOLDER / f"{name}.json"


def rates(cells: Iterable[Cell], results: Mapping[str, Result | None], device: str) -> dict[str, Rate]:
    """Rates by the cells' `rate`: of the suite's own results, else of the cache."""
    found: dict[str, Rate] = {}
    wanted = {cell.rate for cell in cells}
    for rate in wanted:
        file = _file(rate, device)
        if file.is_file():
            found[rate] = parsed(Rate, read_json(file), file)
    for cell in cells:
        result = results.get(cell.name)
        own = None if result is None or result.device != device else measured_rate(cell, result)
        if own is not None:
            found[cell.rate] = own
    return found


def estimate(cell: Cell, known: Mapping[str, Rate]) -> Estimate:
    """What a cell will take. The time of a training with a budget is its budget; other kinds need a rate."""
    rate = known.get(cell.rate) or _like(cell, known)
    seconds = cell.size if cell.rate.endswith(" budget") else None
    if rate is None:
        return Estimate(seconds)
    if seconds is None:
        seconds = cell.size * rate.seconds
    return Estimate(seconds, rate.memory, rate.written * (cell.size if cell.kind in GROWING else 1))


def _like(cell: Cell, known: Mapping[str, Rate]) -> Rate | None:
    """The rate of the same work on another dataset: methods and metrics cost what they cost on pictures of a size."""
    same = cell.rate.rpartition(" ")[0]
    near = [rate for name, rate in known.items() if name.rpartition(" ")[0] == same]
    return max(near, key=lambda each: each.seconds, default=None)


def total(estimates: Iterable[Estimate]) -> dict[str, Any]:
    """Seconds and bytes in all, the largest memory, and how many have no estimate of their time."""
    every = list(estimates)
    return {
        "seconds": sum(each.seconds or 0.0 for each in every),
        "memory": max((each.memory or 0 for each in every), default=0),
        "written": sum(each.written or 0.0 for each in every),
        "unknown": sum(each.seconds is None for each in every),
    }


def spelled_seconds(seconds: float) -> str:
    """Hours and minutes as h:mm, below a minute seconds."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d} h"


def spelled_bytes(count: float) -> str:
    """Bytes in a unit that is read at a glance."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"
