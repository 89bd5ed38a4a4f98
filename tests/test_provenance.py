"""Numbers can be traced by their ids."""

from pathlib import Path

import pytest

from sdm_bench.errors import UserError
from sdm_bench.provenance import explain, find, record, versions
from sdm_bench.results import store
from tests.test_results import row


def test_a_number_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    file = tmp_path / "runs" / "a" / "results.csv"
    name = record(file.parent, {"command": "sdm-bench evaluate", "versions": versions()})
    rows = [row(evaluation=name), row(metric="lpips", value=0.25)]
    store(file, rows)
    found, where = find(rows[0].id[:6], [tmp_path])
    assert (found, where) == (rows[0], file)
    account = explain(found, where)
    assert account["evaluation"]["command"] == "sdm-bench evaluate"
    assert account["evaluation"]["versions"]["torch"][0].isdigit()
    assert account["result"]["guidance"] == 1.5
    assert explain(*find(rows[1].id, [file]))["evaluation"] == "not recorded"


def test_ids_name_the_number_and_not_when_it_was_measured() -> None:
    assert row(time="2026-01-01").id == row(time="2026-01-02").id
    ids = {row().id, row(value=0.5).id, row(manifest_sha256="ac").id, row(extractor="clip").id, row(seeds="0").id}
    assert len(ids) == 5


def test_what_is_not_there_or_ambiguous_is_refused(tmp_path: Path) -> None:
    store(tmp_path / "results.csv", [row(), row(metric="lpips")])
    with pytest.raises(UserError, match="no result xyz in 1 results files"):
        find("xyz", [tmp_path])
    with pytest.raises(UserError, match=r"^ begins 2 ids: .*give more of it"):
        find("", [tmp_path])


def test_equal_evaluations_share_a_record(tmp_path: Path) -> None:
    names = {record(tmp_path, {"command": "a"}), record(tmp_path, {"command": "a"}), record(tmp_path, {"command": "b"})}
    assert len(names) == len(list((tmp_path / "provenance").iterdir())) == 2
