"""A hundred damaged files of every kind; `python -m tests.endurance.files` tries more."""

import os
import subprocess
import sys


def test_a_damaged_file_is_named_in_a_line_at_once_and_does_no_harm() -> None:
    # a process of its own: what other tests have started can't be forked
    command = [sys.executable, "-m", "tests.endurance.files", "--count", "100", "--seed", "1"]
    found = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert found.returncode == 0, found.stdout + found.stderr[-2000:]
    assert "100 files, 0 complaints" in found.stdout
