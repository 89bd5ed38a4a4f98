"""A few kills of the quick commands; `python -m tests.endurance.kills` tries all, and more often."""

import os
import subprocess
import sys

QUICK = "data toy,weights import,report,generate"


def test_a_killed_command_ends_in_the_files_of_an_undisturbed_one() -> None:
    command = [sys.executable, "-m", "tests.endurance.kills", "--count", "8", "--seed", "0", "--only", QUICK]
    found = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert found.returncode == 0, found.stdout + found.stderr[-2000:]
    assert "kills, 0 complaints" in found.stdout
