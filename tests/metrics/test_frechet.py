"""The Fréchet distance: closed forms, singular values, a matrix root, torch-fidelity; every kind of input alike."""

import itertools

import numpy as np
import pytest
import torch
from scipy import linalg
from torch_fidelity import metric_fid

from sdm_bench.base.errors import UserError
from sdm_bench.metrics import frechet
from sdm_bench.metrics.frechet import Statistics, frechet_distance, gaussian, statistics, trace_root


def features(count: int, dimensions: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(dimensions, dimensions)) / np.sqrt(dimensions)
    return (np.maximum(rng.normal(size=(count, dimensions)) @ mixing, 0) + 0.1 * seed).astype(np.float32)


def distance_by_singular_values(first: np.ndarray, second: np.ndarray) -> float:
    """From the features: tr (S1 S2)^(1/2) is the sum of the singular values of X1 X2^T."""
    x, y = first.astype(np.float64), second.astype(np.float64)
    shift = ((x.mean(0) - y.mean(0)) ** 2).sum()
    x, y = (given - given.mean(0) for given in (x, y))
    x, y = x / np.sqrt(len(x) - 1), y / np.sqrt(len(y) - 1)
    return shift + (x**2).sum() + (y**2).sum() - 2 * np.linalg.norm(x @ y.T, ord="nuc")


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


@pytest.mark.parametrize(("count", "other"), [(20, 30), (20, 300), (64, 65), (300, 200)])
def test_it_is_symmetric_and_takes_features_statistics_and_gaussians(count: int, other: int) -> None:
    forms = [
        [given, statistics(given), gaussian(given), gaussian(statistics(given))]
        for given in (features(count, 64, 1), features(other, 64, 2))
    ]
    expected = distance_by_singular_values(forms[0][0], forms[1][0])
    for first, second in itertools.product(*forms):
        assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-9)
        assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("count", [100, 400])
def test_statistics_of_a_decaying_spectrum_give_what_the_features_give(count: int) -> None:
    """300 dimensions, variances falling to 1e-5 of the largest, of fewer and of more images."""
    scale = np.arange(1, 301) ** -1.0
    first, second = (spread * features(count, 300, seed) * scale for seed, spread in ((1, 1.0), (2, 1.2)))
    expected = distance_by_singular_values(first, second)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-8)
    assert of_statistics(first, second) == pytest.approx(expected, rel=1e-8)


def test_the_rank_of_a_covariance_is_found() -> None:
    """Two dimensions that never vary, and one of five pictures twice."""
    values = features(30, 64, 1)[[0, 1, 2, 3, 4, 4]]
    values[:, :2] = 0.5
    assert gaussian(statistics(values)).rank == 4
    constant = statistics(np.ones((5, 64), np.float32))
    assert gaussian(constant).rank == 0
    spread = np.trace(statistics(values).covariance) + ((values.mean(0) - 1) ** 2).sum()
    assert frechet_distance(constant, values) == pytest.approx(spread, rel=1e-6)


@pytest.mark.parametrize("count", [100, 1000])
def test_it_is_that_of_torch_fidelity(count: int) -> None:
    """Eigenvalues of S1 S2, as 64 dimensions and more images give them without loss."""
    first, second = features(count, 64, 1).astype(np.float64), features(2 * count, 64, 2).astype(np.float64)
    theirs = [metric_fid.fid_features_to_statistics(torch.from_numpy(given)) for given in (first, second)]
    expected = metric_fid.fid_statistics_to_metric(*theirs, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-10)


def test_the_trace_of_the_root_is_that_of_the_matrix_root() -> None:
    first, second = statistics(features(200, 16, 1)).covariance, statistics(features(200, 16, 2)).covariance
    expected = np.trace(linalg.sqrtm(first @ second)).real
    assert trace_root(first, second) == pytest.approx(expected, rel=1e-9)


def test_covariances_do_not_depend_on_the_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    values = features(50, 8, 1)
    whole = statistics(values).covariance
    monkeypatch.setattr(frechet, "CHUNK", 7)
    np.testing.assert_allclose(statistics(values).covariance, whole, rtol=1e-13)


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
    with pytest.raises(UserError, match=r"features of 1 pictures; expected at least 2"):
        statistics(values[:1])
    with pytest.raises(UserError, match=r"features of shape \(4,\); expected \(N, D\)"):
        statistics(values[0])
    with pytest.raises(UserError, match="not finite"):
        statistics(np.full((3, 4), np.nan))
    with pytest.raises(UserError, match="covariance that is not finite"):
        frechet_distance(values, Statistics(np.zeros(4), np.full((4, 4), np.inf), 10))
    for first, second in ((values, features(10, 5, 1)), (statistics(values), features(100, 5, 1))):
        with pytest.raises(UserError, match="features of 4 and 5 dimensions"):
            frechet_distance(first, second)
