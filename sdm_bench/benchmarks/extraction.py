"""How fast pictures become features: this program beside the reference packages, in one run.

A package that is absent, or that can't do it, gets a row that says so.
"""

import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sdm_bench.base.progress import track
from sdm_bench.benchmarks.reference_packages import (
    EXTRACTIONS,
    OURS,
    REMARKS,
    Extraction,
    Setting,
    check_repeats,
    packed_weights,
    quiet,
    ratio,
    reason,
    version,
)

if TYPE_CHECKING:
    import pandas as pd
    import torch

PRODUCT_SIDE, PRODUCT_REPEATS = 2048, 8

# Reading and program.
Key = tuple[str, str]


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

    check_repeats(repeats)
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
        "times ours": ratio(times[key], times[ours]),
        "difference": float(np.abs(features[key] - features[ours]).max() / np.abs(features[ours]).max()),
    }
