"""What Slurm says: of a suite's cells, which is a hint only as the result file decides, and of its partitions.

An array of jobs has a folder `slurm/<kind>.<token>/` in the suite's folder, written before it is submitted: in it are
`cells.json`, the cells by the tasks' numbers, and for each number a link to job.txt beside the cell, where Slurm writes
what the job says. The array is called as its folder, so that nothing has to be kept of what Slurm answers.
"""

import secrets
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_object, write_json
from sdm_bench.base.progress import say
from sdm_bench.suites.cells import CELLS, Cell

ARRAYS = "slurm"
CELLS_FILE = "cells.json"
JOB_FILE = "job.txt"
JOB_PREFIX = "sdm-bench."
# Seconds that squeue may take, and after which the folder of an array that isn't queued goes.
ANSWER, KEPT = 60.0, 3600.0


@dataclass(frozen=True)
class Queued:
    """A cell's job: the number of its array, whether it has started, and what Slurm says of it."""

    array: str
    running: bool
    said: str


def write_array(out: Path, kind: str, cells: Sequence[Cell]) -> Path:
    """Writes the folder of an array that is to be submitted; returns it."""
    folder = out / ARRAYS / f"{kind}.{secrets.token_hex(4)}"
    folder.mkdir(parents=True)
    for number, cell in enumerate(cells):
        (folder / str(number)).symlink_to(Path("..", "..", cell.folder, JOB_FILE))
    write_json(folder / CELLS_FILE, {"cells": [cell.id for cell in cells]})
    return folder


def cells_of(folder: Path) -> list[str]:
    """The cells of an array, `name/key`, by the numbers of its tasks."""
    return [str(each) for each in read_object(folder / CELLS_FILE, cells=list)["cells"]]


def queue(out: Path) -> dict[str, Queued] | None:
    """The cells, `name/key`, that are in Slurm's queue; None where it doesn't answer, which is said.

    Without arrays in the suite's folder nothing is asked, and a machine without Slurm has no queue.
    """
    folders = {JOB_PREFIX + each.name: each for each in _arrays(out)}
    if not folders or shutil.which("squeue") is None:
        return {}
    fields = "%F|%K|%T|%j|%N|%r"
    asked = ["squeue", "--noheader", "--array", f"--format={fields}", f"--name={','.join(folders)}"]
    try:
        answer = _answer(asked)
    except UserError as error:
        say(f"what is queued is not known: {error.message}")
        return None
    found: dict[str, Queued] = {}
    known = {name: cells_of(folder) for name, folder in folders.items()}
    for line in answer.splitlines():
        array, task, state, name, node, reason = line.strip().split("|", 5)
        if task.isdecimal() and int(task) < len(known[name]):
            started = state not in ("PENDING", "REQUEUED", "REQUEUE_HOLD")
            where = f" on {node}" if node else f" ({reason})"
            found[known[name][int(task)]] = Queued(array, started, f"job {array}_{task} {state.lower()}{where}")
    return found


@dataclass(frozen=True)
class Partition:
    """A partition that Slurm has. time: the longest that a job may take, as Slurm spells it."""

    name: str
    default: bool
    up: bool
    nodes: int
    time: str


def partitions() -> list[Partition]:
    """Slurm's partitions; raises UserError where it doesn't answer."""
    found = []
    for line in _answer(["sinfo", "--noheader", "--format=%P|%a|%D|%l"]).splitlines():
        name, available, nodes, time_limit = line.strip().split("|")
        found.append(Partition(name.removesuffix("*"), name.endswith("*"), available == "up", int(nodes), time_limit))
    return found


def _answer(asked: Sequence[str]) -> str:
    """What a command of Slurm's prints; raises UserError where it doesn't answer."""
    try:
        return subprocess.run(asked, capture_output=True, text=True, timeout=ANSWER, check=True).stdout
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{asked[0]} doesn't answer within {ANSWER:.0f} s") from error
    except subprocess.CalledProcessError as error:
        raise UserError(f"{asked[0]} doesn't answer: {' '.join(error.stderr.split())}") from error
    except FileNotFoundError as error:
        raise UserError(f"{asked[0]}: not on this machine") from error


def remove_ended(out: Path, queued: dict[str, Queued]) -> None:
    """Removes the folders of arrays of which nothing is queued; a new one may be about to be submitted."""
    for folder in _arrays(out):
        if time.time() - folder.stat().st_mtime > KEPT and not any(each in queued for each in cells_of(folder)):
            shutil.rmtree(folder, ignore_errors=True)


def last_words(out: Path, cell_id: str) -> str:
    """The last line that a cell's job wrote, empty where there is none."""
    try:
        text = (out / CELLS / cell_id / JOB_FILE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return (text.strip().splitlines() or [""])[-1].removeprefix("Error: ")


def _arrays(out: Path) -> list[Path]:
    try:
        return [each for each in sorted((out / ARRAYS).iterdir()) if (each / CELLS_FILE).is_file()]
    except FileNotFoundError:
        return []
