"""Suites on a real Slurm of two nodes: nodes that die, time limits, scancel, preemption, and sessions that end."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sdm_bench.base.errors import PartialFailure
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.estimate import Estimate
from sdm_bench.suites.plan import Plan
from sdm_bench.suites.run import Planned, prepare, run
from sdm_bench.suites.slurm import SlurmEngine
from sdm_bench.suites.states import states
from tests.cluster import Cluster, missing
from tests.several import ROOT
from tests.suites.small import planned

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())
# On a machine whose cores have much else to do.
LONG = 120.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster") / "slurm") as found:
        yield found


@pytest.fixture(autouse=True)
def on_cluster(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLURM_CONF", cluster.environment["SLURM_CONF"])
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("SDM_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("sdm_bench.suites.slurm.SELDOM", 1.0)
    monkeypatch.setattr("sdm_bench.suites.run._note_missing_weights", lambda plan, found: None)


def cell(name: str, pieces: int = 1, seconds: float = 0.1, **inputs: str) -> Cell:
    options = {"pieces": pieces, "seconds": seconds}
    return Cell(name.partition(".")[0], name, options, {"options": options}, inputs)  # type: ignore[arg-type]


def plan_of(folder: Path, *cells: Cell) -> Plan:
    return Plan(planned(folder).suite, "small.yaml", {each.name: each for each in cells})


def go(plan: Plan, out: Path, **options: object) -> None:
    """What `sdm-bench run --slurm` does."""
    found = prepare(plan, out).states
    engine = SlurmEngine(options, device="cpu", program="tests.suites.slurm_stubs")
    run(Planned(plan, out, found, dict.fromkeys(plan.cells, Estimate())), engine)


def done(plan: Plan, out: Path) -> set[str]:
    return {name for name, status in states(plan, out).items() if status.state == "done"}


def written(plan: Plan, out: Path) -> bool:
    """Whether each cell's files are those of an undisturbed run."""
    return all(
        {each.name: each.read_text() for each in (out / cell.work_folder).iterdir()}
        == {f"{number}.txt": f"{cell.name} {number}\n" for number in range(cell.options["pieces"])}
        for cell in plan.cells.values()
    )


def job_text(plan: Plan, out: Path, name: str) -> str:
    file = out / plan.cells[name].folder / "job.txt"
    return file.read_text() if file.is_file() else ""


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


def pieces(plan: Plan, out: Path, name: str) -> int:
    return len(list((out / plan.cells[name].work_folder).glob("*.txt")))


def session(plan: Plan, out: Path, **options: object) -> int:
    """A process that submits and waits, as a shell's does."""
    process = os.fork()
    if process:
        return process
    try:
        go(plan, out, **options)
    finally:
        os._exit(0)


def test_arrays_run_on_both_nodes_and_what_fails_stops_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = [cell(f"data.{number}", 2, 0.5) for number in range(2)]
    broken = cell("data.broken", -1)
    trained = cell("train.a", 2, 0.1, data=data[0].id)
    lost = cell("train.b", 2, 0.1, data=broken.id)
    plan = plan_of(tmp_path, *data, broken, trained, lost)
    with pytest.raises(PartialFailure) as error:
        go(plan, tmp_path / "out")
    said = capfd.readouterr().err
    assert "3 data cells" in said
    assert "2 train cells, after" in said
    assert "data.broken: failed: no such number of pieces (tried once)" in error.value.message
    assert "train.b: can't: its job ended without a result: needs data from data.broken" in error.value.message
    assert done(plan, tmp_path / "out") == {"data.0", "data.1", "train.a"}
    texts = "".join(job_text(plan, tmp_path / "out", name) for name in plan.cells)
    assert set(re.findall(r"on (n\d)", texts)) == {"n1", "n2"}
    with pytest.raises(PartialFailure):
        go(plan, tmp_path / "out")
    assert "nothing to do" in capfd.readouterr().err
    # where there is no Slurm, a folder that was copied from a cluster shows what its files say
    monkeypatch.setenv("PATH", str(tmp_path))
    shutil.rmtree(tmp_path / "out" / plan.cells["train.a"].folder)
    assert prepare(plan, tmp_path / "out").states["train.a"].state == "to do"


def test_a_dead_node_a_time_limit_and_a_session_that_ends(cluster: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "out"
    plan = plan_of(tmp_path, cell("data.a", 16, 0.5), cell("segmenter.b", 64, 0.5))
    # Slurm looks at time limits every half a minute, and signals up to a minute early
    options = {"segmenter": {"time": "1", "signal": "B:USR1@20"}}
    shell = session(plan, out, **options)
    until(lambda: pieces(plan, out, "data.a") > 1 and pieces(plan, out, "segmenter.b") > 1)
    os.kill(shell, signal.SIGKILL)
    os.waitpid(shell, 0)

    from_another_shell = prepare(plan, out)
    assert not from_another_shell.to_do
    assert {each.state for each in from_another_shell.states.values()} == {"running"}
    found = re.fullmatch(r"job \d+_0 running on (n\d)", from_another_shell.states["data.a"].why)
    assert found is not None
    cluster.kill_node(found[1])
    try:
        until(lambda: "start 2" in job_text(plan, out, "data.a"))
        # nothing is submitted twice: it waits for what is queued
        go(plan, out, **options)
    finally:
        cluster.start_node(found[1])
    assert done(plan, out) == set(plan.cells)
    assert written(plan, out)
    assert job_text(plan, out, "segmenter.b").count("its time is up; the cell saves") >= 1
    assert len(list((out / "slurm").iterdir())) == 2


def test_a_cancelled_and_a_preempted_cell_go_on_where_they_were(cluster: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "out"
    plan = plan_of(tmp_path, cell("data.a", 12, 0.5), cell("segmenter.b", 12, 0.5))
    until(lambda: set(cluster.states().values()) == {"idle"})
    shell = session(plan, out)
    until(lambda: pieces(plan, out, "data.a") > 1 and pieces(plan, out, "segmenter.b") > 1)
    jobs = {name: str(status.why.split()[1]) for name, status in prepare(plan, out).states.items()}
    cluster.said("scancel", jobs["data.a"])
    urgent = ["sbatch", "--partition=urgent", "--nodes=2", "--output=/dev/null", "--wrap=sleep 1"]
    subprocess.run(urgent, check=True, capture_output=True, timeout=60)
    os.waitpid(shell, 0)
    assert done(plan, out) == {"segmenter.b"}
    before = pieces(plan, out, "data.a")
    assert 1 < before < 12
    assert "not done" in job_text(plan, out, "data.a")
    assert "start 2" in job_text(plan, out, "segmenter.b")
    # cancelled, and so forgotten: to do again
    assert [each.name for each in prepare(plan, out).to_do] == ["data.a"]
    go(plan, out)
    assert written(plan, out)
