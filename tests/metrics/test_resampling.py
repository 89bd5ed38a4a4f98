"""The bootstrap against closed forms, and its distances against those of the repeated features."""

import numpy as np
import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.metrics.frechet import frechet_distance
from sdm_bench.metrics.resampling import Interval, PairedFeatures, draws, interval


def features(seed: int, count: int = 30, dimensions: int = 48) -> np.ndarray:
    """Positive features far from the origin, as networks have them."""
    rng = np.random.default_rng(seed)
    return (5 + rng.gamma(2, 1, (count, dimensions)) @ rng.normal(0, 0.2, (dimensions, dimensions))).astype(np.float32)


def test_a_resample_has_as_many_examples_as_there_are() -> None:
    found = draws(40, 500, seed=3)
    assert found.shape == (500, 40)
    assert (found.sum(1) == 40).all()
    assert found.mean(0) == pytest.approx(np.ones(40), abs=0.2)
    assert np.array_equal(found, draws(40, 500, seed=3))
    with pytest.raises(UserError, match="1 resamples of 40 examples"):
        draws(40, 1)


@pytest.mark.parametrize("dimensions", [8, 48])
def test_a_distance_is_that_of_the_repeated_features(dimensions: int) -> None:
    pictures, photographs = features(0, dimensions=dimensions), features(1, dimensions=dimensions)
    paired = PairedFeatures.of(pictures, photographs)
    for counts in (np.ones(30, np.int64), *draws(30, 3)):
        expected = frechet_distance(np.repeat(pictures, counts, 0), np.repeat(photographs, counts, 0))
        assert paired.distance(counts) == pytest.approx(expected, rel=1e-6)


def test_the_interval_of_a_mean_is_that_of_its_standard_error() -> None:
    values = np.random.default_rng(5).normal(2, 3, 400)
    counts = draws(400, 4000)
    found = interval(float(values.mean()), counts @ values / 400)
    reach = 1.959964 * values.std() / np.sqrt(400)
    assert (found.low, found.high) == pytest.approx((values.mean() - reach, values.mean() + reach), abs=0.05 * reach)
    assert found.excludes_zero
    assert not Interval(0.1, -0.1, 0.3).excludes_zero


def test_what_is_common_to_both_cancels() -> None:
    scene = np.random.default_rng(6).normal(0, 10, 200)
    first, second = scene, scene + np.random.default_rng(7).normal(1, 0.1, 200)
    counts = draws(200, 1000)
    alone = interval(float(second.mean()), counts @ second / 200)
    paired = interval(float((second - first).mean()), counts @ (second - first) / 200)
    assert paired.high - paired.low < 0.03 * (alone.high - alone.low)


def test_sets_that_do_not_pair_are_refused() -> None:
    with pytest.raises(UserError, match="30 pictures and 29 photographs; expected as many of each"):
        PairedFeatures.of(features(0), features(1)[:29])
    with pytest.raises(UserError, match="48"):
        PairedFeatures.of(features(0), features(1, dimensions=40))
