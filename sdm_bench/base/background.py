"""Work in threads beside what computes: what lets Python's lock go, such as encoding and writing pictures."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

Submit = Callable[..., None]


@contextmanager
def in_background(threads: int = 2, pending: int = 32) -> Iterator[Submit]:
    """Yields `submit(function, *arguments)`, which calls the function in one of so many threads.

    At most `pending` calls are waiting or running: then `submit` waits for the oldest. The first error of a call is
    raised by a later `submit` or at the end, and the calls after it are made nevertheless. The block ends when all
    calls have, whatever ends it.
    """
    calls: deque[Future[Any]] = deque()

    def submit(function: Callable[..., Any], *arguments: Any) -> None:
        if len(calls) >= pending:
            calls.popleft().result()
        calls.append(pool.submit(function, *arguments))

    with ThreadPoolExecutor(threads, thread_name_prefix="background") as pool:
        yield submit
        for call in calls:
            call.result()
