"""What an engine is: it takes planned cells and starts them. The result file alone decides what became of each.

`run` hands an engine cells that are to do, each after those it needs, with their cell.json written. An engine starts
each as `execute` does, or as `sdm-bench suite cell NAME/KEY --out DIR` in another process, on any machine that sees the
folder, once the results are there that the cell needs. It returns when nothing is at work any more that it waits for.
"""

import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sdm_bench.suites.cells import Cell
from sdm_bench.suites.estimate import Estimate


@dataclass
class Outcome:
    """What an engine says of a run: cells it did not start and why; the number of the signal that stopped it."""

    not_started: dict[str, str] = field(default_factory=dict)
    stopped_by: int = 0


class Engine(Protocol):
    """Starts cells."""

    def run(self, cells: Sequence[Cell], out: Path, estimates: dict[str, Estimate]) -> Outcome:
        """Has the cells done below the suite's folder `out`; estimates: by the cells' names."""


def cell_command(cell: Cell, out: Path, device: str, program: str = "cli") -> list[str]:
    """What does a cell in a process of its own, under torchrun where it has several; program: a module."""
    command = ["-m", program, "suite", "cell", cell.id, "--out", str(out), "--device", device]
    if cell.processes > 1:
        torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={cell.processes}"]
        command = [*torchrun, *command]
    return [sys.executable, *command]


def ended_by(code: int) -> str:
    """Why a cell whose process ended with this exit code, or minus a signal's number, has no result."""
    if code == -signal.SIGKILL:
        return "killed by SIGKILL; was there enough memory?"
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code} and no result"
