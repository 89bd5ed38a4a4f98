"""One cell from its start to its result file, in the process that this is."""

import os
import platform
import re
import resource
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import chdir, contextmanager, nullcontext, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import click

from sdm_bench.base.errors import UserError, refused
from sdm_bench.base.processes import is_first, rank_and_count
from sdm_bench.base.progress import say
from sdm_bench.results.provenance import versions
from sdm_bench.suites import work
from sdm_bench.suites.cells import LOG_FILE, Cell, read_cell
from sdm_bench.suites.code import code_of
from sdm_bench.suites.inputs import files_digest, split_digest
from sdm_bench.suites.results import Result, claimed, failed, read_result

CODE = "code of "
FAILED = 1


def execute(cell: Cell, out: Path, device: str = "auto") -> int:
    """Does a cell and writes its result; returns the exit code: 0 done, 1 failed, 128 + the signal's number stopped.

    Everything the work says goes to the cell's log. A cell that is stopped leaves no result: what it has saved is taken
    up by the next try. Raises Claimed where another process is at work on it, and UserError where a result that it
    needs is missing, or the code is no longer what it was when the cell was planned.
    """
    out = out.absolute()
    refuse_unready(cell, out)
    log = out / cell.folder / LOG_FILE
    # records name places below the suite's folder, which may be copied to another machine
    with claimed(out, cell) if is_first() else nullcontext(), _into(log), chdir(out):
        return _attempt(cell, Path(), device)


@cache
def environment() -> dict[str, str]:
    """The versions of what decides numbers, and the machine; an engine asks once for all its cells."""
    return {**versions(), "host": platform.node()}


def refuse_unready(cell: Cell, out: Path) -> None:
    """Raises UserError where a cell can't start: something lacks, is not done yet, or is no longer what was planned."""
    if cell.lacks:
        raise UserError(f"{cell.name}: {'; '.join(cell.lacks)}")
    for role, each in cell.inputs.items():
        found = None if cell.kind == "report" else read_result(out, each)
        if cell.kind != "report" and (found is None or found.result is None):
            raise UserError(f"{cell.name}: needs {role} from {each}, which {'failed' if found else 'is not done'}")
    planned = {name: digest for name, digest in cell.decided_by.items() if name.startswith(CODE)}
    present = code_of(cell.kind, about(cell)) if planned else {}
    wrong = [name.removeprefix(CODE) for name in planned | present if planned.get(name) != present.get(name)]
    if wrong:
        raise UserError(f"{cell.name}: the code has changed since it was planned: {', '.join(wrong)}; plan again")
    others = [path for path, digest in cell.files.items() if not _is_still(Path(path), digest)]
    others += _changed_splits(cell, out)
    if others:
        raise UserError(f"{cell.name}: changed since it was planned: {', '.join(others)}; plan again")


def _is_still(path: Path, digest: str) -> bool:
    return path.exists() and files_digest(path).digest == digest


def _changed_splits(cell: Cell, out: Path) -> list[str]:
    """The splits of a dataset that isn't rendered which a cell is planned for and which are others now."""
    made = cell if cell.kind == "data" else read_cell(out, cell.inputs["data"]) if "data" in cell.inputs else None
    if made is None or not made.options.get("root"):
        return []
    dataset, root, splits = made.options["dataset"], Path(made.options["root"]), made.decided_by["splits"]
    taken = splits.values() if made is cell else [each for each in cell.decided_by.values() if isinstance(each, str)]
    return [
        f"{root}, {name}"
        for name, digest in splits.items()
        if digest in taken and split_digest(dataset, root, name).digest != digest
    ]


def about(cell: Cell) -> str:
    """The method or metric that decides which code a cell passes through."""
    return str(cell.options.get("metric") or cell.options.get("method") or "")


def _attempt(cell: Cell, out: Path, device: str) -> int:
    start = time.monotonic()
    before = _samples(cell) if cell.kind == "generate" else 0
    say(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {cell.id}")
    reason = ""
    made: dict[str, Any] | None = None
    try:
        made = work.WORK[cell.kind](cell, device)
    except click.ClickException as error:
        if error.exit_code > 128:
            say(error.message)
            return error.exit_code
        reason = error.message
    except OSError as error:
        reason = refused(error).message
    except MemoryError:
        reason = "out of memory"
    except Exception as error:
        traceback.print_exc()
        reason = f"{type(error).__name__}: {error}"
    if not is_first():
        return FAILED if reason else 0
    spent: dict[str, Any] = {
        "seconds": round(time.monotonic() - start, 3),
        "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        **_gpu(),
        "environment": {**environment(), "processes": rank_and_count()[1]},
    }
    if reason:
        say(f"failed: {reason}")
        failed(out, cell, reason, **spent)
        return FAILED
    after = _samples(cell) if cell.kind == "generate" else 0
    share = (after - before) / after if after else 1.0
    size = _bytes(Path(cell.work_folder)) if cell.kind != "generate" or cell.options["shard"][1] == 1 else 0
    tries = _tries(out, cell)
    done = Result(cell.key, made, cell.decided_by, "", tries, share=share, written=size, ended=time.time(), **spent)
    done.write(out, cell)
    return 0


def _tries(out: Path, cell: Cell) -> int:
    before = read_result(out, cell.id)
    return 1 if before is None else before.tries + 1


def _gpu() -> dict[str, Any]:
    """What the work has used of a GPU, if it used one."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return {"device": "cpu"}
    return {"device": torch.cuda.get_device_name(), "peak_gpu_memory": int(torch.cuda.max_memory_allocated())}


def _samples(cell: Cell) -> int:
    """How many samples of the cell's set are there; every shard counts them all."""
    return sum(1 for _ in Path(cell.work_folder).glob("samples/*/*.png"))


def _bytes(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


@contextmanager
def _into(log: Path) -> Iterator[None]:
    """What is printed inside, also by libraries, goes to the end of a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    try:
        with log.open("a", encoding="utf-8", buffering=1) as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
            with redirect_stdout(stream), redirect_stderr(stream):
                yield
    finally:
        for number, old in zip((1, 2), kept, strict=True):
            os.dup2(old, number)
            os.close(old)


def last_lines(log: Path, count: int = 5) -> list[str]:
    """The end of a cell's log, without the states that a progress bar went through."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [line for line in re.split(r"[\r\n]+", text) if line.strip()][-count:]
