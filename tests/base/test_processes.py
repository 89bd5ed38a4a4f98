"""What processes of one command do together: decide, share, fail and end; a hang is a failure."""

import signal
from pathlib import Path

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.base.processes import agreed, alone_in, decided, exchanged, same_everywhere, shared, together
from tests.several import ended, start_together
from tests.several import together as in_two

START = """
import sys, time
from sdm_bench.base.errors import UserError
from sdm_bench.base.processes import *
start_processes("cpu")
rank, count = rank_and_count()
def guarded(work):
    try:
        return work()
    except Exception as error:
        return f"{type(error).__name__}: {getattr(error, 'message', error)}"
"""

THREADS_LEFT = f"""
import atexit
from pathlib import Path
def threads(when):
    names = [each.read_text() for each in Path("/proc/self/task").glob("*/comm")]
    print(f"{{when}}:{{any('gloo' in name for name in names)}}")
atexit.register(threads, "after")
{START}
import torch._dynamo  # as every optimizer does
import mmengine.optim  # as the segmenters do
import torch.distributed.fsdp
total(__import__("torch").ones(3))
threads("before")
"""

EXCHANGES = """
from sdm_bench.base.processes import agreed, total
import torch
print(shared(lambda indices: [index * index for index in indices], 5))
print(decided(lambda: f"by {rank}"))
print(agreed([rank, 1.0 - rank]), total(torch.tensor([1, rank])).tolist())
def mistake():
    with together():
        if rank == 1:
            raise UserError("only the second has no weights")
        shared(lambda indices: list(indices), 2)
        return "never"
print(guarded(mistake))
def late():
    with together():
        if rank == 1:
            raise KeyError("late")
print(guarded(late))
def of_the_first():
    if rank == 0:
        raise UserError("a full disk")
print(guarded(lambda: decided(of_the_first)))
def in_shared(indices):
    if 3 in indices:
        raise UserError("the fourth is no picture")
    return list(indices)
print(guarded(lambda: shared(in_shared, 4)))
print(guarded(lambda: same_everywhere({"photographs": "a", "weights": "ab"[rank]})))
print(shared(lambda indices: list(indices), 3))
"""


def test_one_process_needs_no_group(tmp_path: Path) -> None:
    assert shared(lambda indices: [index + 1 for index in indices], 3) == [1, 2, 3]
    assert decided(lambda: 7) == 7
    assert exchanged("mine") == ["mine"]
    assert agreed([0.5, 2]) == [0.5, 2]
    same_everywhere({"weights": "a"})
    with pytest.raises(UserError, match="as it was"), together():
        raise UserError("as it was")


def test_two_processes_agree_on_values_and_errors() -> None:
    first, second = in_two(START + EXCHANGES)
    assert (first.code, second.code) == (0, 0), first.err + second.err
    ours, theirs = first.out.splitlines(), second.out.splitlines()
    same = [
        "[0, 1, 4, 9, 16]",
        "by 0",
        "[1.0, 1.0] [2, 1]",
        "UserError: only the second has no weights",
        None,
        "UserError: a full disk",
        "UserError: the fourth is no picture",
        "UserError: process 1 of 2 sees other weights than the first; expected the same files on every machine",
        "[0, 1, 2]",
    ]
    for expected, mine, other in zip(same, ours, theirs, strict=True):
        if expected is not None:
            assert (mine, other) == (expected, expected)
    assert ours[4] == "ProcessesLost: process 1 failed: KeyError: 'late'"
    assert theirs[4] == "KeyError: 'late'"


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc, which Linux has")
def test_no_thread_of_the_group_outlives_its_end() -> None:
    """One that does may abort the process when Python ends, whatever the work came to."""
    for each in in_two(THREADS_LEFT):
        assert each.code == 0, each.err
        assert each.out.split() == ["before:True", "after:False"]


@pytest.mark.parametrize("work", ["shared(lambda indices: list(indices), 2)", "agreed([0.0])"])
def test_a_dead_process_ends_the_other_with_a_message(work: str) -> None:
    # one that ends before both are connected is another case
    both = "from sdm_bench.base.processes import agreed\nagreed([0.0])\n"
    program = f"{both}if rank: sys.exit(3)\nprint(guarded(lambda: {work}))"
    first, second = in_two(START + program)
    assert second.code == 3
    assert first.out.startswith("ProcessesLost: process 0 of 2: another process of this command ended"), first.err


def test_a_frozen_process_is_given_up_on() -> None:
    program = "if rank: time.sleep(300)\nprint(guarded(lambda: shared(lambda indices: list(indices), 2)))"
    processes = start_together(["-c", START + program], SDM_BENCH_TIMEOUT="0.05")
    out, err = processes[0].communicate(timeout=200)
    processes[1].send_signal(signal.SIGKILL)
    ended(processes[1:], 60)
    assert out.startswith("ProcessesLost: process 0 of 2: another process of this command ended or doesn't answer"), err


def test_a_folder_is_held_by_one_command(tmp_path: Path) -> None:
    with alone_in(tmp_path / "run", "train", "wait"):
        refused = pytest.raises(UserError, match=r"run: another command is at work here \(train, .*lock\); wait")
        with refused, alone_in(tmp_path / "run", "train", "wait"):
            pass
        with alone_in(tmp_path / "run", "generate-0-of-1", "wait"):
            pass
    with alone_in(tmp_path / "run", "train", "wait"):
        pass
