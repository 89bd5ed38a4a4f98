"""Commands end on a signal with one line and the exit code that shells expect."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.several import ROOT, ended, start

# Seconds after which a process hangs, on a machine whose cores have much else to do.
HANGING = 200


def until(file_there: Path, process: subprocess.Popen, pattern: str) -> None:
    end = time.monotonic() + HANGING
    while not any(file_there.rglob(pattern)):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end, "nothing was written"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_rendering_toy_scenes_stops(number: signal.Signals, tmp_path: Path) -> None:
    process = start([str(ROOT / "cli.py"), "data", "toy", "cityscapes", str(tmp_path / "toy"), "--train", "5000"])
    until(tmp_path, process, "*.png")
    process.send_signal(number)
    (done,) = ended([process], HANGING)
    assert done.code == 128 + number
    assert done.err.splitlines()[-1] == (f"stopped by {number.name}; the same command goes on where that is possible")
    assert "Traceback" not in done.err
    assert not list(tmp_path.rglob("*.part"))


def test_sampling_stops_and_goes_on(toy_cityscapes: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ["--method", "sdm", "--checkpoint", "toy", "--data", str(toy_cityscapes), "--device", "cpu"]
    command = [str(ROOT / "cli.py"), "generate", *options, "--out", str(out)]
    process = start([*command, "--batch-size", "1", "--seeds", "0-99"])
    until(tmp_path, process, "*.png")
    second = subprocess.run(
        [sys.executable, *command],
        capture_output=True, text=True, timeout=HANGING, check=False,
    )  # fmt: skip
    process.send_signal(signal.SIGTERM)
    (done,) = ended([process], HANGING)
    assert done.code == 143
    assert "stopped by SIGTERM" in done.err
    assert "Traceback" not in done.err
    assert not list(tmp_path.rglob("*.part"))
    assert second.returncode == 2
    assert f"Error: {out}: another command is at work here (generate 0 of 1" in second.stderr
