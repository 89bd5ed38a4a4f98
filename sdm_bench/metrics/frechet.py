"""The Fréchet distance between two sets of features, in float64 and without a matrix root.

d^2 = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2), means and covariances (N - 1) of Gaussians fitted to features:
Dowson and Landau 1982; as FID in Heusel et al. 2017, arXiv:1706.08500. With S1 = A^T A and S2 = B^T B, S1 S2 has the
eigenvalues of (A B^T) (A B^T)^T, so the last trace is the sum of the singular values of A B^T. Such a factor is

* for fewer images than dimensions the centred features over sqrt(N - 1): no covariance, and matrices of N rows;
* for a covariance its Cholesky factor with pivoting (Higham 1990), which finds the rank of a singular one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpstrf

from sdm_bench.base.errors import UserError

# Images whose features are in float64 at a time.
CHUNK = 4096


@dataclass(frozen=True)
class Statistics:
    """mean: float64 (D,). covariance: float64 (D, D), over N - 1. count: the number N of images, 0 for unknown.

    The distance takes the rank of the covariance from itself, not from the count.
    """

    mean: np.ndarray
    covariance: np.ndarray
    count: int


@dataclass(frozen=True)
class Gaussian:
    """A set made ready for many distances. mean: float64 (D,). factor: float64 (R, D), R <= D, factor^T factor = S.

    rank: that of S at most; N - 1 for N <= D images.
    """

    mean: np.ndarray
    factor: np.ndarray
    rank: int


def statistics(features: np.ndarray) -> Statistics:
    """Mean and covariance of features (N, D); raises UserError for fewer than two rows or values not finite."""
    check_features(features)
    mean = features.mean(0, dtype=np.float64)
    covariance = np.zeros((mean.size, mean.size))
    for rows in chunks(len(features), CHUNK):
        centred = features[rows] - mean
        covariance += centred.T @ centred
    return Statistics(mean, covariance / (len(features) - 1), len(features))


def gaussian(given: np.ndarray | Statistics) -> Gaussian:
    """The Gaussian of features (N, D) or of Statistics; raises UserError as `statistics` does."""
    if isinstance(given, np.ndarray):
        check_features(given)
        if len(given) <= given.shape[1]:
            mean = given.mean(0, dtype=np.float64)
            return Gaussian(mean, (given - mean) / np.sqrt(len(given) - 1), len(given) - 1)
        given = statistics(given)
    if not np.isfinite(given.covariance).all():
        raise UserError("a covariance that is not finite; the statistics are broken")
    factor = _cholesky(given.covariance)
    return Gaussian(given.mean, factor, len(factor))


def frechet_distance(first: np.ndarray | Statistics | Gaussian, second: np.ndarray | Statistics | Gaussian) -> float:
    """The (squared) Fréchet distance between two sets, each as features (N, D), as Statistics or as a Gaussian.

    0 for equal sets, up to rounding, which can make it slightly negative; larger is worse. Raises UserError where the
    dimensions differ and as `statistics` does.
    """
    a, b = (given if isinstance(given, Gaussian) else gaussian(given) for given in (first, second))
    check_dimensions(a.mean.size, b.mean.size)
    spread = (a.factor**2).sum() + (b.factor**2).sum()
    cross = sum_of_singular_values(a.factor @ b.factor.T, min(a.rank, b.rank))
    return float(((a.mean - b.mean) ** 2).sum() + spread - 2 * cross)


def trace_root(first: np.ndarray, second: np.ndarray) -> float:
    """tr (S1 S2)^(1/2) of two covariances (D, D)."""
    return trace_root_of_factors(_cholesky(first), _cholesky(second))


def trace_root_of_factors(first: np.ndarray, second: np.ndarray) -> float:
    """tr (S1 S2)^(1/2) of S = X^T X, from X1 (N1, D) and X2 (N2, D)."""
    return sum_of_singular_values(first @ second.T, min(len(first), len(second)))


def sum_of_singular_values(matrix: np.ndarray, rank: int) -> float:
    """The sum of the `rank` largest singular values of a matrix (M, N)."""
    import torch

    # of the smaller product; what lies beyond the rank is rounding, and its root would not be small
    product = matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix
    # torch's LAPACK takes half the time of NumPy's from about 1,500 rows on
    squares = torch.linalg.eigvalsh(torch.from_numpy(product)).numpy()
    return float(np.sqrt(squares[max(len(squares) - rank, 0) :].clip(0)).sum())


def chunks(count: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` that cover 0..count-1 in order."""
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


def check_features(features: np.ndarray, fewest: int = 2) -> None:
    """Raises UserError unless features are (N, D) with N >= `fewest` and finite."""
    if features.ndim != 2:
        raise UserError(f"features of shape {features.shape}; expected (N, D)")
    if len(features) < fewest:
        raise UserError(f"features of {len(features)} pictures; expected at least {fewest}")
    if not np.isfinite(features).all():
        raise UserError("features that are not finite; a picture or the weights are broken")


def check_dimensions(first: int, second: int) -> None:
    """Raises UserError where two sets have features of different dimensions."""
    if first != second:
        raise UserError(f"features of {first} and {second} dimensions; both sets must come from one extractor")


def defect(covariance: np.ndarray) -> float:
    """How far a symmetric (D, D) is from a covariance: the part of its trace that no factor accounts for.

    0 for a positive semi-definite one, about 1e-7 where that was rounded to float32 and 1e-3 to float16.
    """
    trace = float(np.trace(covariance))
    return abs(trace - float((_cholesky(covariance) ** 2).sum())) / trace if trace else 0.0


def _cholesky(covariance: np.ndarray) -> np.ndarray:
    """A factor (R, D) of a positive semi-definite (D, D) of numerical rank R."""
    columns, order, rank, _ = dpstrf(covariance, lower=1)
    factor = np.empty((rank, len(covariance)))
    factor[:, order - 1] = np.tril(columns)[:, :rank].T
    return factor
