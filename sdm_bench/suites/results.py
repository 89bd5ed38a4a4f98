"""The result of a cell: one file, whole or absent, which alone says that the cell is done."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Event, Thread
from time import time
from typing import Any

import psutil

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_object, write_json
from sdm_bench.base.sections import parsed
from sdm_bench.suites.cells import CELLS, RESULT_FILE, Cell

CLAIM_FILE = "claim"
# Seconds between two signs of life of a cell at work, and after how many without one it counts as dead.
BETWEEN_SIGNS, WITHOUT_SIGN = 20.0, 120.0


@dataclass(frozen=True)
class Result:
    """result: what was made, None of a cell that failed: then `reason` says why and `tries` how often it was tried.

    seconds: of the try that ended it; share: of the cell's work that was done in them, the rest being there already.
    peak_memory, peak_gpu_memory: bytes. written: bytes of its files.
    """

    key: str
    result: dict[str, Any] | None
    decided_by: dict[str, Any]
    reason: str = ""
    tries: int = 1
    seconds: float = 0.0
    share: float = 1.0
    peak_memory: int = 0
    peak_gpu_memory: int = 0
    written: int = 0
    device: str = ""
    ended: float = 0.0
    environment: dict[str, Any] = field(default_factory=dict)

    def write(self, out: Path, cell: Cell) -> None:
        """Puts the result in its place."""
        write_json(out / cell.folder / RESULT_FILE, asdict(self))


def read_result(out: Path, cell_id: str) -> Result | None:
    """The result of the cell `name/key`, None where there is none; raises UserError where it is damaged."""
    path = out / CELLS / cell_id / RESULT_FILE
    try:
        fields = read_object(path, key=str, decided_by=dict)
    except FileNotFoundError:
        return None
    found = parsed(Result, fields, path)
    if found.key != cell_id.rpartition("/")[2]:
        raise UserError(f"{path}: the result of another cell, {found.key}; remove it")
    return found


def failed(out: Path, cell: Cell, reason: str, **about: Any) -> Result:
    """Notes that a cell failed, once more than before; returns what was noted."""
    before = read_result(out, cell.id)
    tries = 1 if before is None or before.result is not None else before.tries + 1
    found = Result(cell.key, None, cell.decided_by, reason, tries, ended=time(), **about)
    found.write(out, cell)
    return found


class Claimed(UserError):
    """Another process is at work on a cell."""


@contextmanager
def claimed(out: Path, cell: Cell) -> Iterator[None]:
    """Inside, other processes see that the cell is being worked on; raises Claimed where one is at it already."""
    path = out / cell.folder / CLAIM_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    mine = path.with_name(f".{CLAIM_FILE}-{platform.node()}-{os.getpid()}")
    mine.write_text(f"{platform.node()} {os.getpid()}", encoding="utf-8")
    try:
        _take(mine, path, out, cell)
    finally:
        mine.unlink()
    ended = Event()

    def show() -> None:
        while not ended.wait(BETWEEN_SIGNS):
            path.touch()

    signs = Thread(target=show, daemon=True)
    signs.start()
    try:
        yield
    finally:
        ended.set()
        signs.join()
        path.unlink(missing_ok=True)


def _take(mine: Path, path: Path, out: Path, cell: Cell) -> None:
    """Puts a claim in its place, whole, unless there is one of somebody who lives."""
    for _ in range(2):
        try:
            # of all that is done to files this alone is exclusive on network file systems too
            os.link(mine, path)
        except FileExistsError:
            who = claimant(out, cell.id)
            if who:
                raise Claimed(f"{cell.name}: {who} is at work on it") from None
            path.unlink(missing_ok=True)
        else:
            return
    raise Claimed(f"{cell.name}: another process has just taken it")


def claimant(out: Path, cell_id: str) -> str:
    """Who is at work on a cell, empty where nobody is who lives."""
    path = out / CELLS / cell_id / CLAIM_FILE
    try:
        age = time() - path.stat().st_mtime
        host, _, process = path.read_text(encoding="utf-8").partition(" ")
    except FileNotFoundError:
        return ""
    if age > WITHOUT_SIGN or (host == platform.node() and process.isdecimal() and not _lives(int(process))):
        return ""
    return f"process {process} on {host}"


def _lives(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
