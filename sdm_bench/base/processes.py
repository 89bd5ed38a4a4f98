"""The processes that `torchrun` starts together: the first decides, all take part in every exchange, none hangs.

A process alone does it all and needs no group. What one process raises inside `shared`, `decided` or `together`, all of
them raise at their next exchange; where one is gone, the others say so (ProcessesLost).
"""

import atexit
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sdm_bench.base.errors import UserError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

T = TypeVar("T")

# Minutes that a process waits for the others before it gives up. A dead one is noticed at once, a frozen one by this.
TIMEOUT_VARIABLE = "SDM_BENCH_TIMEOUT"
TIMEOUT_MINUTES = 60.0
# What the errors of gloo and NCCL have in common.
OF_THE_GROUP = re.compile(r"gloo|nccl|connection|timed? ?out|peer|TCPStore|process ?group", re.IGNORECASE)


class ProcessesLost(click.ClickException):
    """Another process of this command failed, ended or doesn't answer. Exit code 1."""

    exit_code = 1


def rank_and_count() -> tuple[int, int]:
    """This process's number and how many there are; (0, 1) outside torchrun."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this process decides, and writes what all of them found."""
    return rank_and_count()[0] == 0


def start_processes(device: str = "auto") -> "torch.device":
    """Sets the process group up, once a process and before any network is built; returns this process's device.

    device: cpu, cuda or auto, as `pick_device` has it; of several GPUs each process of a machine gets its own. Raises
    UserError where there is no such device.
    """
    from sdm_bench.base.devices import pick_device

    chosen = pick_device(device)
    if rank_and_count()[1] == 1:
        return chosen
    # Functions of these take the group of the moment of the import as their default. Imported later, by torch's
    # compiler or by mmengine say, they would keep the group and its threads past the end of Python, which aborts it.
    import torch.distributed.fsdp.sharded_grad_scaler
    import torch.distributed.nn.functional
    import torch.distributed.optim
    from accelerate import PartialState

    minutes = float(os.environ.get(TIMEOUT_VARIABLE, TIMEOUT_MINUTES))
    with _losses_named():
        state = PartialState(cpu=chosen.type == "cpu", timeout=timedelta(minutes=minutes))
    atexit.register(_leave)
    found: torch.device = state.device
    # accelerate numbers the one CPU
    return chosen if found.type == "cpu" else found


def _leave() -> None:
    """Leaves the group in order: its threads abort a process that ends after another one did."""
    from torch import distributed

    if distributed.is_initialized():
        with suppress(Exception):
            distributed.destroy_process_group()


def shared(work: Callable[[Sequence[int]], Sequence[T]], count: int) -> list[T]:
    """The results for 0 to count - 1, in order, each computed once by one of the processes.

    work: indices -> their results, in the same order. Every process gets all results; all must call this.
    """
    rank, processes = rank_and_count()
    if processes == 1:
        return list(work(range(count)))
    with _telling():
        mine = list(work(range(rank, count, processes)))
    parts: list[list[T]] = exchanged(mine)
    return [parts[index % processes][index // processes] for index in range(count)]


def decided(work: Callable[[], T]) -> T:
    """What `work` gives the first process, which alone does it; all must call this and get it, or raise its error."""
    if rank_and_count()[1] == 1:
        return work()
    mine = None
    if is_first():
        with _telling():
            mine = work()
    found: T = exchanged(mine)[0]
    return found


@contextmanager
def together() -> Iterator[None]:
    """All processes leave this block together: what one raises inside, all raise."""
    with _telling():
        yield
    exchanged(None)


def exchanged(mine: Any) -> list[Any]:
    """What each process brings, by its number; raises what another one raised instead."""
    if rank_and_count()[1] == 1:
        return [mine]
    return _exchange(mine, None)


def same_everywhere(seen: Mapping[str, str]) -> None:
    """Raises UserError, in all processes, where one sees other files than the first: numbers would be a mixture.

    seen: what is seen, in words, and its digest. All must call this.
    """
    everywhere = exchanged(dict(seen))
    for rank, theirs in enumerate(everywhere):
        other = [name for name, digest in everywhere[0].items() if theirs.get(name) != digest]
        if other:
            raise UserError(
                f"process {rank} of {len(everywhere)} sees other {', '.join(other)} than the first; expected the same "
                "files on every machine"
            )


def agreed(values: Sequence[float]) -> list[float]:
    """The largest of each value over the processes, in one exchange of numbers: for what is asked at every step."""
    if rank_and_count()[1] == 1:
        return [*values]
    import torch
    from torch import distributed

    found = torch.tensor(values, dtype=torch.float64, device=_exchange_device())
    with losses_named():
        distributed.all_reduce(found, distributed.ReduceOp.MAX)
    return found.tolist()


def total(values: "Tensor") -> "Tensor":
    """The sum of a tensor over the processes; without gradients."""
    if rank_and_count()[1] == 1:
        return values
    from torch import distributed

    summed = values.detach().clone()
    distributed.all_reduce(summed)
    return summed


@contextmanager
def alone_in(folder: Path, work: str, advice: str) -> Iterator[None]:
    """Does `work`, a word, in a folder where one command at a time may; raises UserError where another is at it."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / f".{work}.lock")

    def take() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise UserError(
                f"{folder}: another command is at work here ({work.replace('-', ' ')}, {lock.lock_file}); {advice}"
            ) from error

    decided(take)
    try:
        yield
    finally:
        if is_first():
            lock.release()


@contextmanager
def losses_named() -> Iterator[None]:
    """Where an exchange inside fails because another process is gone, raises ProcessesLost."""
    if rank_and_count()[1] == 1:
        yield
    else:
        with _losses_named():
            yield


@contextmanager
def _losses_named() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if not OF_THE_GROUP.search(f"{type(error).__name__} {error}"):
            raise
        rank, processes = rank_and_count()
        first = str(error).partition("\n")[0][:200]
        raise ProcessesLost(
            f"process {rank} of {processes}: another process of this command ended or doesn't answer; "
            f"what it said is the cause ({first})"
        ) from error


@contextmanager
def _telling() -> Iterator[None]:
    """What is raised inside is told to the other processes, which raise it at their next exchange."""
    try:
        yield
    except ProcessesLost:
        raise
    except Exception as error:
        if rank_and_count()[1] > 1 and not getattr(error, "told", False):
            error.told = True  # type: ignore[attr-defined]
            with suppress(ProcessesLost):
                _exchange(None, error)
        raise


def _exchange(mine: Any, error: Exception | None) -> list[Any]:
    """All values, by process. A process that fails calls this once with its error, whatever the others wait for."""
    from torch import distributed

    if not distributed.is_initialized():
        start_processes()
    rank, processes = rank_and_count()
    said: list[Any] = [None] * processes
    with _losses_named():
        distributed.all_gather_object(said, (mine, None if error is None else _described(error, rank)))
    failed = next((failure for _, failure in said if failure is not None), None)
    if failed is not None and error is None:
        mistake, message = failed
        raised = UserError(message) if mistake else ProcessesLost(message)
        raised.told = True  # type: ignore[union-attr]
        raise raised
    return [value for value, _ in said]


def _described(error: Exception, rank: int) -> tuple[bool, str]:
    """Whether it is the user's mistake, and its words."""
    if isinstance(error, UserError):
        return True, str(getattr(error, "short", error.message))
    words = error.message if isinstance(error, click.ClickException) else f"{type(error).__name__}: {error}"
    return False, f"process {rank} failed: {words}"


def _exchange_device() -> "torch.device | str":
    """Where tensors must be to be exchanged: NCCL takes a GPU's alone."""
    from accelerate import PartialState
    from torch import distributed

    return PartialState().device if "nccl" in distributed.get_backend() else "cpu"
