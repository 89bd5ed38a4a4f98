"""The Slurm engine: an array of jobs for each kind of cell, each after those whose results it needs.

Jobs are submitted with plain sbatch. A job needs nothing of the command that submitted it, which may end: it reads its
cell from the suite's folder and leaves its result there.
"""

import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import MachineError, UserError
from sdm_bench.base.progress import say, spelled_seconds
from sdm_bench.suites.cells import LOG_FILE, Cell
from sdm_bench.suites.engine import Outcome
from sdm_bench.suites.estimate import Estimate, keep_rate
from sdm_bench.suites.execute import last_lines
from sdm_bench.suites.results import Result, read_result
from sdm_bench.suites.slurm_options import sbatch_options
from sdm_bench.suites.slurm_queue import (
    JOB_PREFIX,
    Queued,
    last_words,
    queue,
    remove_ended,
    write_array,
)

# Of Slurm, where its configuration can't be asked.
MOST_TASKS = 1001
# Seconds between two looks: soon after something changed, later seldom, which spares Slurm's controller.
SOON, SELDOM, SLOWER = 1.0, 15.0, 1.3
# Until the job itself listens, what Slurm sends before a time limit must not end it.
SCRIPT = "#!/bin/sh\ntrap '' USR1\nexec {command}\n"


@dataclass
class SlurmEngine:
    """Cells as jobs. suite: what the suite says under `slurm`; given: sbatch's options of the command line, over it.

    program: the module that jobs start, whose `suite cell` does a cell.
    """

    suite: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    device: str = "auto"
    program: str = "cli"

    def run(self, cells: Sequence[Cell], out: Path, estimates: dict[str, Estimate]) -> Outcome:
        """Submits the cells and waits for them and for those queued before; jobs go on where this is stopped."""
        if shutil.which("sbatch") is None:
            raise UserError("--slurm: no sbatch on this machine; expected a machine from which jobs are submitted")
        before = queue(out)
        if before is None:
            raise MachineError("--slurm: nothing was submitted: what is queued already is not known")
        remove_ended(out, before)
        watch = _Watch(out, {cell.id: cell for cell in cells}, before)
        try:
            self._submit(cells, out, watch)
            watch.wait()
        except SystemExit:
            arrays = " ".join(sorted(watch.arrays))
            say(f"jobs go on without this command; `sdm-bench suite status` shows them, `scancel {arrays}` ends them")
            raise
        return watch.outcome

    def _submit(self, cells: Sequence[Cell], out: Path, watch: "_Watch") -> None:
        most = _most_tasks() - 1 if cells else 1
        for kind, group in groups(cells):
            for start in range(0, len(group), most):
                self._submit_array(kind, group[start : start + most], out, watch)

    def _submit_array(self, kind: str, cells: Sequence[Cell], out: Path, watch: "_Watch") -> None:
        """Submits cells that need nothing of each other."""
        for cell in cells:
            (out / cell.folder).mkdir(parents=True, exist_ok=True)
        folder = write_array(out, kind, cells)
        needed = sorted({watch.jobs[each] for cell in cells for each in cell.inputs.values() if each in watch.jobs})
        asked = [
            "sbatch",
            "--parsable",
            f"--array=0-{len(cells) - 1}",
            f"--job-name={JOB_PREFIX}{folder.name}",
            f"--chdir={out}",
            f"--output={folder}/%a",
            "--open-mode=append",
            "--requeue",
            # what failed is said by the jobs that need it
            *([f"--dependency=afterany:{':'.join(needed)}"] if needed else []),
            *sbatch_options(self.suite, self.given, kind),
        ]
        command = [sys.executable, "-m", "sdm_bench.suites.slurm_job", str(folder), self.device, self.program]
        script = SCRIPT.format(command=shlex.join(command))
        answer = subprocess.run(asked, input=script, capture_output=True, text=True, check=False)
        if answer.returncode:
            shutil.rmtree(folder)
            said = answer.stderr.strip().removeprefix("sbatch: ")
            there = f"; submitted before: {' '.join(sorted(watch.arrays))}" if watch.arrays else ""
            raise UserError(f"--slurm: sbatch refused {len(cells)} {kind} cells: {said}{there}")
        array = answer.stdout.strip().partition(";")[0]
        watch.jobs |= dict.fromkeys((cell.id for cell in cells), array)
        say(f"job {array}: {len(cells)} {kind} cells{f', after {chr(32).join(needed)}' if needed else ''}")


def groups(cells: Sequence[Cell]) -> list[tuple[str, list[Cell]]]:
    """Kinds of cells, in an order in which each comes after those it needs; later stages of a training are one more."""
    depths: dict[str, int] = {}
    found: dict[tuple[int, str], list[Cell]] = {}
    for cell in cells:
        depths[cell.id] = 1 + max((depths[each] for each in cell.inputs.values() if each in depths), default=-1)
        found.setdefault((depths[cell.id], cell.kind), []).append(cell)
    return [(kind, found[depth, kind]) for depth, kind in sorted(found, key=lambda each: each[0])]


def _most_tasks() -> int:
    """How many tasks an array may have, plus one, as Slurm counts."""
    asked = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", asked, re.MULTILINE)
    return max(2, int(found[1])) if found else MOST_TASKS


class _Watch:
    """The cells that are waited for, by `name/key`: their jobs' arrays, and the results that were there before."""

    def __init__(self, out: Path, cells: Mapping[str, Cell], queued: Mapping[str, Queued]):
        self.out, self.cells = out, cells
        self.jobs = {each: job.array for each, job in queued.items()}
        self.before = {each: self._result(each) for each in (*cells, *queued)}
        self.outcome = Outcome()

    @property
    def arrays(self) -> set[str]:
        """The jobs' numbers."""
        return set(self.jobs.values())

    def wait(self) -> None:
        """Returns once each cell has a result, or a job no more, which takes two looks: a result may come late."""
        waiting, missing, pause = dict.fromkeys(self.before), set[str](), SOON
        if waiting:
            say(f"waiting for {len(waiting)} cells; Ctrl-C ends this command, and jobs go on")
        while waiting:
            time.sleep(pause)
            queued = queue(self.out)
            ended = 0
            for each in [*waiting]:
                if self._ended(each, len(self.before) - len(waiting) + 1):
                    del waiting[each]
                    ended += 1
            gone = set() if queued is None else {each for each in waiting if each not in queued}
            for each in gone & missing:
                del waiting[each]
                self._lost(each)
            pause = SOON if ended or gone != missing else min(pause * SLOWER, SELDOM)
            missing = gone

    def _ended(self, cell_id: str, number: int) -> bool:
        """Whether there is a result that wasn't there before, which is said."""
        found, before = self._result(cell_id), self.before[cell_id]
        if found is None or (before is not None and found.ended == before.ended):
            return False
        name = cell_id.partition("/")[0]
        state = "failed" if found.result is None else "done"
        where = found.environment.get("host", "")
        say(f"[{number}/{len(self.before)}] {name}: {state} in {spelled_seconds(found.seconds)} {where}".rstrip())
        if found.result is None:
            log = self.out / "cells" / cell_id / LOG_FILE
            say("\n".join([f"  {found.reason}", f"  {log}", *(f"  | {line}" for line in last_lines(log, 3))]))
        elif cell_id in self.cells:
            keep_rate(self.cells[cell_id], found)
        return True

    def _lost(self, cell_id: str) -> None:
        name = cell_id.partition("/")[0]
        said = last_words(self.out, cell_id).removeprefix(f"{name}: ")
        reason = f"its job ended without a result{f': {said}' if said else ''}"
        self.outcome.not_started[name] = reason
        say(f"{name}: {reason}")

    def _result(self, cell_id: str) -> Result | None:
        try:
            return read_result(self.out, cell_id)
        except UserError:
            return None
