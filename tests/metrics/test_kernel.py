"""The kernel distance: brute force, torchmetrics, torch-fidelity and clean-fid; its variance over every sample."""

from math import comb

import cleanfid.fid
import numpy as np
import pytest
import torch
from torch_fidelity import metric_kid
from torchmetrics.image.kid import poly_mmd

from sdm_bench.base.errors import UserError
from sdm_bench.metrics import kernel
from sdm_bench.metrics.kernel import kernel_distance, subset_kernel_distance


def features(count: int, seed: int, dimensions: int = 16) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.maximum(rng.normal(size=(count, dimensions)) + 0.2 * seed, 0).astype(np.float32)


def brute_force(first: np.ndarray, second: np.ndarray) -> float:
    """Pair by pair."""
    x, y = first.astype(np.float64), second.astype(np.float64)

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return (a @ b / len(a) + 1) ** 3

    within = [
        np.mean([k(a, b) for i, a in enumerate(given) for j, b in enumerate(given) if i != j]) for given in (x, y)
    ]
    return float(sum(within) - 2 * np.mean([k(a, b) for a in x for b in y]))


@pytest.mark.parametrize(("count", "other", "chunk"), [(20, 20, 1024), (20, 33, 1024), (33, 20, 7), (33, 20, 33)])
def test_it_is_the_mean_over_pairs_whatever_the_chunk(count: int, other: int, chunk: int) -> None:
    first, second = features(count, 1), features(other, 2)
    found = kernel_distance(first, second, chunk)
    assert found.value == pytest.approx(brute_force(first, second), rel=1e-11)
    whole = kernel_distance(first, second)
    assert (found.linear, found.quadratic) == pytest.approx((whole.linear, whole.quadratic), rel=1e-9)


def test_it_is_that_of_torchmetrics() -> None:
    first, second = features(80, 1, 64), features(80, 2, 64)
    expected = poly_mmd(torch.from_numpy(first).double(), torch.from_numpy(second).double())
    assert kernel_distance(first, second).value == pytest.approx(float(expected), rel=1e-11)


def test_value_and_standard_error_are_symmetric_and_the_value_grows_with_the_difference() -> None:
    first = features(60, 1)
    there, back = kernel_distance(first, features(40, 2)), kernel_distance(features(40, 2), first)
    assert (there.value, there.standard_error) == pytest.approx((back.value, back.standard_error), rel=1e-10)
    assert there.value < kernel_distance(first, features(40, 4)).value
    assert abs(kernel_distance(first, features(40, 1)[::-1]).value) < there.value


def test_the_variance_is_unbiased() -> None:
    """Over every sample of four and five images from two distributions on two points, with its probability."""
    points = np.array([[0.0, 1.0], [2.0, -1.0]]), np.array([[1.0, 1.0], [0.0, 3.0]])
    shares, counts = (0.3, 0.6), (4, 5)
    weights, values, variances = [], [], []
    for of_first in range(counts[0] + 1):
        for of_second in range(counts[1] + 1):
            taken = of_first, of_second
            first, second = (np.repeat(p, [k, n - k], 0) for p, k, n in zip(points, taken, counts, strict=True))
            found = kernel_distance(first, second)
            values.append(found.value)
            variances.append(found.linear + found.quadratic)
            binomials = [comb(n, k) * p**k * (1 - p) ** (n - k) for p, k, n in zip(shares, taken, counts, strict=True)]
            weights.append(np.prod(binomials))
    mean = np.average(values, weights=weights)
    variance = np.average((values - mean) ** 2, weights=weights)
    assert np.average(variances, weights=weights) == pytest.approx(variance, rel=1e-12)


@pytest.mark.parametrize(("shift", "largest"), [(0.0, 1.3), (0.5, 1.05)])
def test_the_standard_error_is_the_spread_of_values(shift: float, largest: float) -> None:
    """500 draws of each set: within 5 % for different distributions, and not too small for equal ones."""
    rng = np.random.default_rng(0)
    found = [kernel_distance(rng.normal(size=(30, 8)), rng.normal(size=(50, 8)) + shift, chunk=64) for _ in range(500)]
    spread = np.std([each.value for each in found])
    error = np.sqrt(np.mean([each.standard_error**2 for each in found]))
    assert 0.95 < error / spread < largest


def test_subsets_are_those_of_clean_fid() -> None:
    """It keeps float32, which costs about 1e-6 here; given float64 it agrees to rounding."""
    first, second = features(70, 1), features(90, 2)
    found = subset_kernel_distance(first, second, subsets=5, size=30, seed=3)
    for dtype, tolerance in ((np.float64, 1e-10), (np.float32, 1e-4)):
        np.random.seed(3)  # noqa: NPY002
        theirs = cleanfid.fid.kernel_distance(first.astype(dtype), second.astype(dtype), 5, 30)
        assert found.mean == pytest.approx(theirs, rel=tolerance)
    assert (found.subsets, found.size) == (5, 30)


@pytest.mark.parametrize(("size", "estimate"), [(10, "_one_by_one"), (40, "_from_all_pairs")])
def test_mean_and_spread_are_those_of_torch_fidelity(monkeypatch: pytest.MonkeyPatch, size: int, estimate: str) -> None:
    """It draws from its first set first. Two ways to the same values, of which the size chooses one."""
    monkeypatch.setattr(kernel, {"_one_by_one", "_from_all_pairs"}.difference([estimate]).pop(), None)
    first, second = features(70, 1), features(90, 2)
    found = subset_kernel_distance(first, second, subsets=20, size=size, seed=5)
    theirs = metric_kid.kid_features_to_metric(
        torch.from_numpy(second).double(),
        torch.from_numpy(first).double(),
        kid_subsets=20,
        kid_subset_size=size,
        rng_seed=5,
        verbose=False,
    )
    assert found.mean == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-10)
    assert found.spread == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-9)


def test_subsets_of_everything_are_the_whole() -> None:
    first, second = features(50, 1), features(50, 2)
    found = subset_kernel_distance(first, second, subsets=7)
    assert (found.spread, found.subsets, found.size) == (0, 7, 50)
    assert found.mean == pytest.approx(kernel_distance(first, second).value, rel=1e-11)
    assert subset_kernel_distance(first, second[:40]).spread > 0


def test_the_seed_decides() -> None:
    first, second = features(70, 1), features(90, 2)
    values = [subset_kernel_distance(first, second, 3, 20, seed).mean for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_what_cannot_be_measured_is_refused() -> None:
    first = features(10, 1)
    with pytest.raises(UserError, match="expected at least 4"):
        kernel_distance(first, first[:3])
    with pytest.raises(UserError, match="features of 16 and 8 dimensions"):
        kernel_distance(first, features(10, 1, 8))
    with pytest.raises(UserError, match="not finite"):
        subset_kernel_distance(first, np.full((5, 16), np.inf))
    for subsets, size in ((0, 5), (5, 1)):
        with pytest.raises(UserError, match=f"{subsets} subsets of {size} images"):
            subset_kernel_distance(first, first, subsets, size)
