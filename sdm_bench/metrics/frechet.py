"""The Fréchet distance between two sets of features, in float64 and without a matrix root.

d^2 = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2), means and covariances (N - 1) of Gaussians fitted to features:
Dowson and Landau 1982; as FID in Heusel et al. 2017, arXiv:1706.08500. The last trace is

* the sum of the square roots of the eigenvalues of S1^(1/2) S2 S1^(1/2), which is symmetric and has those of S1 S2; or
* with S = X^T X, X the centred features over sqrt(N - 1), the sum of the singular values of X1 X2^T, an (N1, N2)
  matrix: exact, and cheaper for fewer images than dimensions, where the covariances are singular.
"""

from dataclasses import dataclass

import numpy as np

from sdm_bench.errors import UserError


@dataclass(frozen=True)
class Statistics:
    """mean: float64 (D,). covariance: float64 (D, D), over N - 1. count: the number N of images."""

    mean: np.ndarray
    covariance: np.ndarray
    count: int


def statistics(features: np.ndarray) -> Statistics:
    """Mean and covariance of features (N, D); raises UserError for fewer than two rows or values not finite."""
    factor, mean = _factor(features)
    return Statistics(mean, factor.T @ factor, len(features))


def frechet_distance(first: np.ndarray | Statistics, second: np.ndarray | Statistics) -> float:
    """The (squared) Fréchet distance between two sets, each given as features (N, D) or as Statistics.

    0 for equal sets, up to rounding, which can make it slightly negative; larger is worse. Raises UserError where the
    dimensions differ.
    """
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray) and _few(first, second):
        return _low_rank(first, second)
    a, b = (given if isinstance(given, Statistics) else statistics(given) for given in (first, second))
    _check_dimensions(a.mean, b.mean)
    spread = float(np.trace(a.covariance) + np.trace(b.covariance))
    return _distance(a.mean, b.mean, spread, trace_root(a.covariance, b.covariance))


def trace_root(first: np.ndarray, second: np.ndarray) -> float:
    """tr (S1 S2)^(1/2) of two covariances (D, D)."""
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    product = root @ second @ root
    return float(np.sqrt(np.linalg.eigvalsh((product + product.T) / 2).clip(0)).sum())


def trace_root_of_factors(first: np.ndarray, second: np.ndarray) -> float:
    """tr (S1 S2)^(1/2) of S = X^T X, from X1 (N1, D) and X2 (N2, D): the nuclear norm of X1 X2^T."""
    return float(np.linalg.norm(first @ second.T, ord="nuc"))


def _few(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether the matrix (N1, N2) is smaller than (D, D), which bounds the memory too."""
    return len(first) * len(second) < first.shape[-1] ** 2


def _low_rank(first: np.ndarray, second: np.ndarray) -> float:
    (x, mean_x), (y, mean_y) = _factor(first), _factor(second)
    _check_dimensions(mean_x, mean_y)
    return _distance(mean_x, mean_y, (x**2).sum() + (y**2).sum(), trace_root_of_factors(x, y))


def _check_dimensions(mean_x: np.ndarray, mean_y: np.ndarray) -> None:
    if mean_x.shape != mean_y.shape:
        raise UserError(
            f"features of {mean_x.size} and {mean_y.size} dimensions; both sets must come from one extractor"
        )


def _distance(mean_x: np.ndarray, mean_y: np.ndarray, spread: float, cross: float) -> float:
    return float(((mean_x - mean_y) ** 2).sum() + spread - 2 * cross)


def _factor(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """X (N, D) with X^T X the covariance, and the mean (D,), in float64."""
    if features.ndim != 2 or len(features) < 2:
        raise UserError(f"features of shape {features.shape}; expected (N, D) with at least two images")
    if not np.isfinite(features).all():
        raise UserError("features that are not finite; a picture or the weights are broken")
    values = features.astype(np.float64)
    mean = values.mean(0)
    return (values - mean) / np.sqrt(len(values) - 1), mean
