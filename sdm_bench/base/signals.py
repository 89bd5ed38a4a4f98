"""Ctrl-C and SIGTERM: a command ends with one line and exit code 128 + the signal's number, 130 or 143."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def exit_code(number: int) -> int:
    """As shells have it."""
    return 128 + number


def say_at_once(message: str) -> None:
    """One line of talk from where a signal is handled: a stream may be in the middle of another one."""
    os.write(2, f"{message}\n".encode())


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Inside, a signal says so and raises SystemExit, so that temporary files are removed on the way out.

    A second SIGTERM is the first again: clusters and torchrun each send it to all processes.
    """
    ending = False

    def end(number: int, frame: Any) -> None:
        nonlocal ending
        if ending and number == signal.SIGTERM:
            return
        ending = True
        say_at_once(f"stopped by {signal.Signals(number).name}; the same command goes on where that is possible")
        raise SystemExit(exit_code(number))

    with _handled_by(end):
        yield


class StopRequest:
    """A signal that was sent, for a loop that ends by itself; `number` is 0 until then."""

    number = 0


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Turns the first signal into a request that the loop sees between steps; a SIGINT after it interrupts."""
    stop = StopRequest()

    def request(number: int, frame: Any) -> None:
        if stop.number:
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            return
        stop.number = number
        say_at_once("stopping after this step; press Ctrl-C again to stop at once")

    with _handled_by(request):
        yield stop


@contextmanager
def _handled_by(handler: Any) -> Iterator[None]:
    """Signals of this process go to `handler`; a process forked from it, such as a loader's, takes no notice."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    owner = os.getpid()

    def handle(number: int, frame: Any) -> None:
        if os.getpid() == owner:
            handler(number, frame)

    previous = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)
