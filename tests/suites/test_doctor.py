"""What the doctor says of Slurm: whether jobs can be submitted here, and where to."""

import os
from pathlib import Path

import pytest

from sdm_bench.suites.doctor import _slurm
from sdm_bench.suites.estimate import Estimate
from sdm_bench.suites.run import Planned
from tests.suites.small import SUITE, planned


def programs(folder: Path, patch: pytest.MonkeyPatch, sinfo: str | None) -> None:
    """Has sbatch, and sinfo as a program of these lines, where commands are looked for."""
    folder.mkdir()
    for name, lines in (("sbatch", ""), ("sinfo", sinfo)):
        if lines is not None:
            (folder / name).write_text(f"#!/bin/sh\n{lines}\n")
            (folder / name).chmod(0o755)
    patch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin" if sinfo is not None else str(folder))


def said(suite: Planned | None = None) -> list[tuple[str, str]]:
    return [(each.text, each.mend) for each in _slurm(suite)]


def suite(folder: Path, slurm: str) -> Planned:
    plan = planned(folder, SUITE + f"    slurm: {slurm}\n")
    return Planned(plan, folder / "out", {}, dict.fromkeys(plan.cells, Estimate()))


def test_a_machine_without_slurm_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert said() == [("Slurm: no sbatch here; suites run on this machine", "")]


def test_partitions_are_listed_and_those_of_the_suite_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs(tmp_path / "bin", monkeypatch, "echo 'cpu*|up|2|infinite'; echo 'old|down|1|1:00:00'")
    found = [
        ("Slurm partition cpu: 2 nodes, time limit infinite, the default", ""),
        ("Slurm partition old: 1 nodes, time limit 1:00:00, down", ""),
    ]
    assert said() == found
    assert said(suite(tmp_path, "{partition: cpu}")) == found
    asked = suite(tmp_path, "{partition: 'cpu,gpu', train: {partition: old}}")
    assert said(asked)[2:] == [
        ("suite's slurm.partition", "partition gpu is not there or not up; expected one of cpu"),
        ("suite's slurm.train.partition", "partition old is not there or not up; expected one of cpu"),
    ]


@pytest.mark.parametrize(
    ("sinfo", "mend"),
    [
        ("echo no controller >&2; exit 1", "sinfo doesn't answer: no controller; --slurm can't run here: scontrol"),
        (None, "sinfo: not on this machine; --slurm can't run here: scontrol"),
        ("echo 'cpu*|down|2|infinite'", "no partition is up; --slurm can't run here: sinfo says more"),
    ],
)
def test_a_slurm_that_runs_no_jobs_is_wrong_for_a_suite_that_has_options_for_it(
    sinfo: str | None, mend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = suite(tmp_path, "{time: '30'}")
    programs(tmp_path / "bin", monkeypatch, sinfo)
    ((text, wrong),) = [each for each in said(asked) if "can't run" in each[1]]
    assert (text, wrong[: len(mend)]) == ("Slurm", mend)
    ((text, wrong),) = [each for each in said() if "can't run" in each[0]]
    assert (text[: len(mend) + 7], wrong) == (f"Slurm: {mend}", "")
