"""Two processes of one training stop at the same step, whoever is told to stop and whatever their clocks say."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from sdm_bench.checkpoints.runs import TrainingRun
from tests.conftest import tiny_options
from tests.several import Ended, ended, start_together

# Seconds after which a process hangs, on a machine whose cores have much else to do.
HANGING = 200

PROGRAM = """
import sys, time
import click, torch
torch.set_num_threads(1)
from pathlib import Path
from sdm_bench.base.processes import rank_and_count
from sdm_bench.training.loop import LoopOptions
from sdm_bench.training.recipes import run_training
from sdm_bench.checkpoints.runs import TrainOptions
text, out, budget, skew, of_cores = sys.argv[1:]
clock, rank = time.monotonic, rank_and_count()[0]
time.monotonic = lambda: clock() * (1 + float(skew) * rank)
options = TrainOptions.model_validate_json(text)
budgets = (float(budget), None)
if of_cores == "True":
    # a second a step of the first process, two of the second
    shown, budgets = iter(range(10**6)), budgets[::-1]
    time.process_time = lambda: next(shown) * (1.0 + rank)
loop = LoopOptions(None, *budgets, log_every=1, save_every=10**6, grid_every=10**6, device="cpu")
try:
    print("steps", run_training(options, loop, Path(out)))
except click.ClickException as error:
    error.show()
    sys.exit(error.exit_code)
"""


def started(
    data: Path, out: Path, budget: float, skew: float = 0.0, batch_size: int = 4, of_cores: bool = False
) -> list[subprocess.Popen]:
    options = tiny_options("sdm", data)
    training = options.training.model_copy(update={"batch_size": batch_size})
    text = options.model_copy(update={"training": training}).model_dump_json()
    return start_together(["-c", PROGRAM, text, str(out), str(budget), str(skew), str(of_cores)])


def steps_done(run: Path) -> int:
    stats = run / "stats.jsonl"
    return len(stats.read_text().splitlines()) if stats.is_file() else 0


def wait_for_steps(run: Path, count: int, seconds: float = HANGING) -> None:
    end = time.monotonic() + seconds
    while steps_done(run) < count:
        assert time.monotonic() < end, "no step was taken"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_one_process_stops_both_after_the_step_in_hand(
    number: signal.Signals, toy_cityscapes: Path, tmp_path: Path
) -> None:
    processes = started(toy_cityscapes, tmp_path, budget=60)
    wait_for_steps(tmp_path, 2)
    processes[1].send_signal(number)
    both = ended(processes, HANGING)
    assert [each.code for each in both] == [128 + number, 128 + number], both[0].err + both[1].err
    step = TrainingRun(tmp_path).state()["step"]
    assert step == steps_done(tmp_path) >= 2
    for each in both:
        assert f"stopped at step {step}; the same command resumes" in each.err
    assert json.loads((tmp_path / "train.json").read_text())["options"]["schedule_minutes"] == 60


def test_a_budget_ends_both_by_the_clock_of_the_first(toy_cityscapes: Path, tmp_path: Path) -> None:
    both = ended(started(toy_cityscapes, tmp_path, budget=0.02, skew=5.0), HANGING)
    assert [each.code for each in both] == [0, 0], both[0].err + both[1].err
    assert both[0].out == both[1].out == f"steps {steps_done(tmp_path)}\n"
    assert TrainingRun(tmp_path).state()["seconds"] >= 1.2


def test_cpu_time_is_that_of_both(toy_cityscapes: Path, tmp_path: Path) -> None:
    both = ended(started(toy_cityscapes, tmp_path, budget=0.1, of_cores=True), HANGING)
    assert [each.code for each in both] == [0, 0], both[0].err + both[1].err
    assert both[0].out == both[1].out == "steps 2\n"
    assert TrainingRun(tmp_path).state()["core_seconds"] == 6.0


def test_a_batch_that_does_not_divide_is_refused(toy_cityscapes: Path, tmp_path: Path) -> None:
    both = ended(started(toy_cityscapes, tmp_path, budget=60, batch_size=3), HANGING)
    for each in both:
        assert each == Ended(2, "", each.err)
        assert "Error: --batch-size 3: 2 processes take equal shares of a batch; expected a multiple of 2" in each.err
        assert "Traceback" not in each.err


def test_the_other_ends_with_a_message_when_one_is_killed(toy_cityscapes: Path, tmp_path: Path) -> None:
    processes = started(toy_cityscapes, tmp_path, budget=60)
    wait_for_steps(tmp_path, 1)
    processes[1].kill()
    first, second = ended(processes, HANGING)
    assert (first.code, second.code) == (1, -signal.SIGKILL), first.err
    assert "another process of this command ended or doesn't answer" in first.err
    assert "Traceback" not in first.err
