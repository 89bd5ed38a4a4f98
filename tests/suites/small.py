"""Suites that are small enough for tests, and cells that do next to nothing."""

import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from sdm_bench.suites import work
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.plan import Plan, make_plan

SUITE = """
    name: small
    datasets:
      cityscapes: {toy: {train: 4, val: 3, size: 64x32}, segmenter: toy}
    methods:
      spade: {checkpoint: toy}
      sdm: {train: {steps: 2}}
    factors: {guidance: [1.0, 1.5]}
    metrics: [lpips, miou]
"""
NUMBERS = "numbers.txt"


def write_suite(folder: Path, text: str = SUITE, name: str = "small.yaml") -> Path:
    """A suite's file."""
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return path


def planned(folder: Path, text: str = SUITE) -> Plan:
    """The plan of a suite."""
    return make_plan(write_suite(folder, text))


def stub(cell: Cell, device: str) -> dict[str, Any]:
    """Leaves a file where a cell's files go, and counts how often that was done."""
    folder = Path(cell.work_folder)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / NUMBERS).open("a") as stream:
        stream.write(f"{cell.id}\n")
    return {"number": len(cell.name)}


def slow_stub(cell: Cell, device: str) -> dict[str, Any]:
    """The same in 0.2 s, of which a kill may leave a part."""
    time.sleep(0.2)
    return stub(cell, device)


def report_stub(cell: Cell, device: str) -> dict[str, Any]:
    """Names what isn't measured, as reports do."""
    absent = [name for name, each in cell.inputs.items() if not (Path("cells") / each / "result.json").is_file()]
    return {**stub(cell, device), "without": absent}


def use_stubs(patch: pytest.MonkeyPatch, work_of: Any = stub, **others: Any) -> None:
    """Has every kind of cell do `work_of`, and those in `others` what stands there."""
    for kind in work.WORK:
        patch.setitem(work.WORK, kind, others.get(kind, report_stub if kind == "report" else work_of))
        patch.setitem(work.MODULES, kind, ())
    patch.setattr(work, "METRIC_MODULES", {})
