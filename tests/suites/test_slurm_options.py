"""Options of sbatch in suites and on the command line, the order of arrays, and what a queue says; without Slurm."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main
from sdm_bench.base.errors import MachineError, UserError
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.slurm import SlurmEngine, groups
from sdm_bench.suites.slurm_options import parse_option, sbatch_options
from sdm_bench.suites.slurm_queue import JOB_PREFIX, Queued, queue, write_array
from sdm_bench.suites.suite import read_suite
from tests.suites.small import SUITE, planned, write_suite

SLURM = """
    slurm:
      partition: gpu
      exclusive: true
      train: {gres: "gpu:4", time: "4:00:00", partition: large}
"""


def test_the_command_line_goes_over_the_kind_and_that_over_the_suite(tmp_path: Path) -> None:
    suite, _ = read_suite(write_suite(tmp_path, SUITE + SLURM))
    said = sbatch_options(suite.slurm, {}, "train")
    assert said == ["--signal=B:USR1@120", "--partition=large", "--exclusive", "--gres=gpu:4", "--time=4:00:00"]
    assert sbatch_options(suite.slurm, {"partition": "own"}, "evaluate") == [
        "--signal=B:USR1@120", "--partition=own", "--exclusive",
    ]  # fmt: skip


@pytest.mark.parametrize("time", ["4:00:00", "30"])
def test_times_need_no_quotes(tmp_path: Path, time: str) -> None:
    suite, _ = read_suite(write_suite(tmp_path, f"{SUITE}\n    slurm: {{time: {time}}}\n"))
    assert f"--time={time}" in sbatch_options(suite.slurm, {}, "train")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("array: 0-3", "line 15: slurm: array: not to be given: cells and their order decide it"),
        ("nodes: 2", "slurm: nodes: found 2; a cell runs on one node"),
        ("signal: TERM@60", "slurm: signal: found TERM@60; expected B:USR1@SECONDS"),
        ("--mem: 4G", "expected an option of sbatch by its long name, without dashes"),
        ("trian: {mem: 4G}", "slurm: trian: expected the options of a kind of cell, one of data, segmenter, train"),
        ("train: {output: a.txt}", "slurm: output: not to be given"),
        ("mem: [1, 2]", "slurm: mem: found [1, 2]; expected one value"),
    ],
)
def test_a_wrong_option_is_named_with_its_line(tmp_path: Path, wrong: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        read_suite(write_suite(tmp_path, f"{SUITE}\n    slurm:\n      mem-per-cpu: 2G\n\n\n      {wrong}\n"))
    assert said in error.value.message


def test_options_of_jobs_need_slurm_and_come_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(*arguments: str) -> str:
        found = CliRunner().invoke(main, ["run", str(write_suite(tmp_path)), "--dry-run", *arguments])
        assert found.exit_code == 2
        return found.stderr

    monkeypatch.chdir(tmp_path)
    assert "--gres: of jobs of Slurm; expected --slurm with it" in said("--gres", "gpu:1")
    assert "--sbatch mem: of jobs of Slurm" in said("--sbatch", "mem=4G")
    assert "--sbatch time: given twice" in said("--slurm", "--time", "30", "--sbatch", "time=20")
    assert "--sbatch output: not to be given" in said("--slurm", "--sbatch", "output=a.txt")
    assert parse_option("exclusive") == ("exclusive", True)
    assert parse_option("--mem=4G") == ("mem", "4G")


def test_arrays_come_in_the_order_in_which_cells_need_each_other(tmp_path: Path) -> None:
    cells = list(planned(tmp_path).cells.values())
    found = groups(cells)
    # samples of a shipped checkpoint don't wait for the training
    assert [kind for kind, _ in found] == ["data", "generate", "train", "evaluate", "generate", "evaluate", "report"]
    assert sorted(each.name for _, group in found for each in group) == sorted(each.name for each in cells)
    before: set[str] = set()
    for _, group in found:
        ids = {each.id for each in cells}
        assert all(needed in before for each in group for needed in each.inputs.values() if needed in ids)
        before |= {each.id for each in group}


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_the_queue_is_a_hint_that_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, cells = tmp_path / "out", [Cell("data", f"data.{number}", {}, {}) for number in range(3)]
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program(tmp_path, "squeue", "echo nothing is to be asked >&2; exit 1")
    assert queue(out) == {}
    name = JOB_PREFIX + write_array(out, "data", cells).name
    rows = [f"12|0|RUNNING|{name}|n1|None", f"12|2|PENDING|{name}||Dependency", f"12|7|PENDING|{name}||Priority"]
    program(tmp_path, "squeue", "\n".join(f"echo '{row}'" for row in rows))
    assert queue(out) == {
        cells[0].id: Queued("12", True, "job 12_0 running on n1"),
        cells[2].id: Queued("12", False, "job 12_2 pending (Dependency)"),
    }
    program(tmp_path, "squeue", "echo 'Unable to contact slurm controller' >&2; exit 1")
    assert queue(out) is None
    assert (
        "what is queued is not known: squeue doesn't answer: Unable to contact slurm controller"
        in capsys.readouterr().err
    )
    program(tmp_path, "sbatch", "exit 9")
    with pytest.raises(MachineError, match="nothing was submitted"):
        SlurmEngine().run(cells, out, {})


def test_what_sbatch_refuses_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, cells = tmp_path / "out", [Cell("data", "data.a", {}, {})]
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="--slurm: no sbatch on this machine"):
        SlurmEngine().run(cells, out, {})
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program(tmp_path, "scontrol", "echo 'MaxArraySize            = 11'")
    program(tmp_path, "sbatch", "echo 'sbatch: error: invalid partition specified: nowhere' >&2; exit 1")
    with pytest.raises(UserError, match="sbatch refused 1 data cells: error: invalid partition specified: nowhere"):
        SlurmEngine(given={"partition": "nowhere"}).run(cells, out, {})
    assert not list((out / "slurm").iterdir())
