"""Runs tests on a copy of the tree, each time in a fork of one process that has imported everything but the program."""

import importlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.endurance.mutations.mutants import Mutant, numeric_files

OURS = ("sdm_bench", "segmenters", "reports", "cli", "tests")
PRELOADED = ("torchvision", "scipy.linalg", "mmseg.models", "mmengine.config", "diffusers", "lpips", "accelerate")
PRELOADED += (
    "pydantic",
    "matplotlib.pyplot",
    "pandas",
    "cv2",
    "cleanfid.fid",
    "pytorch_fid.inception",
    "torch_fidelity",
)
QUIET = ("-q", "--no-header", "-p", "no:cacheprovider", "--tb=line")
CHEAP, MOST, LONGEST, BROKEN = 0.5, 12, 150, 70


@contextmanager
def copied(root: Path) -> Iterator[Path]:
    """A temporary copy of the files that git knows or would add, where the tests may be run."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in filter(None, listed.stdout.decode().split("\0")):
            if (root / name).is_file():
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, Path(folder) / name)
        yield Path(folder)


def preload() -> None:
    """Imports what the program imports, once for all forks."""
    for name in PRELOADED:
        with suppress(ImportError):
            importlib.import_module(name)


def forked(folder: Path, work: Callable[[], int], log: Path, longest: float = LONGEST) -> int | None:
    """What `work` gives in a fork that sees the program of `folder` alone; None where it takes too long."""
    child = os.fork()
    if not child:
        code = BROKEN
        try:
            os.setpgid(0, 0)
            out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1)
            os.dup2(out, 2)
            for name in [name for name in sys.modules if name.split(".")[0] in OURS]:
                del sys.modules[name]
            os.chdir(folder)
            sys.path.insert(0, str(folder))
            os.environ |= {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
            sys.dont_write_bytecode = True
            importlib.invalidate_caches()
            code = work()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    until = time.monotonic() + longest
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def cases_by_line(folder: Path) -> dict[str, Any]:
    """For each parity case of the program in `folder`: its seconds, and by file the lines that it runs."""
    found = folder / "lines.json"
    if forked(folder, lambda: _traced(folder, found), folder / "log", math.inf) != 0:
        raise RuntimeError(f"the parity cases don't agree before any change:\n{(folder / 'log').read_text()[-2000:]}")
    return json.loads(found.read_text())


def _traced(folder: Path, found: Path) -> int:
    cases, runner = importlib.import_module("tests.parity.cases"), importlib.import_module("tests.parity.run")
    importlib.import_module("torch").set_num_threads(1)
    names = {str(folder / path): path for path in numeric_files(folder)}
    lines: dict[str, set[int]] = {}

    def inner(frame: FrameType, event: str, argument: object) -> Any:
        lines[names[frame.f_code.co_filename]].add(frame.f_lineno)
        return inner

    def outer(frame: FrameType, event: str, argument: object) -> Any:
        path = names.get(frame.f_code.co_filename)
        if path is None:
            return None
        lines.setdefault(path, set()).add(frame.f_lineno)
        return inner

    about: dict[str, dict[str, Any]] = {}
    for source in cases.find(cases.CASES):
        lines.clear()
        sys.settrace(outer)
        begin = time.monotonic()
        outcome = runner.run(source)
        seconds = time.monotonic() - begin
        sys.settrace(None)
        assert outcome.status != "failed", outcome.line()
        about[source.name] = {"seconds": seconds, "pack": source.root.name}
        about[source.name]["lines"] = {path: sorted(each) for path, each in lines.items()}
    found.write_text(json.dumps(about))
    return 0


def check_unchanged(folder: Path) -> None:
    """Raises where the rooms' tests don't pass before any change."""
    rooms = sorted({str(room_of(path)) for path in numeric_files(folder)} - {"tests"})
    arguments = ["-x", *QUIET, *rooms, "tests/test_conditioning.py"]
    if forked(folder, lambda: int(pytest.main(arguments)), folder / "log", math.inf) != 0:
        raise RuntimeError(f"the tests don't pass before any change:\n{(folder / 'log').read_text()[-2000:]}")


def room_of(path: str) -> Path:
    """The folder of the tests that mirror the folder of a file."""
    return Path("tests", *[part for part in Path(path).parent.parts if part != "sdm_bench"])


def tests_of(folder: Path, mutant: Mutant, about: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """What may notice a change: the parity cases, cheapest first, and pytest's arguments: the mirroring file, the room.

    A case counts where it runs the line; a line that no case runs may be one of an import, for which every case that
    runs anything of the file counts.
    """
    touching = {name: each["lines"].get(mutant.path, []) for name, each in about.items()}
    running = [name for name, lines in touching.items() if mutant.line in lines]
    names = sorted(running or [name for name, lines in touching.items() if lines], key=lambda n: about[n]["seconds"])
    room = room_of(mutant.path)
    mirror = room / f"test_{Path(mutant.path).name}"
    beside = [[str(mirror)]] if (folder / mirror).exists() else []
    return names, beside + ([[str(room)]] if room != Path("tests") else [])


def survives(folder: Path, mutant: Mutant, about: dict[str, Any]) -> tuple[bool, str]:
    """Whether all tests pass with the change in the copy, and the last line of what noticed it."""
    path, log = folder / mutant.path, folder / "log"
    source, times = path.read_text(), path.stat()
    names, files = tests_of(folder, mutant, about)
    cheap = [name for name in names if about[name]["seconds"] < CHEAP][:MOST]
    dear = [name for name in names if name not in cheap]
    mirror, *room = [lambda each=each: int(pytest.main(["-x", *QUIET, *each])) for each in files] or [lambda: 0]
    stages = [lambda: _cases(cheap, about), mirror, lambda: _cases(dear, about), *room]
    try:
        path.write_text(mutant.applied(source))
        for stage in stages:
            code = forked(folder, stage, log)
            said = log.read_text(errors="replace").splitlines()
            if code == BROKEN:
                raise RuntimeError("\n".join(["the tests can't be run", *said[-20:]]))
            if code not in (0, 5):
                named = [line for line in said if line.startswith(("FAILED", "ERROR"))]
                return False, named[-1] if named else f"exit code {code}"
    finally:
        path.write_text(source)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    return True, ""


def _cases(names: list[str], about: dict[str, Any]) -> int:
    if not names:
        return 0
    try:
        cases, runner = importlib.import_module("tests.parity.cases"), importlib.import_module("tests.parity.run")
        importlib.import_module("torch").set_num_threads(1)
        for name in names:
            outcome = runner.run(cases.Source(name, cases.CASES / about[name]["pack"]))
            if outcome.status == "failed":
                print("FAILED", outcome.line())
                return 1
    except Exception as error:
        print("FAILED to import:", error)
        return 1
    return 0
