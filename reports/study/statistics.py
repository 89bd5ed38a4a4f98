"""What choices between two say: rates with intervals and tests, strengths, agreement, and how many would be enough.

Arrays in, numbers out; nothing here knows of files or studies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import stats

LEVEL = 0.95
POWER, ALPHA = 0.8, 0.05
# Normal quantile of LEVEL, two-sided.
Z = float(stats.norm.ppf(0.5 + LEVEL / 2))
# Answers beyond which the exact power is not computed at every number of them.
MOST_EXACT = 200_000
# Newton's steps, and the largest step at which they end.
STEPS, SMALL = 100, 1e-12


@dataclass(frozen=True)
class Rate:
    """`wins` of `count` with Wilson's interval at LEVEL; p: of the exact two-sided test against one half."""

    wins: int
    count: int
    low: float
    high: float
    p: float

    @property
    def value(self) -> float:
        """The share of wins; NaN of none."""
        return self.wins / self.count if self.count else float("nan")


@cache
def rate(wins: int, count: int) -> Rate:
    """The rate of `wins` in `count` choices, which are taken as independent.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    if count == 0:
        return Rate(0, 0, float("nan"), float("nan"), float("nan"))
    found = stats.binomtest(wins, count, 0.5)
    interval = found.proportion_ci(LEVEL, method="wilson")
    return Rate(wins, count, float(interval.low), float(interval.high), float(found.pvalue))


@cache
def rarely(wins: int, count: int) -> float:
    """The probability that a coin wins `wins` times of `count` or less often."""
    return float(stats.binom.cdf(wins, count, 0.5))


def holm(p_values: Sequence[float]) -> list[float]:
    """P values of several tests made together, adjusted so that all of them are right at once; NaN stays NaN.

    Source: Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    values = np.asarray(p_values, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted = np.full(len(values), np.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * factors)) if len(order) else []
    return [float(value) for value in adjusted]


def clustered(wins: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """The interval at LEVEL of the rate over participants, each with `wins` of `counts` choices, ints (N,).

    Choices of one participant are alike; this takes participants and not choices as independent: a t interval of the
    ratio, linearised. NaN for fewer than two participants. Source: Cochran, "Sampling Techniques", 1977, chapter 2.11.
    """
    wins, counts = wins[counts > 0], counts[counts > 0]
    number = len(counts)
    if number < 2:
        return float("nan"), float("nan")
    value = wins.sum() / counts.sum()
    rest = wins - value * counts
    error = float(np.sqrt(number / (number - 1) * (rest**2).sum()) / counts.sum())
    reach = _students(number - 1) * error
    return max(0.0, float(value) - reach), min(1.0, float(value) + reach)


@cache
def _students(freedom: int) -> float:
    """The two-sided quantile of Student's t at LEVEL."""
    return float(stats.t.ppf(0.5 + LEVEL / 2, freedom))


@cache
def needed(value: float) -> int | None:
    """How many choices show a preference of `value` against one half: from this number on, the exact two-sided test at
    ALPHA does so with a probability of at least POWER; beyond MOST_EXACT, by the normal approximation.

    None for one half itself.
    """
    difference = abs(value - 0.5)
    if difference == 0 or np.isnan(value):
        return None
    quantile = stats.norm.ppf(1 - ALPHA / 2) / 2 + stats.norm.ppf(POWER) * np.sqrt(value * (1 - value))
    near = (quantile / difference) ** 2
    if near > MOST_EXACT:
        return int(np.ceil(near))
    # the power goes up and down with the number, and stays above from a little beyond the approximation on
    counts = np.arange(1, int(near * 1.2) + 60)
    weak = np.flatnonzero(power(counts, value) < POWER)
    return int(counts[weak[-1]]) + 1 if len(weak) else 1


def power(counts: np.ndarray, value: float) -> np.ndarray:
    """The probability that the exact two-sided test at ALPHA against one half rejects, of `counts` choices, ints (N,).

    value: the true preference.
    """
    # the most wins of the lower tail that is rejected; at one half both tails are alike
    lower = stats.binom.ppf(ALPHA / 2, counts, 0.5)
    lower = np.where(stats.binom.cdf(lower, counts, 0.5) > ALPHA / 2, lower - 1, lower)
    found: np.ndarray = stats.binom.cdf(lower, counts, value) + stats.binom.sf(counts - lower - 1, counts, value)
    return found


@dataclass(frozen=True)
class Strengths:
    """Bradley and Terry's strengths as natural logarithms whose mean is 0, with intervals at LEVEL; float64 (K,).

    ranks: from 1, each with the range that the differences' intervals allow.
    """

    logarithms: np.ndarray
    low: np.ndarray
    high: np.ndarray
    ranks: list[tuple[int, int, int]]


def bradley_terry(wins: np.ndarray) -> Strengths | None:
    """Strengths from `wins`, ints (K, K): how often row was preferred to column. P(i over j) = 1 / (1 + e^(b_j - b_i)).

    None where no finite strengths fit best: where some never lost to any of the others, or weren't compared with them.
    Newton's method on the log-likelihood; intervals from the inverse of its curvature, which, as the mean is held at 0,
    is the pseudo-inverse. Sources: Bradley and Terry, "Rank analysis of incomplete block designs", 1952; Ford,
    "Solution of a ranking problem from binary comparisons", 1957, for when there is a solution.
    """
    if len(wins) < 2 or not _strongly_connected(wins > 0):
        return None
    games, won = (wins + wins.T).astype(np.float64), wins.sum(axis=1).astype(np.float64)
    values = np.zeros(len(wins))
    likelihood = _log_likelihood(wins, values)
    for _ in range(STEPS):
        expected = _sigmoid(values[:, None] - values[None, :])
        step = _pseudo_inverse(_curvature(games, expected)) @ (won - (games * expected).sum(axis=1))
        # halved until it climbs: a whole step may pass the summit
        while (further := _log_likelihood(wins, values + step)) < likelihood and np.abs(step).max() > SMALL:
            step = step / 2
        values, likelihood = values + step, further
        if np.abs(step).max() < SMALL:
            break
    covariance = _pseudo_inverse(_curvature(games, _sigmoid(values[:, None] - values[None, :])))
    error = np.sqrt(np.diag(covariance))
    return Strengths(values, values - Z * error, values + Z * error, _ranks(values, covariance))


def _sigmoid(differences: np.ndarray) -> np.ndarray:
    made: np.ndarray = 1 / (1 + np.exp(-differences))
    return made


def _log_likelihood(wins: np.ndarray, values: np.ndarray) -> float:
    return -float((wins * np.logaddexp(0, values[None, :] - values[:, None])).sum())


def _curvature(games: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Minus the Hessian of the log-likelihood."""
    weights = games * expected * (1 - expected)
    made: np.ndarray = np.diag(weights.sum(axis=1)) - weights
    return made


def _pseudo_inverse(curvature: np.ndarray) -> np.ndarray:
    """Of a matrix (K, K) with rank K - 1 whose rows sum to 0."""
    mean = np.full(curvature.shape, 1 / len(curvature))
    made: np.ndarray = np.linalg.inv(curvature + mean) - mean
    return made


def _strongly_connected(beats: np.ndarray) -> bool:
    """Whether everybody can be reached from everybody along victories."""
    reached = beats | np.eye(len(beats), dtype=bool)
    for _ in range(len(beats)):
        reached = reached @ reached
    return bool(reached.all())


def _ranks(values: np.ndarray, covariance: np.ndarray) -> list[tuple[int, int, int]]:
    variances = np.diag(covariance)
    errors = np.sqrt(variances[:, None] + variances[None, :] - 2 * covariance)
    above = values[None, :] - values[:, None]
    surely = (above > Z * errors).sum(axis=1)
    surely_not = (above < -Z * errors).sum(axis=1)
    rank = 1 + (above > 0).sum(axis=1)
    count = len(values)
    return [(int(rank[k]), int(1 + surely[k]), int(count - surely_not[k])) for k in range(count)]


def krippendorff(units: Sequence[Sequence[object]]) -> float:
    """Krippendorff's alpha of nominal values: 1 where all agree, 0 where they agree as chance would have it.

    units: the values that each unit was given, by whomever; those with fewer than two say nothing. NaN where there is
    no unit left or all values are one. Source: Krippendorff, "Computing Krippendorff's alpha-reliability", 2011.
    """
    paired = [unit for unit in units if len(unit) > 1]
    kinds = {value: place for place, value in enumerate(dict.fromkeys(value for unit in paired for value in unit))}
    coincidences = np.zeros((len(kinds), len(kinds)))
    for unit in paired:
        counts = np.bincount([kinds[value] for value in unit], minlength=len(kinds)).astype(np.float64)
        coincidences += (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)
    totals = coincidences.sum(axis=1)
    number = totals.sum()
    chance = (number**2 - (totals**2).sum()) / (number - 1) if number > 1 else 0.0
    if chance == 0:
        return float("nan")
    return float(1 - (number - np.trace(coincidences)) / chance)
