"""Random numbers by key: plain floats, so that float32 arrays stay float32."""

import zlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Dice:
    """A stream of random numbers that its key alone decides."""

    def __init__(self, *key: int | str):
        self.key = tuple(_number(part) for part in key)
        self._random = np.random.default_rng(self.key)

    def between(self, low: float, high: float) -> float:
        """Uniform in low..high."""
        return low + (high - low) * self._random.random()

    def chance(self, probability: float) -> bool:
        """True that often."""
        return self._random.random() < probability

    def integer(self, low: int, high: int) -> int:
        """Uniform in low..high, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def sign(self) -> int:
        """-1 or 1."""
        return 1 if self.chance(0.5) else -1

    def choice(self, options: Sequence[T]) -> T:
        """One of the options, all as likely."""
        return options[self.integer(0, len(options) - 1)]

    def floats(self, count: int, low: float, high: float) -> list[float]:
        """`count` numbers uniform in low..high."""
        return (low + (high - low) * self._random.random(count)).tolist()

    def lattice(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """float32 normal deviates that key and name alone decide, whatever was drawn before."""
        random = np.random.default_rng((*self.key, _number(name)))
        return random.standard_normal(shape, np.float32)


def _number(part: int | str) -> int:
    return zlib.crc32(part.encode()) if isinstance(part, str) else part
