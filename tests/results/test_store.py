"""What several evaluations store in one folder is all there."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.results.per_image import read_per_image
from sdm_bench.results.rows import add_rows, read_rows
from sdm_bench.results.store import merge, refuse_unusable, store
from tests.results.test_per_image import number
from tests.results.test_rows import row

WRITER = """
import sys
from pathlib import Path
from sdm_bench.results.store import store
from tests.results.test_per_image import number
from tests.results.test_rows import row
name = sys.argv[2]
for k in range(15):
    changes = {"sample_set": f"{name}-{k}"}
    store(Path(sys.argv[1]), [row(**changes)], [number(**changes)], {"command": name})
"""


def test_two_processes_that_store_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    commands = [[sys.executable, "-c", WRITER, str(path), name] for name in ("a", "b")]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    for writer in writers:
        _, talk = writer.communicate(timeout=120)
        assert writer.returncode == 0, talk
    expected = {f"{name}-{k}" for name in ("a", "b") for k in range(15)}
    assert {each.sample_set for each in read_rows(path)} == expected
    assert set(read_per_image(tmp_path / "per-image.csv")["sample_set"]) == expected


def test_rows_carry_the_name_of_their_record(tmp_path: Path) -> None:
    stored = store(tmp_path / "results.csv", [row()], [], {"command": "sdm-bench evaluate"})
    assert stored == read_rows(tmp_path / "results.csv")
    assert (tmp_path / "provenance" / f"{stored[0].evaluation}.json").is_file()
    assert not (tmp_path / "per-image.csv").exists()


@pytest.mark.parametrize("interrupted", ["add_per_image", "add_rows"])
def test_numbers_that_were_taken_over_in_part_are_taken_over_again(
    interrupted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "cell" / "results.csv", tmp_path / "samples" / "results.csv"
    changes = {"sample_set": "a"}
    rows = store(source, [row(**changes)], [number(**changes)], {"command": "sdm-bench evaluate"})

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"sdm_bench.results.store.{interrupted}", killed)
        with pytest.raises(KeyboardInterrupt):
            merge(source, target)
    merge(source, target)
    assert read_rows(target) == rows
    pd.testing.assert_frame_equal(*(read_per_image(each.with_name("per-image.csv")) for each in (source, target)))


def test_a_file_that_rows_cannot_be_added_to_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    refuse_unusable(tmp_path / "new" / "results.csv")
    add_rows(tmp_path / "results.csv", [row()])
    refuse_unusable(tmp_path / "results.csv")
    for name in ("per-image.csv", "provenance", ".lock"):
        with pytest.raises(UserError, match=rf"--out .*: {name} is written beside the results; choose another name"):
            refuse_unusable(tmp_path / "new" / name)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"--out .*file: .* is a file; expected a folder"):
        refuse_unusable(tmp_path / "file" / "results.csv")
    with pytest.raises(UserError, match=r"--out .*: a folder; expected a CSV file"):
        refuse_unusable(tmp_path)
    (tmp_path / "per-image.csv").write_text("a\n1\n")
    with pytest.raises(UserError, match=r"per-image\.csv: columns a"):
        refuse_unusable(tmp_path / "results.csv")
