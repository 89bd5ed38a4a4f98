"""How fast pictures become features, and features a distance: this program beside the reference packages, in one run.

A package that is absent, or that can't do it, gets a row that says so. What takes long to import is imported where it
is used: every distance is measured in a fresh process.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.base.progress import track
from sdm_bench.benchmarks.reference_packages import (
    DISTANCES,
    EXTRACTIONS,
    OURS,
    REMARKS,
    Extraction,
    Setting,
    packed_weights,
    quiet,
    reason,
    version,
)

if TYPE_CHECKING:
    import pandas as pd
    import torch

# Pictures of Cityscapes' validation split, of ADE20K's and CelebAMask-HQ's, of COCO-Stuff's, and of FID-50k.
COUNTS = (500, 2_000, 5_000, 50_000)
LIMIT_SECONDS = 300.0
PRODUCT_SIDE, PRODUCT_REPEATS = 2048, 8

# Reading and program.
Key = tuple[str, str]


@dataclass(frozen=True)
class Timed:
    """A distance and the seconds it took, or why there is none."""

    seconds: float = float("nan")
    value: float = float("nan")
    note: str = ""


def extraction_speed(
    folder: Path,
    weights: Path,
    repeats: int = 3,
    batch_size: int = 32,
    workers: int | None = None,
    device: str = "auto",
) -> "pd.DataFrame":
    """Features of the pictures of a flat folder by every program, a line for each reading and program.

    All use the weights of the safetensors file, this batch size, and as many processes to read pictures as this program
    has threads, or `workers`. After one uncounted run each they take turns, in alternating order.
    Columns: program, version, reading, pictures, seconds (median), pictures/s, times ours (median over turns of the
    ratio of seconds, above 1 where this program is faster), difference (largest, relative to the largest feature), of
    the limit (pictures/s over what they would be if the network ran as fast as a large matrix product) and note. On a
    GPU the packages leave torch to round convolutions to ten bits, this program does not.
    Raises UserError for a folder without pictures, weights that are not Inception's and less than one repeat.
    """
    import pandas as pd

    from sdm_bench.base.devices import pick_device
    from sdm_bench.datasets.pictures import WORKERS

    _check_repeats(repeats)
    files = _files(Path(folder))
    with packed_weights(weights) as packed:
        count = WORKERS if workers is None else workers
        setting = Setting(Path(folder), files, weights, packed, batch_size, count, pick_device(device))
        runs, features, notes = _first_runs(setting)
        times = _in_turns(runs, repeats)
        limit = _matrix_product_speed(setting.device) / _network_operations()
    lines = []
    for key in EXTRACTIONS:
        line: dict[str, Any] = {
            "program": key[1],
            "version": version(key[1]),
            "reading": key[0],
            "pictures": len(files),
        }
        note = notes.get(key, REMARKS.get(key, ""))
        cells = _extraction_cells(key, len(files), times, features)
        lines.append(line | cells | {"of the limit": cells["pictures/s"] / limit, "note": note})
    return pd.DataFrame(lines)


def _check_repeats(repeats: int) -> None:
    if repeats < 1:
        raise UserError(f"{repeats} repeats; expected at least 1")


def _files(folder: Path) -> tuple[str, ...]:
    from sdm_bench.metrics.images import folder_source

    return tuple(map(str, folder_source(folder).paths))


def _first_runs(setting: Setting) -> tuple[dict[Key, Extraction], dict[Key, np.ndarray], dict[Key, str]]:
    """What runs, the features of a first run, and why the rest does not run; this program's own errors are raised."""
    runs, features, notes = {}, {}, {}
    for key, make in EXTRACTIONS.items():
        reading, program = key
        try:
            with quiet(program):
                runs[key] = make(setting, reading)
                features[key] = runs[key]()
        except Exception as error:  # a package that is not ours fails in its own ways
            if program == OURS:
                raise
            runs.pop(key, None)
            notes[key] = reason(error)
    return runs, features, notes


def _in_turns(runs: dict[Key, Extraction], repeats: int) -> dict[Key, list[float]]:
    times: dict[Key, list[float]] = {key: [] for key in runs}
    for turn in track(range(repeats), "timing extraction", repeats, unit="turns"):
        for key in list(runs) if turn % 2 == 0 else list(reversed(runs)):
            with quiet(key[1]):
                started = time.perf_counter()
                runs[key]()
                times[key].append(time.perf_counter() - started)
    return times


def _network_operations() -> int:
    """Multiplications and additions of Inception for one picture."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from sdm_bench.metrics.inception import SIZE, FIDInception

    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        FIDInception(classifier=False).eval()(torch.empty(1, 3, SIZE, SIZE))
    return counter.get_total_flops()


def _matrix_product_speed(device: "torch.device") -> float:
    """Operations a second of a large float32 matrix product at its best."""
    import torch

    factor = torch.rand(PRODUCT_SIDE, PRODUCT_SIDE, device=device)
    seconds = []
    for _ in range(PRODUCT_REPEATS):
        started = time.perf_counter()
        float((factor @ factor)[0, 0])
        seconds.append(time.perf_counter() - started)
    return 2 * PRODUCT_SIDE**3 / min(seconds)


def _extraction_cells(
    key: Key, pictures: int, times: dict[Key, list[float]], features: dict[Key, np.ndarray]
) -> dict[str, float]:
    if key not in times:
        return dict.fromkeys(("seconds", "pictures/s", "times ours", "difference"), float("nan"))
    ours, seconds = (key[0], OURS), statistics.median(times[key])
    return {
        "seconds": seconds,
        "pictures/s": pictures / seconds,
        "times ours": _ratio(times[key], times[ours]),
        "difference": float(np.abs(features[key] - features[ours]).max() / np.abs(features[ours]).max()),
    }


def frechet_speed(
    counts: Sequence[int] = COUNTS,
    dimensions: int = 2048,
    repeats: int = 1,
    limit: float | None = LIMIT_SECONDS,
    programs: Sequence[str] = tuple(DISTANCES),
) -> "pd.DataFrame":
    """The Fréchet distance of two sets of `random_features` by every program, a line for each number and program.

    From features to the distance, means and covariances included, in alternating order. limit: seconds after which a
    program is given up, each in a process of its own; None: in this process, without a limit.
    Columns: program, version, N, seconds (median), times ours (median over turns of the ratio of seconds), distance,
    difference (relative to this program's), note. Raises UserError for an unknown program and less than one repeat.
    """
    import pandas as pd

    _check_repeats(repeats)
    for name in programs:
        if name not in DISTANCES:
            raise unknown_name("program", name, DISTANCES)
    found: dict[tuple[int, str], list[Timed]] = {(count, name): [] for count in counts for name in programs}
    for turn in range(repeats):
        order = list(found) if turn % 2 == 0 else list(reversed(found))
        for count, name in track(order, "timing the Fréchet distance", len(order), unit="distances"):
            if not any(timed.note for timed in found[count, name]):
                found[count, name].append(_timed(name, count, dimensions, limit))
    return pd.DataFrame([_distance_line(name, count, found) for count, name in found])


def random_features(count: int, dimensions: int, seed: int) -> np.ndarray:
    """Features float32 (N, D) of a Gaussian whose spectrum decays, as that of pictures does.

    Every mean is seed / 10; the covariance has the eigenvalues k^-(1 + seed / 10), k = 1 ... D, with the vectors of the
    cosine transform.
    """
    from scipy import fft

    values = np.random.default_rng(seed).standard_normal((count, dimensions), dtype=np.float32)
    values *= np.arange(1, dimensions + 1, dtype=np.float32) ** np.float32(-(1 + seed / 10) / 2)
    return fft.idct(values, axis=1, norm="ortho", overwrite_x=True) + np.float32(seed / 10)


def _timed(name: str, count: int, dimensions: int, limit: float | None) -> Timed:
    if limit is None:
        try:
            return _prepared(name, count, dimensions)()
        except Exception as error:  # a package that is not ours fails in its own ways
            if name == OURS:
                raise
            return Timed(note=reason(error))
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_answer, args=(name, count, dimensions, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        return _received(ours, limit)
    except EOFError:
        process.join()
        return Timed(note=f"its process ended with {process.exitcode}")
    finally:
        process.kill()
        process.join()


def _received(connection: Connection, limit: float) -> Timed:
    answer = connection.recv()
    if answer is None:
        answer = connection.recv() if connection.poll(limit) else Timed(note=f"given up after {limit:g} s")
    return answer


def _answer(name: str, count: int, dimensions: int, connection: Connection) -> None:
    """Sends None as soon as program and features are ready, then the answer."""
    try:
        run = _prepared(name, count, dimensions)
        connection.send(None)
        connection.send(run())
    except Exception as error:
        connection.send(Timed(note=reason(error)))


def _prepared(name: str, count: int, dimensions: int) -> Callable[[], Timed]:
    with quiet(name):
        distance = DISTANCES[name]()
        distance(random_features(16, 8, 0), random_features(16, 8, 1))  # imports of a first call
    first, second = (random_features(count, dimensions, seed) for seed in (0, 1))

    def run() -> Timed:
        with quiet(name):
            started = time.perf_counter()
            value = float(distance(first, second))
            return Timed(time.perf_counter() - started, value)

    return run


def _distance_line(name: str, count: int, found: dict[tuple[int, str], list[Timed]]) -> dict[str, Any]:
    timed, ours = found[count, name], found.get((count, OURS), [Timed()])
    notes = [each.note for each in timed if each.note]
    told = Timed() if notes else timed[0]
    return {
        "program": name,
        "version": version(name),
        "N": count,
        "seconds": float("nan") if notes else statistics.median(each.seconds for each in timed),
        "times ours": _ratio([each.seconds for each in timed], [each.seconds for each in ours]),
        "distance": told.value,
        "difference": abs(told.value / ours[0].value - 1),
        "note": "; ".join(notes),
    }


def _ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(theirs, ours, strict=False))
