"""What `suite show`, `--dry-run` and `suite status` say."""

from pathlib import Path

from sdm_bench.suites.cells import LOG_FILE
from sdm_bench.suites.estimate import Estimate
from sdm_bench.suites.plan import Plan
from sdm_bench.suites.results import Result, failed
from sdm_bench.suites.run import Planned
from sdm_bench.suites.show import dry_run_text, plan_text, status_text
from sdm_bench.suites.states import Status, states
from tests.suites.small import planned

TRAIN = "train.cityscapes.sdm.seed-0"


def looked_at(plan: Plan, out: Path) -> Planned:
    estimates = dict.fromkeys(plan.cells, Estimate(90.0, 2 * 10**9, 10**6)) | {TRAIN: Estimate()}
    return Planned(plan, out, states(plan, out), estimates)


def test_a_plan_names_every_cell_with_its_key_and_needs(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    lines = list(plan_text(plan))
    for cell in plan.cells.values():
        assert f"{cell.key}  {cell.name}" in lines
    assert lines[lines.index(f"{plan.cells[TRAIN].key}  {TRAIN}") + 2] == "    needs data.cityscapes"


def test_a_dry_run_ends_in_totals(tmp_path: Path) -> None:
    lines = list(dry_run_text(looked_at(planned(tmp_path), tmp_path)))
    assert "to do    data.cityscapes (about 0:02 h)" in lines
    assert f"to do    {TRAIN}" in lines
    assert lines[-1] == (
        "12 cells to do: about 0:16 h of one slot, 1 cells of which no rate was measured yet, "
        "up to 2.0 GB of memory a cell, about 11.0 MB on the disk"
    )


def test_the_status_says_why_a_cell_failed_and_what_comes_next(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    data, cell = plan.cells["data.cityscapes"], plan.cells[TRAIN]
    data.write(tmp_path)
    Result(data.key, {}, data.decided_by).write(tmp_path, data)
    failed(tmp_path, cell, "no such thing")
    (tmp_path / cell.folder / LOG_FILE).write_text("first\n1%\r2%\rlast\n")
    lines = list(status_text(looked_at(plan, tmp_path)))
    assert f"failed: {TRAIN}: no such thing (tried once)" in lines
    assert lines[lines.index("  | last") - 1] == "  | 2%"
    assert "next: generate.cityscapes.spade, evaluate.cityscapes.spade.sdm-bench@1.lpips" in "\n".join(lines)
    counts = {line.split()[0]: line.split()[1:] for line in lines[:6]}
    assert counts["cells"] == ["done", "to", "do", "failed", "can't"]
    assert counts["train"] == ["0", "0", "1", "0"]
    assert counts["generate"] == ["0", "1", "0", "2"]


def test_the_status_names_the_first_of_what_is_queued(tmp_path: Path) -> None:
    found = looked_at(planned(tmp_path), tmp_path)
    found.states = {name: Status("queued", f"job 7_{number} pending") for number, name in enumerate(found.states)}
    lines = list(status_text(found))
    assert "queued: data.cityscapes: job 7_0 pending" in lines
    assert lines[-2:] == ["queued: 7 more", "nothing more to start"]
