"""The Fréchet distance: closed forms, the two ways against each other and against a matrix root."""

import numpy as np
import pytest
from scipy import linalg

from sdm_bench.errors import UserError
from sdm_bench.metrics.frechet import Statistics, frechet_distance, statistics


def features(count: int, dimensions: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(dimensions, dimensions)) / np.sqrt(dimensions)
    return (np.maximum(rng.normal(size=(count, dimensions)) @ mixing, 0) + 0.1 * seed).astype(np.float32)


def of_statistics(first: np.ndarray, second: np.ndarray) -> float:
    return frechet_distance(statistics(first), statistics(second))


def test_statistics_are_those_of_numpy_in_float64() -> None:
    values = features(50, 8, 1)
    found = statistics(values)
    np.testing.assert_allclose(found.mean, values.astype(np.float64).mean(0), rtol=1e-14)
    np.testing.assert_allclose(found.covariance, np.cov(values.astype(np.float64), rowvar=False), rtol=1e-12)
    assert (found.count, found.mean.dtype, found.covariance.dtype) == (50, np.float64, np.float64)


def test_independent_gaussians() -> None:
    """For diagonal covariances it is |m1 - m2|^2 + sum (s1 - s2)^2."""
    first = Statistics(np.array([1.0, 2.0, 3.0]), np.diag([1.0, 4.0, 0.0]), 10)
    second = Statistics(np.array([0.0, 2.0, 5.0]), np.diag([9.0, 4.0, 0.25]), 10)
    assert frechet_distance(first, second) == pytest.approx((1 + 0 + 4) + (4 + 0 + 0.25), rel=1e-12)


@pytest.mark.parametrize(("count", "dimensions"), [(200, 16), (20, 64)])
def test_a_shift_adds_its_square(count: int, dimensions: int) -> None:
    values = features(count, dimensions, 1).astype(np.float64)
    assert frechet_distance(values, values) == pytest.approx(0, abs=1e-10)
    assert frechet_distance(values, values + 0.5) == pytest.approx(0.25 * dimensions, rel=1e-9)


@pytest.mark.parametrize("count", [15, 63, 64, 65, 300])
def test_both_ways_agree_with_a_matrix_root(count: int) -> None:
    first, second = features(count, 64, 1), features(2 * count, 64, 2)
    a, b = statistics(first), statistics(second)
    root = linalg.sqrtm(a.covariance @ b.covariance + 1e-12 * np.eye(64)).real
    expected = ((a.mean - b.mean) ** 2).sum() + np.trace(a.covariance + b.covariance - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-4)
    assert frechet_distance(first, second) == pytest.approx(of_statistics(first, second), rel=1e-6)


@pytest.mark.parametrize(("count", "other"), [(20, 30), (20, 300), (300, 200)])
def test_it_is_symmetric_and_takes_features_or_statistics(count: int, other: int) -> None:
    first, second = features(count, 64, 1), features(other, 64, 2)
    values = [
        frechet_distance(first, second),
        frechet_distance(second, first),
        frechet_distance(statistics(first), second),
        frechet_distance(first, statistics(second)),
    ]
    assert values == pytest.approx([values[0]] * 4, rel=1e-6)


def test_more_difference_is_more_distance() -> None:
    reference = features(400, 16, 1)
    noise = np.random.default_rng(5).normal(size=reference.shape)
    distances = [frechet_distance(reference, reference + scale * noise) for scale in (0.1, 0.5, 1.0)]
    assert distances == sorted(distances)
    assert distances[0] < distances[2] / 10


def test_float32_features_far_from_zero_lose_nothing() -> None:
    values = features(100, 8, 1)
    moved = (values.astype(np.float64) + 4096).astype(np.float32)
    expected = np.cov(moved.astype(np.float64), rowvar=False)
    np.testing.assert_allclose(statistics(moved).covariance, expected, rtol=1e-9)


def test_what_cannot_be_measured_is_refused() -> None:
    values = features(10, 4, 1)
    with pytest.raises(UserError, match="at least two images"):
        statistics(values[:1])
    with pytest.raises(UserError, match="not finite"):
        statistics(np.full((3, 4), np.nan))
    for first, second in ((values, features(10, 5, 1)), (statistics(values), features(100, 5, 1))):
        with pytest.raises(UserError, match="features of 4 and 5 dimensions"):
            frechet_distance(first, second)
