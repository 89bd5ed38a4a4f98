"""The Fréchet distance to infinitely many generated images: FID_inf on Inception features.

Chong and Forsyth 2020, arXiv:1911.07023: the distance from N generated images exceeds that of the distribution by about
c / N, so a line through distances of random subsets against 1/N meets 1/N = 0 at the unbiased value. As in
mchong6/FID_IS_infinity@32a8ff1 score_infinity.py: 15 sizes at equal steps up to all images, each a random subset of its
own, a least-squares line without weights. There the sizes start at 5,000; in layer6ai-labs/dgm-eval@74c79f7
dgm_eval/metrics/fd.py at a tenth of the images, where the bias is far from c / N yet.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.metrics.frechet import (
    CHUNK,
    Gaussian,
    Statistics,
    check_dimensions,
    check_features,
    chunks,
    gaussian,
    sum_of_singular_values,
)

# How many images the smallest subset has: this share of all, at most LARGEST_START.
Start = Literal["half", "tenth"]
# Generated images below which no line is drawn.
FEWEST: dict[Start, int] = {"half": 100, "tenth": 20}
LARGEST_START = 5000


@dataclass(frozen=True)
class Extrapolation:
    """value: the intercept. standard_error: of it, from the scatter of the points about the line.

    The points share images, so the error says how straight the line is, not how the value would vary with other images.
    sizes: int (P,), images of each subset. distances: float64 (P,), theirs; the last is that of all images.
    """

    value: float
    standard_error: float
    sizes: np.ndarray
    distances: np.ndarray


def frechet_distance_infinity(
    generated: np.ndarray,
    real: np.ndarray | Statistics | Gaussian,
    points: int = 15,
    seed: int = 0,
    start: Start = "half",
) -> Extrapolation:
    """The Fréchet distance of generated features (N, D) to the real set, extrapolated to infinite N; larger is worse.

    Subsets have from half the images, at most 5,000, to all of them. The bias falls as 1/N only once N exceeds D, so
    smaller subsets would bend the line. From N = 2 D on (4,096 for Inception) at most a fifth of the distance's bias
    remains, with the other sign; for fewer images a quarter to a half of it, so that the value is too low. (Of Gaussian
    features with variances falling as k^-0.8 to k^-1.1.) The real set stays as it is: what its own size adds to the
    distance remains. Memory is three times that of the features in float64.

    start: "tenth" is for comparison with dgm-eval, whose subsets are those that its generator draws from `seed`; it
    takes none, so that its own values vary. Of few images its value lies far from that of "half", either way.

    Raises UserError for fewer than 100 generated images (20 from a tenth on), fewer than three points, different
    dimensions and values that are not finite.
    """
    check_features(generated, FEWEST[start])
    sizes = _sizes(len(generated), points, start)
    reference = real if isinstance(real, Gaussian) else gaussian(real)
    check_dimensions(generated.shape[1], reference.mean.size)
    subsets = _Subsets(generated, reference)
    rng = np.random.default_rng(seed)
    distances = np.array([subsets.distance(_drawn(rng, len(generated), size, start)) for size in sizes])
    from scipy.stats import linregress  # takes half a second, which no other distance needs

    line = linregress(1 / sizes, distances)
    return Extrapolation(float(line.intercept), float(line.intercept_stderr), sizes, distances)


def _drawn(rng: np.random.Generator, count: int, size: int, start: Start) -> np.ndarray:
    """Indices of a subset; each source draws them in its own way."""
    return rng.choice(count, size, replace=False) if start == "tenth" else rng.permutation(count)[:size]


def _sizes(count: int, points: int, start: Start) -> np.ndarray:
    smallest = min(LARGEST_START, count // 2 if start == "half" else count // 10)
    if not 3 <= points <= count - smallest + 1:
        raise UserError(f"{points} points; expected from 3 to {count - smallest + 1} for {count} images")
    return np.linspace(smallest, count, points).astype(np.int64)


class _Subsets:
    """Distances of subsets of the generated images, with what they share computed once.

    With A the factor of the real covariance, the root's trace of a subset X is the sum of the singular values of
    X A^T, and the rows of that product are the same in every subset.
    """

    def __init__(self, generated: np.ndarray, reference: Gaussian):
        self.reference = reference
        self.spread = (reference.factor**2).sum()
        # from the real mean, so that sums of squares lose nothing to features far from zero
        self.offsets = generated - reference.mean
        self.squares = np.square(self.offsets).sum(1)
        self.projected = np.concatenate(
            [self.offsets[rows] @ reference.factor.T for rows in chunks(len(generated), CHUNK)]
        )

    def distance(self, taken: np.ndarray) -> float:
        """Fréchet distance of the subset of generated images with the indices `taken`, int (n,)."""
        shares = np.zeros(len(self.offsets))
        shares[taken] = 1 / len(taken)
        shift = shares @ self.offsets
        squared_shift = shift @ shift
        spread = (self.squares[taken].sum() - len(taken) * squared_shift) / (len(taken) - 1)
        rows = self.projected[taken]
        rows -= rows.mean(0)
        cross = sum_of_singular_values(rows, min(len(taken) - 1, self.reference.rank)) / np.sqrt(len(taken) - 1)
        return float(squared_shift + self.spread + spread - 2 * cross)
