"""Processes that do cells: forked from one that has imported everything, or a program of their own.

A process does one cell and ends. One whose cell was done at once may be given another: starting it, which copies the
tables of a large memory, would have taken longer than the cell. Every process has a process group of its own.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

import click

from sdm_bench.base.progress import say
from sdm_bench.base.signals import SIGNALS, ending_on_signals
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.engine import cell_command
from sdm_bench.suites.execute import execute
from sdm_bench.suites.results import Claimed

LINUX = sys.platform.startswith("linux")
DIES_WITH_PARENT = 1  # prctl's PR_SET_PDEATHSIG
# What a process ends with whose cell another process is at.
BUSY = 75
# Seconds in which a cell is done whose process may be given another.
AT_ONCE = 1.0


@dataclass(frozen=True)
class Worker:
    """A process that does cells. line: on which it asks for another one, and which closes when it ends."""

    process: int
    line: Connection

    def result(self) -> tuple[int, bool]:
        """Waits for what became of its cell: the exit code, as of `execute`, and whether it asks for another cell."""
        try:
            self.line.recv()
            return 0, True
        except (EOFError, ConnectionResetError):
            # reset: it was killed before it had read the cell that it was given
            self.line.close()
            return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1]), False

    def give(self, cell: Cell) -> bool:
        """Gives it another cell; False where it has ended meanwhile."""
        try:
            self.line.send(cell)
        except OSError:
            self.dismiss()
            return False
        return True

    def dismiss(self) -> None:
        """Ends it, which has nothing to do."""
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        self.line.close()

    def signal(self, number: int) -> None:
        """Sends a signal to it and all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process, number)


def start_worker(cell: Cell, out: Path, device: str, environment: Mapping[str, str], keep: bool) -> Worker:
    """A process that does a cell. environment: variables that it has besides. keep: whether it may ask for another."""
    if cell.processes > 1 or not LINUX:
        return _separate(cell, out, device, environment)
    return _forked(cell, out, device, environment, keep)


def _forked(cell: Cell, out: Path, device: str, environment: Mapping[str, str], keep: bool) -> Worker:
    parent = os.getpid()
    ours, theirs = Pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        # Python 3.12 warns of the sleeping threads of a library that handles forks itself
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process:
        theirs.close()
        with suppress(OSError):
            os.setpgid(process, process)
        return Worker(process, ours)
    code = 1
    try:
        ours.close()
        os.setpgid(0, 0)
        _die_with(parent)
        _take_environment(environment)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        code = _serve(cell, out, device, theirs, keep)
    except BaseException as error:
        say(f"{type(error).__name__}: {error}")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _take_environment(environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    if "OMP_NUM_THREADS" in environment and "torch" in sys.modules:
        # it was loaded before, and heeds the variable no more
        sys.modules["torch"].set_num_threads(int(environment["OMP_NUM_THREADS"]))


def _serve(cell: Cell, out: Path, device: str, line: Connection, keep: bool) -> int:
    """Does a cell, and others as long as each is done at once; returns the exit code of the last."""
    while True:
        started = time.monotonic()
        code = _done(cell, out, device)
        if code or not keep or time.monotonic() - started > AT_ONCE:
            return code
        line.send(None)
        cell = line.recv()


def _done(cell: Cell, out: Path, device: str) -> int:
    try:
        with ending_on_signals():
            return execute(cell, out, device)
    except Claimed:
        return BUSY
    except click.ClickException as error:
        say(error.message)
        return error.exit_code
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1


def _die_with(parent: int) -> None:
    """Has the system end this process when its parent ends, however that comes about."""
    if LINUX:
        ctypes.CDLL(None).prctl(DIES_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _separate(cell: Cell, out: Path, device: str, environment: Mapping[str, str]) -> Worker:
    """Starts a cell as a program: under torchrun where it has several processes."""
    parent = os.getpid()
    ours, theirs = Pipe()
    made = subprocess.Popen(
        cell_command(cell, out, device),
        env={**os.environ, **environment},
        process_group=0,
        preexec_fn=lambda: _die_with(parent),
        pass_fds=[theirs.fileno()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    theirs.close()
    made.returncode = 0  # it is waited for by its number
    return Worker(made.pid, ours)
