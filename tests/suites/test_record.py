"""Which run a suite's folder says that it holds."""

import re
from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_json
from sdm_bench.suites.plan import Plan
from sdm_bench.suites.record import RECORD_FILE, record, refuse_other
from sdm_bench.suites.suite import read_suite
from tests.suites.small import write_suite


def plan_of(folder: Path, shipped: bool) -> Plan:
    suite, _ = read_suite(write_suite(folder))
    return Plan(
        suite.model_copy(update={"name": "small-pretrained"}) if shipped else suite, "small.yaml", shipped=shipped
    )


def with_cells(folder: Path) -> Path:
    (folder / "out/cells/report").mkdir(parents=True)
    return folder / "out"


@pytest.mark.parametrize("shipped", [False, True])
def test_a_folder_takes_the_runs_of_the_kind_it_records(tmp_path: Path, shipped: bool) -> None:
    out = tmp_path / "out"
    record(plan_of(tmp_path, shipped), out)
    assert read_json(out / RECORD_FILE) == {"suite": "small", "pretrained": shipped}
    with_cells(tmp_path)
    refuse_other(out, shipped)
    record(plan_of(tmp_path, shipped), out)
    with pytest.raises(UserError, match=r"^--out .*: holds a run of small with"):
        record(plan_of(tmp_path, not shipped), out)
    assert read_json(out / RECORD_FILE) == {"suite": "small", "pretrained": shipped}


def test_without_cells_a_folder_holds_no_run(tmp_path: Path) -> None:
    record(plan_of(tmp_path, True), tmp_path)
    (tmp_path / "cells").mkdir()
    record(plan_of(tmp_path, False), tmp_path)
    assert read_json(tmp_path / RECORD_FILE) == {"suite": "small", "pretrained": False}


def test_cells_without_a_record_are_of_a_run_with_trainings(tmp_path: Path) -> None:
    out = with_cells(tmp_path)
    refuse_other(out, False)
    said = f"--suite-folder {out}: holds a run without --pretrained (no suite.json there says otherwise); expected one"
    with pytest.raises(UserError, match=f"^{re.escape(said)} with it, or none; give another --suite-folder$"):
        refuse_other(out, True, "--suite-folder")
    record(plan_of(tmp_path, False), out)
    refuse_other(out, False)


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    out = with_cells(tmp_path)
    (out / RECORD_FILE).write_text('{"suite": "small", "pretrained": "yes"}')
    with pytest.raises(UserError, match=r"suite\.json: a pretrained of type str; expected one of type bool"):
        refuse_other(out, False)
