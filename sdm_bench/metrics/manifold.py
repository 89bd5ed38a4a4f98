"""Precision and recall, density and coverage: two sets compared through balls that reach to the k-th neighbour.

* Kynkäänniemi et al. 2019, arXiv:1904.06991; kynkaat/improved-precision-and-recall-metric@b0247ea precision_recall.py:
  balls with their surface, k = 3;
* Naeem et al. 2020, arXiv:2002.09797; clovaai/generative-evaluation-prdc@82db9ac prdc/prdc.py: without it, k = 5, as in
  layer6ai-labs/dgm-eval@74c79f7 dgm_eval/metrics/prdc.py, for precision and recall too.

A ball's radius is the distance to the k-th nearest other image of its own set. Distances are in float64, by matrix
products of features about the real mean: the rounding of float32, some 1e-6, would decide a few of N^2 comparisons.
Distances within TIE of a radius equal it, so that rounding, hence the size of the blocks, decides nothing here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.metrics.frechet import check_dimensions, check_features, chunks

# Images a side of the blocks in which distances are computed.
CHUNK = 1024
# Of squared distances, as a share of the two squared norms; rounding is below 1e-12 of them.
TIE = 1e-11


@dataclass(frozen=True)
class PrecisionRecall:
    """precision: share of the generated images in a ball of a real one; recall: the reverse. In [0, 1]."""

    precision: float
    recall: float


@dataclass(frozen=True)
class DensityCoverage:
    """density: mean number of real balls around a generated image, over k; 1 is expected of equal distributions.

    coverage: share of the real balls that hold a generated image, in [0, 1].
    """

    density: float
    coverage: float


def precision_recall(
    real: np.ndarray, generated: np.ndarray, k: int = 3, chunk: int = CHUNK, surface: bool = True
) -> PrecisionRecall:
    """Precision and recall of generated features (N, D) against real ones (M, D); larger is better.

    surface: whether a ball holds its surface. Both change with M, N and k: only values of equal numbers compare. Memory
    is that of the features in float64 and of blocks of `chunk` images a side. Raises UserError unless 1 <= k < M and N,
    for different dimensions and for values that are not finite.
    """
    _check(real, generated, k)
    _check_count("generated", generated, k)
    real, generated = _about_the_mean(real, generated)
    real_radii, generated_radii = _radii(real, k, chunk), _radii(generated, k, chunk)
    precise, recalled = np.zeros(len(generated), bool), np.zeros(len(real), bool)
    for rows, columns, distances, tie in _blocks(real, generated, chunk):
        reach = tie if surface else -tie
        precise[columns] |= (distances <= real_radii[rows, None] + reach).any(0)
        recalled[rows] |= (distances <= generated_radii[None, columns] + reach).any(1)
    return PrecisionRecall(float(precise.mean()), float(recalled.mean()))


def density_coverage(real: np.ndarray, generated: np.ndarray, k: int = 5, chunk: int = CHUNK) -> DensityCoverage:
    """Density and coverage of generated features (N, D) against real ones (M, D); larger is better.

    Coverage changes with M, N and k; of equal distributions and numbers 1 - 2^-k is expected. Memory and errors as for
    `precision_recall`, with k < M alone.
    """
    _check(real, generated, k)
    real, generated = _about_the_mean(real, generated)
    radii = _radii(real, k, chunk)
    balls, covered = 0, np.zeros(len(real), bool)
    for rows, _, distances, tie in _blocks(real, generated, chunk):
        inside = distances < radii[rows, None] - tie
        balls += int(inside.sum())
        covered[rows] |= inside.any(1)
    return DensityCoverage(balls / (k * len(generated)), float(covered.mean()))


def _check(real: np.ndarray, generated: np.ndarray, k: int) -> None:
    check_features(real, 1)
    check_features(generated, 1)
    check_dimensions(real.shape[1], generated.shape[1])
    if k < 1:
        raise UserError(f"k = {k} nearest neighbours; expected at least 1")
    _check_count("real", real, k)


def _check_count(name: str, features: np.ndarray, k: int) -> None:
    if len(features) <= k:
        raise UserError(f"{len(features)} {name} images; {k} nearest neighbours need at least {k + 1}")


def _about_the_mean(real: np.ndarray, generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = real.mean(0, dtype=np.float64)
    return real - mean, generated - mean


def _radii(features: np.ndarray, k: int, chunk: int) -> np.ndarray:
    """Squared distances (N,) to the k-th nearest other image."""
    radii = np.empty(len(features))
    for rows in chunks(len(features), chunk):
        nearest = np.full((rows.stop - rows.start, k), np.inf)
        for columns in chunks(len(features), chunk):
            distances, _ = _squared_distances(features[rows], features[columns])
            if rows == columns:
                np.fill_diagonal(distances, np.inf)
            nearest = np.partition(np.concatenate([nearest, distances], 1), k - 1, axis=1)[:, :k]
        radii[rows] = nearest.max(1)
    return radii


def _blocks(first: np.ndarray, second: np.ndarray, chunk: int) -> Iterator[tuple[slice, slice, np.ndarray, np.ndarray]]:
    """Rows, columns, their squared distances and how far from a radius these count as it."""
    for rows in chunks(len(first), chunk):
        for columns in chunks(len(second), chunk):
            yield rows, columns, *_squared_distances(first[rows], second[columns])


def _squared_distances(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared distances (M, N) and the tolerance of each."""
    norms = np.square(first).sum(1)[:, None] + np.square(second).sum(1)
    return norms - 2 * (first @ second.T), TIE * norms
