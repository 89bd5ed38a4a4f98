"""One cell: refused before it starts, or done with a result that says everything."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.suites.cells import Cell, read_cell
from sdm_bench.suites.execute import execute
from sdm_bench.suites.results import Claimed, claimed, read_result
from sdm_bench.toy import write_toy
from tests.suites.small import planned, use_stubs

DATA = "data.cityscapes"
SPADE = "cityscapes.spade"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell works in the suite's folder, which it changes to."""
    monkeypatch.chdir(tmp_path)
    use_stubs(monkeypatch)


def test_the_result_says_what_came_about_and_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def speaks(cell: Cell, device: str) -> dict[str, Any]:
        print("printed")
        os.write(2, b"from a library\n")
        return {"device": device}

    use_stubs(monkeypatch, speaks)
    cell = planned(tmp_path).cells[DATA]
    cell.write(tmp_path)
    assert execute(cell, tmp_path, "cpu") == 0
    found = read_result(tmp_path, cell.id)
    assert found is not None
    assert found.result == {"device": "cpu"}
    assert found.decided_by == cell.decided_by
    assert found.peak_memory > 10**6
    assert found.environment["python"]
    log = (tmp_path / cell.folder / "log.txt").read_text()
    assert "printed" in log
    assert "from a library" in log


def test_a_cell_whose_input_is_not_done_is_refused(tmp_path: Path) -> None:
    cell = planned(tmp_path).cells["train.cityscapes.sdm.seed-0"]
    with pytest.raises(UserError, match=r"needs data from data.cityscapes/\w+, which is not done"):
        execute(cell, tmp_path)


def test_a_cell_whose_code_has_changed_is_refused(tmp_path: Path) -> None:
    cell = planned(tmp_path).cells[DATA]
    other = replace(cell, decided_by=cell.decided_by | {"code of sdm_bench.toy": "0" * 16})
    with pytest.raises(UserError, match=r"the code has changed since it was planned: sdm_bench\.toy; plan again"):
        execute(other, tmp_path)


def test_a_cell_that_lacks_something_is_refused(tmp_path: Path) -> None:
    cell = replace(planned(tmp_path).cells[DATA], lacks=("no root",))
    with pytest.raises(UserError, match=r"data\.cityscapes: no root"):
        execute(cell, tmp_path)


def test_two_processes_are_never_at_one_cell(tmp_path: Path) -> None:
    cell = planned(tmp_path).cells[DATA]
    with claimed(tmp_path, cell), pytest.raises(Claimed, match=rf"process {os.getpid()} on .* is at work"):
        execute(cell, tmp_path)
    assert execute(cell, tmp_path) == 0


def test_planned_cells_are_found_by_key_and_refused_when_edited(tmp_path: Path) -> None:
    cell = planned(tmp_path).cells[DATA]
    cell.write(tmp_path)
    for name in (cell.key, cell.key[:6], cell.id):
        assert read_cell(tmp_path, name).id == cell.id
    with pytest.raises(UserError, match="no cell of that key"):
        read_cell(tmp_path, "f" * 16)
    moved = replace(cell, options=cell.options | {"root": "elsewhere"})
    moved.write(tmp_path)
    assert read_cell(tmp_path, cell.id).options["root"] == "elsewhere"
    cell.write(tmp_path)
    file = tmp_path / cell.folder / "cell.json"
    file.write_text(file.read_text().replace('"val": 3', '"val": 4'))
    with pytest.raises(UserError, match="edited"):
        read_cell(tmp_path, cell.id)


CHECKPOINT = """
    name: small
    datasets: {cityscapes: {root: scenes, segmenter: judge}}
    methods: {spade: {checkpoint: weights.safetensors}}
    metrics: [miou]
"""


def test_a_cell_whose_files_are_others_now_is_refused(tmp_path: Path) -> None:
    write_toy("cityscapes", tmp_path / "scenes", {"val": 2}, (16, 32))
    for name in ("weights.safetensors", "judge"):
        (tmp_path / name).write_text("planned")
    plan, out = planned(tmp_path, CHECKPOINT), tmp_path / "out"
    sampled, measured = (plan.cells[name] for name in (f"generate.{SPADE}", f"evaluate.{SPADE}.sdm-bench@1.miou"))
    assert measured.options["segmenter"] == str(tmp_path / "judge")
    for cell in plan.cells.values():
        cell.write(out)
    assert execute(plan.cells[DATA], out) == 0
    (tmp_path / "weights.safetensors").write_text("another")
    with pytest.raises(UserError, match=r"changed since it was planned: .*weights\.safetensors; plan again"):
        execute(sampled, out)
    (tmp_path / "weights.safetensors").write_text("planned")
    assert execute(sampled, out) == 0
    (tmp_path / "judge").unlink()
    with pytest.raises(UserError, match=r"changed since it was planned: .*judge; plan again"):
        execute(measured, out)
    (tmp_path / "judge").write_text("planned")
    label = next((tmp_path / "scenes/gtFine/val").rglob("*_labelIds.png"))
    label.write_bytes(next((tmp_path / "scenes/gtFine/val").rglob("*_instanceIds.png")).read_bytes())
    for cell in (plan.cells[DATA], sampled, measured):
        with pytest.raises(UserError, match=r"changed since it was planned: .*scenes, val; plan again"):
            execute(cell, out)
