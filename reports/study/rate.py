"""How often one address may ask the server."""

import threading
import time
from collections.abc import Callable

# Requests a second, and how many at once.
RATE, BURST = 10.0, 60.0
# Addresses that are remembered.
MOST_ADDRESSES = 10_000


class Rate:
    """How often each address may ask: `BURST` at once, then `RATE` a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._lock = threading.Lock()
        # what each has left, and when that was
        self._left: dict[str, tuple[float, float]] = {}

    def allows(self, address: str) -> bool:
        """Whether `address` may ask now."""
        with self._lock:
            now = self._clock()
            left, when = self._left.pop(address, (BURST, now))
            left = min(BURST, left + (now - when) * RATE)
            if len(self._left) >= MOST_ADDRESSES:
                self._left.pop(next(iter(self._left)))
            self._left[address] = max(0.0, left - 1), now
            return left >= 1
