"""What of a suite is measured, for tables of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.base.folders import without_repeats
from sdm_bench.base.progress import say
from sdm_bench.sampling.folders import SampleFolder
from sdm_bench.suites.run import planned_suite
from sdm_bench.suites.work import RESULTS, report_options

# Flags that are not called as what they say.
FLAGS = {"figures": "figure", "factors": "factor"}

# What a suite says of its report.
OPTIONS = ("tables", "published", "mean_over_training_seeds", "factors", "accuracy", "figures", "names")


@dataclass(frozen=True)
class Collected:
    """The CSVs of what is measured, the folders of the pictures, and the options of the suite's report."""

    results: tuple[Path, ...]
    samples: list[Path]
    options: dict[str, Any]


def collected_with(
    suites: Sequence[Path],
    folder: Path | None,
    runs: Sequence[Path],
    given: Collection[str],
    shipped: bool = False,
) -> Collected:
    """The results of suites, of which one alone may have `folder`, with those of `runs`.

    given: options that the user says. Of the others, the tables are those of all suites; raises UserError where suites
    differ in another one. shipped: of suites with checkpoints that ship in the place of trainings.
    """
    found = [collected(suite, folder, shipped) for suite in suites]
    options: dict[str, Any] = {}
    for name in found[0].options:
        said = [each.options[name] for each in found]
        if name in given:
            continue
        if name == "tables":
            options[name] = list(dict.fromkeys(table for tables in said for table in tables))
        elif any(each != said[0] for each in said):
            raise UserError(
                f"{', '.join(map(str, suites))}: they differ in {name} of their report "
                f"({', '.join(map(str, said))}); say which with --{FLAGS.get(name, name).replace('_', '-')}"
            )
        else:
            options[name] = said[0]
    results = [path for each in found for path in each.results]
    samples = [path for each in found for path in each.samples]
    folders = [run for run in runs if run.is_dir()]
    return Collected((*results, *runs), [*samples, *folders], options)


def collected(suite: Path, folder: Path | None, shipped: bool = False) -> Collected:
    """The results of a suite in its folder; what is not there is said. Raises UserError where nothing is measured."""
    planned = planned_suite(suite, folder, shipped=shipped, flag="--suite-folder")
    cells = [cell for cell in planned.plan.cells.values() if cell.kind == "evaluate"]
    done = [cell for cell in cells if planned.states[cell.name].state == "done"]
    if not done:
        command = f"sdm-bench run {suite}{' --pretrained' if shipped else ''}"
        raise UserError(f"{planned.out}: nothing of {suite} is measured there; `{command}` does it")
    for line in planned.plan.left_out:
        say(line)
    for cell in cells:
        status = planned.states[cell.name]
        if status.state != "done":
            say(f"without {cell.name}: {status.state}{f': {status.why}' if status.why else ''}")
    report = planned.plan.cells["report"].options
    return Collected(
        tuple(planned.out / cell.work_folder / RESULTS for cell in done),
        [planned.out / each for each in report["samples"] if (planned.out / each).is_dir()],
        report_options(report),
    )


def sample_folders(
    suites: Sequence[Path], folder: Path | None, runs: Sequence[Path], shipped: bool = False
) -> list[Path]:
    """The folders with samples among `runs` and of suites, of which one alone may have `folder`."""
    found = [*(path for suite in suites for path in collected(suite, folder, shipped).samples), *runs]
    found = without_repeats(found)
    for each in found:
        if not SampleFolder(each).exists:
            say(f"{each}: no samples; left out")
    return [each for each in found if SampleFolder(each).exists]
