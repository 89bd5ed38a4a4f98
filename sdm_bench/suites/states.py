"""The state of each cell of a plan, from files alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_object
from sdm_bench.suites.cells import CELLS, RESULT_FILE, Cell
from sdm_bench.suites.plan import Plan
from sdm_bench.suites.results import Result, claimant, read_result

State = Literal["done", "stale", "to do", "queued", "running", "failed", "can't"]
STATES: tuple[State, ...] = ("done", "stale", "to do", "queued", "running", "failed", "can't")
# Kinds whose files others need beside the result.
WITH_FILES = ("train", "segmenter", "generate")
# What a plan says of a cell that will run.
PENDING = ("stale", "to do")
# What is not to be started once more: somebody does it, or will.
AT_WORK = ("queued", "running")


@dataclass(frozen=True)
class Status:
    """A cell's state, and why: what has changed, lacks or failed."""

    state: State
    why: str = ""
    result: Result | None = None


def states(plan: Plan, out: Path, retry_failed: bool = False) -> dict[str, Status]:
    """The state of every cell by name.

    retry_failed: what failed is to do again. A cell whose files are gone is done as long as nothing needs them.
    """
    found: dict[str, Status] = {}
    by_id = plan.by_id
    folders = _names(out)
    for cell in plan.cells.values():
        found[cell.name] = _status(cell, by_id, out, found, folders, retry_failed)
    return _without_unneeded(plan, by_id, found)


def _names(out: Path) -> frozenset[str]:
    """The cells that there is anything of."""
    folder = out / CELLS
    return frozenset(each.name for each in folder.iterdir()) if folder.is_dir() else frozenset()


def _status(
    cell: Cell,
    by_id: dict[str, Cell],
    out: Path,
    found: dict[str, Status],
    folders: frozenset[str],
    retry_failed: bool,
) -> Status:
    try:
        result = read_result(out, cell.id) if cell.name in folders else None
    except UserError as error:
        return Status("to do", error.message)
    gone = result is not None and cell.kind in WITH_FILES and not (out / cell.work_folder).exists()
    if result is not None and result.result is not None and not gone:
        if cell.kind == "report" and (later := _newest(out / CELLS / cell.name)) not in (None, cell.decided_by):
            return Status("stale", f"{cell.work_folder} holds a later one: {changed(later, cell.decided_by)}", result)
        now = [name for name in result.result.get("without", ()) if found[name].state in ("done", *PENDING)]
        word = "is measured now" if now and found[now[0]].state == "done" else "will be measured"
        return Status("stale", f"{now[0]} {word}", result) if now else Status("done", result=result)
    if result is not None and result.result is None and not retry_failed:
        return Status("failed", f"{result.reason} ({_times(result.tries)})", result)
    if cell.lacks:
        return Status("can't", "; ".join(cell.lacks))
    if cell.kind != "report":
        for each in cell.inputs.values():
            upstream = found[by_id[each].name]
            if upstream.state in ("failed", "can't"):
                word = "failed" if upstream.state == "failed" else "can't be made"
                return Status("can't", f"needs {by_id[each].name}, which {word}")
    if cell.name not in folders:
        return Status("to do")
    who = claimant(out, cell.id)
    if who:
        return Status("running", who)
    if gone:
        return Status("to do", "its files are gone")
    if result is not None:
        return Status("to do", f"failed before ({_times(result.tries)})", result)
    older = _newest(out / CELLS / cell.name)
    return Status("to do") if older is None else Status("stale", changed(older, cell.decided_by))


def _times(count: int) -> str:
    return "tried once" if count == 1 else f"tried {count} times"


def _newest(folder: Path) -> dict[str, Any] | None:
    """What decided the newest result of a cell's name, whatever its key."""
    files = [each / RESULT_FILE for each in folder.iterdir()]
    there = sorted(
        ((file.stat().st_mtime, file) for file in files if file.is_file()), key=lambda each: each[0], reverse=True
    )
    for _, file in there:
        try:
            found: dict[str, Any] = read_object(file, decided_by=dict)
        except UserError:
            continue
        if found.get("result") is not None:
            return found["decided_by"]
    return None


def changed(before: dict[str, Any], now: dict[str, Any]) -> str:
    """In words, what of that which decides a result is another than it was."""
    return "; ".join(_differences(before, now, "")) or "the kind of cell"


def _differences(before: dict[str, Any], now: dict[str, Any], within: str) -> Iterable[str]:
    for name in {**before, **now}:
        there, here = before.get(name), now.get(name)
        called = f"{within} {name}".strip()
        if there == here:
            continue
        if isinstance(there, dict) and isinstance(here, dict):
            yield from _differences(there, here, called)
        elif _is_digest(there) and _is_digest(here):
            yield f"{called} changed"
        else:
            yield f"{called}: {there} -> {here}"


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) in (16, 64) and not set(value) - set("0123456789abcdef")


def _without_unneeded(plan: Plan, by_id: dict[str, Cell], found: dict[str, Status]) -> dict[str, Status]:
    """Cells that aren't here but whose results nobody needs any more count as done."""
    needed: set[str] = set()
    users = {each for cell in plan.cells.values() if cell.kind != "report" for each in cell.inputs.values()}
    for cell in reversed(plan.cells.values()):
        if found[cell.name].state == "done":
            continue
        if cell.id in users and cell.id not in needed:
            found[cell.name] = Status("done", "not here, and nothing needs it")
        elif cell.kind != "report":
            needed |= set(cell.inputs.values())
    return found
