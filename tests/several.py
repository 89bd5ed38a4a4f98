"""Several processes of this program at once, as torchrun starts them, for tests of what they do together."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
ONE_THREAD = "import torch\ntorch.set_num_threads(1)\n"


class Ended(NamedTuple):
    """How a process ended, and what it said."""

    code: int
    out: str
    err: str


def start(arguments: Sequence[str], rank: int = 0, count: int = 1, port: int = 0, **variables: str) -> subprocess.Popen:
    """Starts Python with `arguments`, as process `rank` of `count`."""
    group = {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", **(group if count > 1 else {}), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_together(arguments: Sequence[str], count: int = 2, **variables: str) -> list[subprocess.Popen]:
    """Starts `count` processes of one group."""
    port = free_port()
    return [start(arguments, rank, count, port, **variables) for rank in range(count)]


def ended(processes: Sequence[subprocess.Popen], timeout: float) -> list[Ended]:
    """Waits for all of them, and fails where one hangs for longer than `timeout` seconds."""
    try:
        texts = [process.communicate(timeout=timeout) for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.communicate()
    return [Ended(process.returncode, *text) for process, text in zip(processes, texts, strict=True)]


def together(program: str, *arguments: str, count: int = 2, timeout: float = 200, **variables: str) -> list[Ended]:
    """Runs the Python source `program` in `count` processes of one group."""
    return ended(start_together(["-c", ONE_THREAD + program, *arguments], count, **variables), timeout)


def free_port() -> int:
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
    return port
