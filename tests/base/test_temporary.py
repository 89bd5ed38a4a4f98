"""Temporary files and folders go at the end, and those of killed programs with the next one."""

import subprocess
import sys
from pathlib import Path

import pytest

from sdm_bench.base import files
from sdm_bench.base.files import write_text
from sdm_bench.base.temporary import remove_leftovers, temporary_file, temporary_folder

KILLED = """
import os, signal, sys
from pathlib import Path
from sdm_bench.base.temporary import temporary_file, temporary_folder
with temporary_file(Path(sys.argv[1]), "a.txt") as file, temporary_folder(Path(sys.argv[1]), "net") as folder:
    file.write_text("half"), (folder / "inside").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def left(tmp_path: Path) -> list[Path]:
    """What a killed program left in the folder: a file and a folder."""
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    found = sorted(tmp_path.iterdir())
    assert len(found) == 2
    return found


def test_the_next_write_removes_what_a_killed_program_left(tmp_path: Path, left: list[Path]) -> None:
    files._SWEPT.discard(tmp_path)
    write_text(tmp_path / "b.txt", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]


def test_only_what_nobody_holds_and_is_ours_goes(tmp_path: Path, left: list[Path]) -> None:
    (tmp_path / ".theirs.part").touch()
    with temporary_file(tmp_path, "held") as held, temporary_folder(tmp_path, "held") as folder:
        remove_leftovers(tmp_path)
        assert held.exists()
        assert folder.exists()
        assert not any(path.exists() for path in left)
    assert [path.name for path in tmp_path.iterdir()] == [".theirs.part"]


def test_names_of_many_bytes_are_cut(tmp_path: Path) -> None:
    write_text(tmp_path / ("ü" * 120), "whole")
    assert (tmp_path / ("ü" * 120)).read_text() == "whole"
