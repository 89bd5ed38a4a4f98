"""`sdm-bench run`: plan, say what is missing, hand what is to do to an engine, and list what did not come about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sdm_bench.base.errors import PartialFailure, UserError
from sdm_bench.base.files import read_object, refuse_unwritable, write_json
from sdm_bench.base.progress import say
from sdm_bench.base.signals import exit_code
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.engine import Engine
from sdm_bench.suites.estimate import Estimate, estimate, rates
from sdm_bench.suites.machine import gpus
from sdm_bench.suites.measuring import needed_weights
from sdm_bench.suites.named import name_results
from sdm_bench.suites.plan import Plan, make_plan
from sdm_bench.suites.pretrained import SUFFIX
from sdm_bench.suites.record import record, refuse_other
from sdm_bench.suites.results import Result
from sdm_bench.suites.slurm_queue import queue
from sdm_bench.suites.sources import RELEASED
from sdm_bench.suites.states import AT_WORK, PENDING, Status, states
from sdm_bench.suites.suite import read_suite

ROOTS_FILE = "roots.json"


@dataclass
class Planned:
    """A plan, the state of its cells, and what those to do are estimated to take."""

    plan: Plan
    out: Path
    states: dict[str, Status]
    estimates: dict[str, Estimate]

    @property
    def to_do(self) -> list[Cell]:
        """The cells that will run."""
        return [cell for cell in self.plan.cells.values() if self.states[cell.name].state in PENDING]


def planned_suite(
    path: Path,
    out: Path | None = None,
    roots: Mapping[str, Path] | None = None,
    retry_failed: bool = False,
    device: str = "auto",
    shipped: bool = False,
    flag: str = "--out",
) -> Planned:
    """The suite in a YAML file and the states of its cells in `out`, by default the folder of the suite's name.

    roots: where its datasets are; those of an earlier `run` in the same folder hold where none are given. shipped: with
    checkpoints that ship in the place of trainings, by default in a folder of its own. Raises UserError, which names
    the option `flag` that the folder is given by, where that holds the other run.
    """
    found = out or Path(read_suite(path)[0].name + (SUFFIX if shipped else ""))
    refuse_other(found, shipped, flag)
    plan = make_plan(path, _kept_roots(found) | dict(roots or {}), shipped)
    return prepare(plan, found, retry_failed, device)


def keep_roots(out: Path, roots: Mapping[str, Path]) -> None:
    """Keeps where datasets are, for later commands on the same folder."""
    if roots:
        kept = _kept_roots(out) | dict(roots)
        write_json(out / ROOTS_FILE, {name: str(root.absolute()) for name, root in kept.items()})


def _kept_roots(out: Path) -> dict[str, Path]:
    file = out / ROOTS_FILE
    return {name: Path(str(root)) for name, root in read_object(file).items()} if file.is_file() else {}


def prepare(plan: Plan, out: Path, retry_failed: bool = False, device: str = "auto") -> Planned:
    """The states of a plan's cells in the folder `out`, weights included that are not in the cache."""
    found = states(plan, out, retry_failed)
    _note_missing_weights(plan, found)
    _note_queued(plan, out, found)
    results: dict[str, Result | None] = {name: status.result for name, status in found.items()}
    known = rates(plan.cells.values(), results, device_name(device))
    estimates = {cell.name: estimate(cell, known) for cell in plan.cells.values()}
    return Planned(plan, out, found, estimates)


def device_name(device: str) -> str:
    """What rates call the device that cells will run on."""
    found = [] if device in ("cpu", "mps") else gpus()
    return found[0].name if found else "cpu"


def _note_missing_weights(plan: Plan, found: dict[str, Status]) -> None:
    """A number that needs weights which are not in the cache can't be measured."""
    from sdm_bench.weights.store import missing

    for cell in plan.cells.values():
        if cell.kind == "evaluate" and found[cell.name].state in PENDING:
            absent = [each.name for each in missing(needed_weights(cell))]
            if absent:
                found[cell.name] = Status("can't", f"weights {', '.join(absent)} are not in the cache")


def _note_queued(plan: Plan, out: Path, found: dict[str, Status]) -> None:
    """A cell that a job of Slurm is for is not to be started once more."""
    jobs = queue(out) or {}
    for cell in plan.cells.values():
        job = jobs.get(cell.id)
        if job is not None and found[cell.name].state in (*PENDING, "running"):
            found[cell.name] = Status("running" if job.running else "queued", job.said)


def bring(planned: Planned, offline: bool) -> bool:
    """Brings the weights and released checkpoints that cells to do need; offline, lists all that is missing at once.

    Returns whether anything came. What can't be brought stops nothing: the cells that need it say so.
    """
    from sdm_bench.weights.fetch import FetchFailed, fetch
    from sdm_bench.weights.released import fetch_released, find_released
    from sdm_bench.weights.store import MissingWeights, missing

    cells = planned.plan.cells.values()
    pending = [cell for cell in cells if planned.states[cell.name].state in (*PENDING, "can't")]
    names = [name for cell in pending if cell.kind == "evaluate" and not cell.lacks for name in needed_weights(cell)]
    absent = missing(names)
    generators = dict.fromkeys(
        (cell.options["method"], cell.options["dataset"])
        for cell in pending
        if cell.kind == "generate" and cell.options["checkpoint"] == RELEASED
    )
    lines = []
    fetched = [] if offline else [each for each in absent if each.fetchable]
    left = [each for each in absent if each not in fetched]
    if fetched:
        try:
            fetch([each.name for each in fetched])
        except FetchFailed as error:
            lines.append(error.message)
    if left:
        lines.append(MissingWeights(left).message)
    for method, dataset in generators:
        try:
            if not offline:
                fetch_released(method, dataset)
            elif find_released(method, dataset).path is None:
                lines.append(find_released(method, dataset).how_to_get)
        except (UserError, PartialFailure) as error:
            lines.append(error.message)
    if lines:
        say("\n".join(["Not here, and cells that need it can't run:", *dict.fromkeys(lines)]))
    return bool(fetched or generators)


def run(planned: Planned, engine: Engine) -> None:
    """Has the cells done that are to do; raises PartialFailure with a list of all that failed or could not run."""
    refuse_unwritable(planned.out, "--out")
    for line in planned.plan.left_out:
        say(line)
    plan, out, cells = planned.plan, planned.out.absolute(), planned.to_do
    at_work = any(status.state in AT_WORK for status in planned.states.values())
    if not cells and not at_work:
        name_results(plan.cells.values(), out)
        say(f"{out}: nothing to do: {_counted(planned.states)}")
        _list_unmade(plan, planned.states, {})
        return
    record(plan, out)
    say(f"{out}: {len(cells)} of {len(plan.cells)} cells to do")
    for cell in cells:
        cell.write(out)
    for cell in _needed(plan, cells):
        cell.write(out)
    outcome = engine.run(cells, out, planned.estimates)
    name_results(plan.cells.values(), out)
    if outcome.stopped_by:
        say("stopped; the same command goes on")
        raise SystemExit(exit_code(outcome.stopped_by))
    found = prepare(plan, out).states
    say(f"{out}: {_counted(found)}")
    _list_unmade(plan, found, outcome.not_started)


def _needed(plan: Plan, cells: Iterable[Cell]) -> list[Cell]:
    """Cells of the plan that others read the place of."""
    by_id = plan.by_id
    return [by_id[each] for cell in cells for each in cell.inputs.values()]


def _counted(found: Mapping[str, Status]) -> str:
    counts: dict[str, int] = {}
    for status in found.values():
        counts[status.state] = counts.get(status.state, 0) + 1
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def _list_unmade(plan: Plan, found: Mapping[str, Status], not_started: Mapping[str, str]) -> None:
    lines = [
        f"  {name}: {status.state if status.state != 'to do' else 'not done'}: {not_started.get(name) or status.why}"
        for name, status in found.items()
        if status.state != "done"
    ]
    if lines:
        raise PartialFailure("\n".join([f"{len(lines)} cells are not done:", *lines]))
