"""The bootstrap over examples: by how much a number, or a difference of two, moves with other scenes.

Efron and Tibshirani 1993, chapters 6 and 13. Every resample draws as many examples as there are, with replacement; two
sets of pictures of the same examples are resampled together, so that what is hard or easy for both cancels. A distance
between distributions is biased by repeated examples, by about as much for both; the spread of the resamples is not, so
that intervals are the measured value and 1.96 of their standard deviation to each side.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.metrics.frechet import check_dimensions, check_features, sum_of_singular_values

# Standard deviations to each side that hold 95 % of a normal distribution.
NORMAL_95 = 1.959964


class Interval(NamedTuple):
    """A value and the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside."""
        return self.low > 0 or self.high < 0


def draws(examples: int, resamples: int, seed: int = 0) -> np.ndarray:
    """How often each example is in each resample, int64 (resamples, examples); rows sum to `examples`."""
    if examples < 2 or resamples < 2:
        raise UserError(f"{resamples} resamples of {examples} examples; expected at least two of each")
    generator = np.random.Generator(np.random.PCG64(seed))
    return generator.multinomial(examples, np.full(examples, 1 / examples), size=resamples)


def interval(value: float, resampled: np.ndarray) -> Interval:
    """The 95 % interval of a value by its resamples, float (resamples,)."""
    reach = NORMAL_95 * float(np.std(resampled, ddof=1))
    return Interval(value, value - reach, value + reach)


@dataclass(frozen=True)
class PairedFeatures:
    """Features of pictures and of photographs of the same examples, ready for many weighted Fréchet distances.

    Only products of features are kept, float64 (N, N): of pictures, of photographs, of both.
    """

    pictures: np.ndarray
    photographs: np.ndarray
    both: np.ndarray

    @classmethod
    def of(cls, pictures: np.ndarray, photographs: np.ndarray) -> "PairedFeatures":
        """From features (N, D) in the same order; raises UserError where the numbers or the dimensions differ."""
        for features in (pictures, photographs):
            check_features(features)
        check_dimensions(pictures.shape[1], photographs.shape[1])
        if len(pictures) != len(photographs):
            raise UserError(f"{len(pictures)} pictures and {len(photographs)} photographs; expected as many of each")
        # about a common origin, so that products are not far larger than what they differ by
        origin = photographs.mean(0, dtype=np.float64)
        x, y = pictures - origin, photographs - origin
        return cls(x @ x.T, y @ y.T, x @ y.T)

    def distance(self, counts: np.ndarray) -> float:
        """The Fréchet distance in which example i is there counts[i] times, int (N,).

        As `frechet_distance` of the repeated features, from (S1 S2)^(1/2) of as many rows as there are examples drawn.
        """
        taken = counts > 0
        share, grid = counts[taken] / counts.sum(), np.ix_(taken, taken)
        xx, yy, xy = self.pictures[grid], self.photographs[grid], self.both[grid]
        means = share @ xx @ share + share @ yy @ share - 2 * share @ xy @ share
        ratio = counts.sum() / (counts.sum() - 1)
        spreads = [share @ np.diag(product) - share @ product @ share for product in (xx, yy)]
        centred = xy - (xy @ share)[:, None] - share @ xy + share @ xy @ share
        root = np.sqrt(share)
        cross = sum_of_singular_values(root[:, None] * centred * root, len(share) - 1)
        return float(means + ratio * (sum(spreads) - 2 * cross))
