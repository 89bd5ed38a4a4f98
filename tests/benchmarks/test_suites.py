"""What planning, looking and running cost at 1,000 cells: `python -m tests.benchmarks.test_suites` measures it.

The suite has the same test with few cells and wide limits.
"""

import argparse
import os
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from sdm_bench.suites import work
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.estimate import Estimate
from sdm_bench.suites.local import LocalEngine
from sdm_bench.suites.plan import make_plan
from sdm_bench.suites.run import Planned, planned_suite, run
from sdm_bench.suites.show import status_text
from sdm_bench.suites.states import states

SUITE = """
name: many
datasets:
  cityscapes: {{toy: {{train: 8, val: 8, size: 64x32}}, segmenter: toy}}
methods:
  sdm: {{train: {{steps: 1}}}}
factors:
  guidance: {guidance}
  condition_dropout: [0.0, 0.2]
training_seeds: {seeds}
"""


def write_suite(folder: Path, cells: int) -> Path:
    """A suite of at least so many cells: of a training seed 2 trainings, and of each scale 2 sets with 3 numbers."""
    scales, seeds = (10, -(-(cells - 2) // 82)) if cells > 84 else (1, 1)
    path = folder / "many.yaml"
    guidance = [round(1.0 + 0.1 * number, 1) for number in range(scales)]
    path.write_text(SUITE.format(guidance=guidance, seeds=seeds))
    return path


def measure(folder: Path, cells: int, seconds: float) -> dict[str, float]:
    """Seconds of planning, of the status, of a cell beyond its own work, and of a run that has nothing to do."""

    def stub(cell: Cell, device: str) -> dict[str, Any]:
        time.sleep(seconds)
        Path(cell.work_folder).mkdir(parents=True, exist_ok=True)
        return {}

    for kind in work.WORK:
        work.WORK[kind] = stub
    path, out = write_suite(folder, cells), folder / "out"
    found: dict[str, float] = {}
    start = time.monotonic()
    plan = make_plan(path)
    looked = states(plan, out)
    found["planning"] = time.monotonic() - start
    found["cells"] = len(plan.cells)
    planned = Planned(plan, out, looked, dict.fromkeys(plan.cells, Estimate()))
    for module in dict.fromkeys(module for kind in work.MODULES.values() for module in kind):
        import_module(module)
    start = time.monotonic()
    run(planned, LocalEngine("cpu"))
    found["overhead a cell"] = (time.monotonic() - start) / len(plan.cells) - seconds
    start = time.monotonic()
    list(status_text(planned_suite(path, out)))
    found["status"] = time.monotonic() - start
    assert {status.state for status in states(plan, out).values()} == {"done"}
    return found


def test_few_cells_cost_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDM_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("sdm_bench.suites.run._note_missing_weights", lambda plan, found: None)
    monkeypatch.setattr(work, "WORK", dict(work.WORK))
    found = measure(tmp_path, 12, 0.0)
    assert found["cells"] == 12
    assert found["overhead a cell"] < 1.0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=0.1, help="What a cell does.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SDM_BENCH_CACHE"] = f"{folder}/cache"
        sys.modules["sdm_bench.suites.run"]._note_missing_weights = lambda plan, found: None  # type: ignore[attr-defined]
        for name, value in measure(Path(folder), options.cells, options.seconds).items():
            print(f"{name}: {value:.4g}")
