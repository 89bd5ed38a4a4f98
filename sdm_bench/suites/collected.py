"""What of a suite is measured, for tables of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say
from sdm_bench.suites.run import planned_suite
from sdm_bench.suites.work import RESULTS


@dataclass(frozen=True)
class Collected:
    """The CSVs of what is measured, the folders of the pictures, and the options of the suite's report."""

    results: tuple[Path, ...]
    samples: list[Path]
    options: dict[str, Any]


def collected(suite: Path, folder: Path | None) -> Collected:
    """The results of a suite in its folder; what is not measured is named. Raises UserError where nothing is."""
    planned = planned_suite(suite, folder)
    cells = [cell for cell in planned.plan.cells.values() if cell.kind == "evaluate"]
    done = [cell for cell in cells if planned.states[cell.name].state == "done"]
    if not done:
        raise UserError(f"{planned.out}: nothing of {suite} is measured there; `sdm-bench run {suite}` does it")
    for cell in cells:
        status = planned.states[cell.name]
        if status.state != "done":
            say(f"without {cell.name}: {status.state}{f': {status.why}' if status.why else ''}")
    report = planned.plan.cells["report"].options
    return Collected(
        tuple(planned.out / cell.work_folder / RESULTS for cell in done),
        [planned.out / each for each in report["samples"] if (planned.out / each).is_dir()],
        {name: report[name] for name in ("tables", "published", "mean_over_training_seeds")},
    )
