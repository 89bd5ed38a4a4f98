"""Work shared by the processes that `torchrun` started; a process alone does it all and needs no group."""

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def rank_and_count() -> tuple[int, int]:
    """This process's number and how many there are; (0, 1) outside torchrun."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this process writes what all of them found."""
    return rank_and_count()[0] == 0


def shared(work: Callable[[Sequence[int]], Sequence[T]], count: int) -> list[T]:
    """The results for 0 to count - 1, in order, each computed once by one of the processes.

    work: indices -> their results, in the same order. Every process gets all results; all must call this.
    """
    rank, processes = rank_and_count()
    if processes == 1:
        return list(work(range(count)))
    from accelerate import PartialState
    from torch import distributed

    PartialState()
    parts: list[list[T]] = [[] for _ in range(processes)]
    distributed.all_gather_object(parts, list(work(range(rank, count, processes))))
    return [parts[index % processes][index // processes] for index in range(count)]
