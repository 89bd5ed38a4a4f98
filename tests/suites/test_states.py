"""States come from files alone."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path

from sdm_bench.base.files import write_json
from sdm_bench.suites.plan import Plan
from sdm_bench.suites.results import Result, failed, read_result
from sdm_bench.suites.states import changed, states
from tests.suites.small import SUITE, planned

FID = "evaluate.cityscapes.spade.sdm-bench@1.miou"


def do(plan: Plan, out: Path, *names: str) -> None:
    for name in names or plan.cells:
        cell = plan.cells[name]
        cell.write(out)
        (out / cell.work_folder).mkdir(parents=True, exist_ok=True)
        Result(cell.key, {"without": []}, cell.decided_by).write(out, cell)


def found(plan: Plan, out: Path, **options: bool) -> dict[str, str]:
    return {name: status.state for name, status in states(plan, out, **options).items()}


def test_a_cell_is_done_when_its_result_is_there(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    assert set(found(plan, tmp_path / "out").values()) == {"to do"}
    do(plan, tmp_path / "out", "data.cityscapes", "generate.cityscapes.spade")
    now = found(plan, tmp_path / "out")
    assert {name for name, state in now.items() if state == "done"} == {"data.cityscapes", "generate.cityscapes.spade"}
    do(plan, tmp_path / "out")
    assert set(found(plan, tmp_path / "out").values()) == {"done"}


def test_what_failed_is_not_tried_again_unless_asked(tmp_path: Path) -> None:
    plan, out = planned(tmp_path), tmp_path / "out"
    do(plan, out, "data.cityscapes")
    cell = plan.cells["train.cityscapes.sdm.seed-0"]
    failed(out, cell, "no room")
    assert failed(out, cell, "no room").tries == 2
    now = states(plan, out)
    assert (now[cell.name].state, now[cell.name].why) == ("failed", "no room (tried 2 times)")
    below = now["generate.cityscapes.sdm.guidance-1.0.seed-0"]
    assert (below.state, below.why) == ("can't", f"needs {cell.name}, which failed")
    assert now["generate.cityscapes.spade"].state == "to do"
    assert found(plan, out, retry_failed=True)[cell.name] == "to do"


def test_a_changed_input_makes_exactly_what_is_below_it_stale_and_is_named(tmp_path: Path) -> None:
    out = tmp_path / "out"
    do(planned(tmp_path), out)
    now = states(planned(tmp_path, SUITE.replace("{steps: 2}", "{steps: 3}")), out)
    stale = {name for name, status in now.items() if status.state == "stale"}
    assert stale == {name for name in now if ".sdm." in name} | {"report"}
    assert now["train.cityscapes.sdm.seed-0"].why == "options steps: 2 -> 3"
    assert now["generate.cityscapes.sdm.guidance-1.0.seed-0"].why == "weights changed"
    # nothing was overwritten: the suite as it was is still done
    assert set(found(planned(tmp_path), out).values()) == {"done"}


def test_files_that_nobody_needs_may_go(tmp_path: Path) -> None:
    plan, out = planned(tmp_path), tmp_path / "out"
    do(plan, out)
    shutil.rmtree(out / plan.cells["train.cityscapes.sdm.seed-0"].folder)
    shutil.rmtree(out / "samples")
    assert set(found(plan, out).values()) == {"done"}
    shutil.rmtree(out / plan.cells["evaluate.cityscapes.sdm.guidance-1.0.seed-0.sdm-bench@1.miou"].folder)
    again = {name for name, state in found(plan, out).items() if state == "to do"}
    assert again == {
        "train.cityscapes.sdm.seed-0", "generate.cityscapes.sdm.guidance-1.0.seed-0",
        "evaluate.cityscapes.sdm.guidance-1.0.seed-0.sdm-bench@1.miou",
    }  # fmt: skip


def test_results_of_two_machines_merge_by_copying_folders(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    names = list(plan.cells)
    do(plan, tmp_path / "one", *names[::2])
    do(plan, tmp_path / "two", *names[1::2])
    for folder in ("cells", "samples"):
        if (tmp_path / "two" / folder).is_dir():
            shutil.copytree(tmp_path / "two" / folder, tmp_path / "one" / folder, dirs_exist_ok=True)
    assert set(found(plan, tmp_path / "one").values()) == {"done"}


def test_a_report_without_a_number_is_made_again_once_it_is_there(tmp_path: Path) -> None:
    plan, out = planned(tmp_path), tmp_path / "out"
    do(plan, out)
    report = plan.cells["report"]
    Result(report.key, {"without": [FID]}, report.decided_by).write(out, report)
    assert states(plan, out)["report"].why == f"{FID} is measured now"
    (out / plan.cells[FID].folder / "result.json").unlink()
    assert states(plan, out)["report"].why == f"{FID} will be measured"
    failed(out, plan.cells[FID], "no such thing")
    assert found(plan, out)["report"] == "done"


def test_a_report_whose_place_a_later_one_took_is_made_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    before, changed_since = planned(tmp_path), planned(tmp_path, SUITE.replace("{steps: 2}", "{steps: 3}"))
    do(before, out)
    do(changed_since, out)
    now = states(before, out)
    assert {name for name, status in now.items() if status.state != "done"} == {"report"}
    assert now["report"].why.startswith("report holds a later one: ")
    do(before, out, "report")
    assert set(found(before, out).values()) == {"done"}


def test_a_damaged_or_foreign_result_counts_for_nothing(tmp_path: Path) -> None:
    plan, out = planned(tmp_path), tmp_path / "out"
    do(plan, out)
    cell = plan.cells[FID]
    path = out / cell.folder / "result.json"
    whole = read_result(out, cell.id)
    assert whole is not None
    path.write_text("{")
    assert states(plan, out)[FID].state == "to do"
    write_json(path, asdict(replace(whole, key="0" * 16)))
    assert "of another cell" in states(plan, out)[FID].why


def test_differences_are_said_in_words() -> None:
    before = {"a": 1, "deep": {"x": "0" * 16, "y": 2}, "gone": 3}
    after = {"a": 1, "deep": {"x": "1" * 16, "y": 5}, "new": 4}
    assert changed(before, after) == "deep x changed; deep y: 2 -> 5; gone: 3 -> None; new: None -> 4"
