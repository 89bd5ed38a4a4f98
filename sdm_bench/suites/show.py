"""Plans and states as text: what `run --dry-run`, `suite show` and `suite status` print."""

from collections.abc import Iterator
from pathlib import Path

from sdm_bench.base.progress import spelled_seconds
from sdm_bench.suites.cells import LOG_FILE, Cell
from sdm_bench.suites.estimate import spelled_bytes, total
from sdm_bench.suites.execute import last_lines
from sdm_bench.suites.plan import Plan
from sdm_bench.suites.run import Planned
from sdm_bench.suites.states import AT_WORK, PENDING, STATES, Status

KINDS = ("data", "segmenter", "train", "generate", "evaluate", "report")
NEXT = 5


def plan_text(plan: Plan) -> Iterator[str]:
    """Every cell with its key, what it does and what it needs."""
    suite = plan.suite
    yield f"{suite.name}: {suite.summary.strip()}".rstrip(": ")
    yield f"{plan.source}: {len(plan.cells)} cells"
    yield from plan.left_out
    for cell in plan.cells.values():
        yield f"{cell.key}  {cell.name}"
        said = [(name, value) for name, value in cell.options.items() if name not in ("label", "samples")]
        yield f"    {', '.join(f'{name} {value}' for name, value in said if value not in (None, '', [], {}, False))}"
        if cell.inputs and cell.kind != "report":
            yield f"    needs {', '.join(each.partition('/')[0] for each in cell.inputs.values())}"


def dry_run_text(planned: Planned, at_once: int = 1) -> Iterator[str]:
    """The state of every cell and why, with what is estimated of those to do, and in all, so many at a time."""
    for cell in planned.plan.cells.values():
        status = planned.states[cell.name]
        yield f"{status.state:<8} {cell.name}{_why(status)}{_expected(planned, cell)}"
    yield ""
    yield from planned.plan.left_out
    yield from table(planned)
    yield expected_text(planned, at_once)


def expected_text(planned: Planned, at_once: int = 1) -> str:
    """What the cells to do are estimated to take, from measured rates."""
    cells = planned.to_do
    if not cells:
        at_work = any(status.state in AT_WORK for status in planned.states.values())
        return "nothing more to start" if at_work else "nothing to do"
    found = total(planned.estimates[cell.name] for cell in cells)
    parts = [f"about {spelled_seconds(found['seconds'])} of one slot"] if found["unknown"] < len(cells) else []
    if parts and at_once > 1:
        parts.append(f"{spelled_seconds(found['seconds'] / at_once)} with {at_once} at once")
    if found["unknown"]:
        parts.append(f"{found['unknown']} cells of which no rate was measured yet")
    if found["memory"]:
        parts.append(f"up to {spelled_bytes(found['memory'])} of memory a cell")
    if found["written"]:
        parts.append(f"about {spelled_bytes(found['written'])} on the disk")
    return f"{len(cells)} cells to do: {', '.join(parts)}"


def _why(status: Status) -> str:
    return f": {status.why}" if status.why else ""


def _expected(planned: Planned, cell: Cell) -> str:
    seconds = planned.estimates[cell.name].seconds
    if planned.states[cell.name].state not in PENDING or seconds is None:
        return ""
    return f" (about {spelled_seconds(seconds)})"


def table(planned: Planned) -> Iterator[str]:
    """Cells by kind and state."""
    counts: dict[tuple[str, str], int] = {}
    for cell in planned.plan.cells.values():
        where = cell.kind, planned.states[cell.name].state
        counts[where] = counts.get(where, 0) + 1
    states = [state for state in STATES if any(where[1] == state for where in counts)]
    yield "  ".join([f"{'cells':<10}", *(f"{state:>8}" for state in states)])
    for kind in KINDS:
        if any(where[0] == kind for where in counts):
            yield "  ".join([f"{kind:<10}", *(f"{counts.get((kind, state), 0):>8}" for state in states)])


def status_text(planned: Planned) -> Iterator[str]:
    """Cells by state; why cells failed, with the last lines of their logs; what would run next."""
    yield from planned.plan.left_out
    yield from table(planned)
    for state in ("failed", "can't", "running"):
        for cell in planned.plan.cells.values():
            status = planned.states[cell.name]
            if status.state == state:
                yield f"{state}: {cell.name}{_why(status)}"
                if state == "failed":
                    yield from _log(planned.out, cell)
    queued = [name for name, status in planned.states.items() if status.state == "queued"]
    for name in queued[:NEXT]:
        yield f"queued: {name}{_why(planned.states[name])}"
    if len(queued) > NEXT:
        yield f"queued: {len(queued) - NEXT} more"
    following = planned.to_do[:NEXT]
    if following:
        yield f"next: {', '.join(cell.name for cell in following)}"
    yield expected_text(planned)


def _log(out: Path, cell: Cell) -> Iterator[str]:
    log = out / cell.folder / LOG_FILE
    yield f"  {log}"
    yield from (f"  | {line}" for line in last_lines(log))
