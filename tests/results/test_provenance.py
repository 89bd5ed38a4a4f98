"""Numbers can be traced by their ids."""

from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.results.provenance import explain, find, record, versions
from sdm_bench.results.rows import ResultRow, add_rows
from tests.results.test_rows import row


def test_a_number_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    file = tmp_path / "runs" / "a" / "results.csv"
    name = record(file.parent, {"command": "sdm-bench evaluate", "versions": versions()})
    rows = [row(evaluation=name), row(metric="lpips", measure="lpips", value=0.25, evaluation="lost")]
    add_rows(file, rows)
    found, where = find(rows[0].id[:6], [tmp_path])
    assert (found, where) == (rows[0], file)
    account = explain(found, where)
    assert account["evaluation"]["command"] == "sdm-bench evaluate"
    assert account["evaluation"]["versions"]["torch"][0].isdigit()
    assert explain(*find(rows[1].id, [file]))["evaluation"].startswith("not recorded: ")


def test_nothing_is_hidden_because_it_equals_a_default(tmp_path: Path) -> None:
    add_rows(tmp_path / "results.csv", [row(variant="", spread=None)])
    account = explain(*find(row().id, [tmp_path]))
    assert set(account["result"]) == set(ResultRow.model_fields) - {"evaluation"}
    assert account["result"]["variant"] == ""
    assert account["result"]["spread"] is None


def test_a_record_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"a": 1}')
    add_rows(tmp_path / "run" / "results.csv", [row(evaluation="../../secret")])
    assert explain(*find(row().id, [tmp_path]))["evaluation"].startswith("not recorded: ")


def test_what_is_not_there_or_ambiguous_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_rows(tmp_path / "results.csv", [row(), row(metric="lpips", measure="lpips")])
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "results.csv").write_text("id,dataset\n1,ade20k\n")
    with pytest.raises(UserError, match="no result xyz in 2 results files"):
        find("xyz", [tmp_path])
    assert "passed over: " in capsys.readouterr().err
    with pytest.raises(UserError, match=r"^ begins 2 ids: .*give more of it"):
        find("", [tmp_path])


def test_equal_evaluations_share_a_record(tmp_path: Path) -> None:
    names = {record(tmp_path, {"command": "a"}), record(tmp_path, {"command": "a"}), record(tmp_path, {"command": "b"})}
    assert len(names) == len(list((tmp_path / "provenance").iterdir())) == 2
