"""Runs parity cases: finds the handler of a case by what it says of itself, compares every output."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.parity import diffusion, gan, metrics, preprocessing, sdm, segmenters
from tests.parity.cases import Case, Source, compare, load
from tests.parity.not_supported import NotSupportedError

Handler = tuple[Callable[[Case], bool], Callable[[Case], dict[str, Any]]]
HANDLERS: list[Handler] = [
    *sdm.HANDLERS,
    *diffusion.HANDLERS,
    *preprocessing.HANDLERS,
    *gan.HANDLERS,
    *segmenters.HANDLERS,
    *metrics.HANDLERS,
]


@dataclass(frozen=True)
class Outcome:
    """What became of a case. error, tolerance: of the output nearest to, or furthest beyond, its tolerance."""

    name: str
    status: str
    error: float = 0.0
    tolerance: float = 0.0
    reason: str = ""

    def line(self) -> str:
        """The outcome in a line."""
        if self.status == "not supported":
            return f"{self.name}: not supported: {self.reason}"
        figures = f"{self.error:.2g} (tolerance {self.tolerance:.2g})"
        return f"{self.name}: {self.status}: {figures}{f'; {self.reason}' if self.reason else ''}"


def run(source: Source) -> Outcome:
    """The outcome of the case that `source` holds. What is not supported is on the list of `not_supported.py`."""
    case = load(source)
    handler = next((run for fits, run in HANDLERS if fits(case)), None)
    if handler is None:
        return Outcome(case.name, "failed", float("inf"), reason=f"nothing here computes {case.about['what'][:80]}")
    try:
        ours = handler(case)
    except NotSupportedError as error:
        return Outcome(case.name, "not supported", reason=str(error))
    except Exception as error:
        return Outcome(case.name, "failed", float("inf"), reason=f"{type(error).__name__}: {error}")
    return _compared(case, ours)


def _compared(case: Case, ours: dict[str, Any]) -> Outcome:
    worst, failing = (0.0, 0.0, 0.0), []
    for name, entry in case.about["outputs"].items():
        if name not in ours:
            continue
        agrees, error = compare(entry, case.stored[name], ours[name])
        tolerance = entry["tolerance"] or entry.get("allowed_mismatch", 0.0)
        worst = max(worst, (error / tolerance if tolerance else error, error, tolerance))
        if not agrees:
            failing.append(f"{name} {error:.2g}")
    lacking = [name for name in case.stored if name not in ours]
    if failing:
        return Outcome(case.name, "failed", *worst[1:], f"wrong: {', '.join(failing[:5])}")
    if lacking:
        of_all = f"{len(lacking)} of {len(case.stored)} outputs are not computed: {', '.join(lacking[:5])}"
        return Outcome(case.name, "failed", *worst[1:], of_all)
    return Outcome(case.name, "passed", *worst[1:])
