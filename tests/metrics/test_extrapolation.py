"""FD_inf: its points are Fréchet distances of subsets, its line is least squares, its limit that of a Gaussian."""

import numpy as np
import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.metrics.extrapolation import frechet_distance_infinity
from sdm_bench.metrics.frechet import Statistics, frechet_distance, gaussian, statistics


def features(count: int, dimensions: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    scale = np.arange(1, dimensions + 1) ** -0.5
    return (rng.normal(size=(count, dimensions)) * scale + 0.1 * seed + 5).astype(np.float32)


@pytest.mark.parametrize(("count", "real", "dimensions"), [(150, 90, 200), (150, 300, 200), (300, 100, 20)])
def test_the_points_are_distances_of_seeded_subsets(count: int, real: int, dimensions: int) -> None:
    generated, reference = features(count, dimensions, 1), features(real, dimensions, 2)
    found = frechet_distance_infinity(generated, reference, seed=4)
    rng = np.random.default_rng(4)
    expected = [frechet_distance(generated[rng.permutation(count)[:size]], reference) for size in found.sizes]
    np.testing.assert_allclose(found.distances, expected, rtol=1e-9)
    assert found.distances[-1] == pytest.approx(frechet_distance(generated, reference), rel=1e-9)


def test_value_and_error_are_those_of_least_squares() -> None:
    found = frechet_distance_infinity(features(200, 10, 1), features(300, 10, 2), points=8)
    design = np.stack([np.ones(8), 1 / found.sizes], 1)
    (value, slope), (residual,), *_ = np.linalg.lstsq(design, found.distances)
    error = np.sqrt(residual / (8 - 2) * np.linalg.inv(design.T @ design)[0, 0])
    assert slope > 0
    assert (found.value, found.standard_error) == pytest.approx((value, error), rel=1e-8)


def test_sizes_are_steps_from_half_or_five_thousand_to_all() -> None:
    """From 10,000 images on those of the paper's program."""
    for count, smallest in ((100, 50), (501, 250), (12000, 5000)):
        sizes = frechet_distance_infinity(features(count, 2, 1), features(50, 2, 2)).sizes
        np.testing.assert_array_equal(sizes, np.linspace(smallest, count, 15).astype(int))


def test_from_a_tenth_on_it_is_that_of_dgm_eval() -> None:
    """Sizes, draws and line as dgm_eval/metrics/fd.py has them."""
    generated, real = features(150, 12, 1), features(90, 12, 2)
    found = frechet_distance_infinity(generated, real, seed=4, start="tenth")
    np.testing.assert_array_equal(found.sizes, np.linspace(15, 150, 15).astype("int32"))
    rng = np.random.default_rng(4)
    expected = [frechet_distance(rng.choice(generated, size, replace=False), real) for size in found.sizes]
    np.testing.assert_allclose(found.distances, expected, rtol=1e-8)
    assert found.value == pytest.approx(np.polyfit(1 / found.sizes, expected, 1)[1], rel=1e-8)
    sizes = frechet_distance_infinity(features(20, 2, 1), real[:, :2], start="tenth").sizes
    assert (sizes[0], sizes[-1]) == (2, 20)
    large = frechet_distance_infinity(features(60000, 1, 1), real[:, :1], start="tenth").sizes
    assert large[0] == 5000


@pytest.mark.parametrize(("count", "share"), [(400, 0.2), (100, 0.35)])
def test_the_bias_of_few_images_goes(count: int, share: float) -> None:
    """20 sets in 40 dimensions and exact real moments: what remains is at most a share of the distance's bias."""
    scale = np.arange(1, 41) ** -0.5
    real = Statistics(np.full(40, 0.05), np.diag(scale**2 * 1.3), 0)
    truth = 40 * 0.05**2 + (scale**2 * (1.3 + 1 - 2 * np.sqrt(1.3))).sum()
    rng = np.random.default_rng(0)
    found = [frechet_distance_infinity(rng.normal(size=(count, 40)) * scale, real) for _ in range(20)]
    bias = np.mean([each.distances[-1] for each in found]) - truth
    assert bias > 0.1 * truth
    assert abs(np.mean([each.value for each in found]) - truth) < share * bias


def test_the_real_set_is_features_statistics_or_a_gaussian() -> None:
    generated, real = features(120, 30, 1), features(25, 30, 2)
    values = [
        frechet_distance_infinity(generated, given).value
        for given in (real, statistics(real), gaussian(real), gaussian(statistics(real)))
    ]
    assert values == pytest.approx([values[0]] * 4, rel=1e-9)


def test_the_seed_decides() -> None:
    generated, real = features(120, 8, 1), features(60, 8, 2)
    values = [frechet_distance_infinity(generated, real, seed=seed).value for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_what_cannot_be_extrapolated_is_refused() -> None:
    real = features(60, 8, 2)
    with pytest.raises(UserError, match="expected at least 100"):
        frechet_distance_infinity(features(99, 8, 1), real)
    with pytest.raises(UserError, match="expected at least 20"):
        frechet_distance_infinity(features(19, 8, 1), real, start="tenth")
    with pytest.raises(UserError, match="features of 8 and 4 dimensions"):
        frechet_distance_infinity(features(100, 8, 1), features(60, 4, 2))
    for points in (2, 52):
        with pytest.raises(UserError, match=f"{points} points; expected from 3 to 51 for 100 images"):
            frechet_distance_infinity(features(100, 8, 1), real, points=points)
