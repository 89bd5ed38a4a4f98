"""Whether a suite's folder holds a run with its trainings or, by `--pretrained`, with what ships in their place.

Both have cells of the same names, and one report: in one folder each would take the place of the other's.
"""

from pathlib import Path

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_object, write_json
from sdm_bench.suites.cells import CELLS
from sdm_bench.suites.plan import Plan
from sdm_bench.suites.pretrained import SUFFIX

RECORD_FILE = "suite.json"


def record(plan: Plan, out: Path) -> None:
    """Notes in the folder `out` what run it is of, before cells are written; raises UserError where that is another."""
    refuse_other(out, plan.shipped)
    found = {"suite": plan.suite.name.removesuffix(SUFFIX if plan.shipped else ""), "pretrained": plan.shipped}
    if _recorded(out) != found:
        write_json(out / RECORD_FILE, found)


def refuse_other(out: Path, shipped: bool, flag: str = "--out") -> None:
    """Raises UserError, which names `flag`, where `out` holds cells of a run with, or without, what ships.

    shipped: with it is expected. A folder with cells that records nothing is of a run with trainings.
    """
    if not (out / CELLS).is_dir() or not any((out / CELLS).iterdir()):
        return
    found = _recorded(out)
    if (False if found is None else found["pretrained"]) == shipped:
        return
    there, expected = ("without", "with") if shipped else ("with", "without")
    whose = f" of {found['suite']}" if found else ""
    why = "" if found else f" (no {RECORD_FILE} there says otherwise)"
    raise UserError(
        f"{flag} {out}: holds a run{whose} {there} --pretrained{why}; expected one {expected} it, or none; "
        f"give another {flag}"
    )


def _recorded(out: Path) -> dict[str, object] | None:
    file = out / RECORD_FILE
    return read_object(file, suite=str, pretrained=bool) if file.is_file() else None
