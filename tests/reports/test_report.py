"""A report is written whole or not at all."""

from pathlib import Path

import pytest

from reports.report import write_report
from sdm_bench.base.errors import UserError
from sdm_bench.results.rows import add_rows
from tests.results.test_rows import row


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder with results and no samples."""
    add_rows(tmp_path / "run" / "results.csv", [row()])
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tables": ["comparison", "ablatoin"]}, "Unknown table 'ablatoin'"),
        ({"tables": ["comparison", "sensitivity"]}, "sensitivity compares protocols"),
        ({"tables": ["comparison"], "published": True}, "Unknown dataset 'folder'"),
    ],
)
def test_what_cannot_be_made_is_said_before_anything_is_written(
    arguments: dict, message: str, run: Path, tmp_path: Path
) -> None:
    add_rows(run / "results.csv", [row(dataset="folder")])
    with pytest.raises(UserError, match=message):
        write_report([run], out=tmp_path / "report", **arguments)
    assert not (tmp_path / "report").exists()


def test_a_place_that_cannot_be_written_to_is_said_first(run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"--out .*report: .*file is a file; expected a folder"):
        write_report([run], ["comparison"], tmp_path / "file" / "report")


def test_tables_of_runs_are_written(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    paths = write_report([run, run, tmp_path / "empty"], ["comparison", "comparison"], tmp_path / "report")
    assert [path.name for path in paths] == ["comparison.csv", "comparison.md"]
    assert "empty: no results.csv; left out" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"no results\.csv in .*empty"):
        write_report([tmp_path / "empty"], ["comparison"], tmp_path / "report")
