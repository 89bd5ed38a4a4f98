"""A command of the program in a forked process: in a place of its own, what it prints in a file, and its exit code."""

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def ends_here(place: Path, said: Path, seconds: int) -> Iterator[None]:
    """Runs the block in `place` with `said` as stdout and stderr, and ends the process with it.

    The exit code is the command's, 70 after another exception, and SIGALRM's after `seconds`.
    """
    code = 70
    try:
        os.chdir(place)
        os.environ |= {"HOME": str(place), "TMPDIR": str(place / "tmp"), "SDM_BENCH_CACHE": str(place / "cache")}
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(place / "cache" / "inductor")  # torch makes it as it is imported
        tempfile.tempdir = None
        handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        signal.alarm(seconds)
        yield
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
