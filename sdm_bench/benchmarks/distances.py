"""How fast features become a Fréchet distance: this program beside the reference packages, in one run.

A package that is absent, or that can't do it, gets a row that says so. What takes long to import is imported where it
is used: every distance is measured in a fresh process.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import numpy as np

from sdm_bench.base.errors import unknown_name
from sdm_bench.base.progress import track
from sdm_bench.benchmarks.reference_packages import DISTANCES, OURS, check_repeats, quiet, ratio, reason, version

if TYPE_CHECKING:
    import pandas as pd

# Pictures of Cityscapes' validation split, of ADE20K's and CelebAMask-HQ's, of COCO-Stuff's, and of FID-50k.
COUNTS = (500, 2_000, 5_000, 50_000)
LIMIT_SECONDS = 300.0


@dataclass(frozen=True)
class Timed:
    """A distance and the seconds it took, or why there is none."""

    seconds: float = float("nan")
    value: float = float("nan")
    note: str = ""


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

    check_repeats(repeats)
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
        "times ours": ratio([each.seconds for each in timed], [each.seconds for each in ours]),
        "distance": told.value,
        "difference": abs(told.value / ours[0].value - 1),
        "note": "; ".join(notes),
    }
