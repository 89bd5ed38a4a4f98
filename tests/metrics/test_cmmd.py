"""CMMD in closed form and against a plain sum over all pairs."""

import numpy as np
import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.metrics import cmmd as module
from sdm_bench.metrics.cmmd import cmmd, middle_square


def features(count: int, dimensions: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(count, dimensions)) + seed
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def test_two_points_in_closed_form() -> None:
    """One embedding a side at distance d: 1 + 1 - 2 exp(-d^2 / 200), times 1,000."""
    found = cmmd(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]))
    assert found == pytest.approx(2000 * (1 - np.exp(-25 / 200)), rel=1e-12)


def test_the_sum_over_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = features(7, 5, 0), features(4, 5, 1)

    def mean(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.mean([np.exp(-((p.astype(float) - q) ** 2).sum() / 200) for p in a for q in b]))

    expected = 1000 * (mean(x, x) + mean(y, y) - 2 * mean(x, y))
    assert cmmd(x, y) == pytest.approx(expected, rel=1e-9)
    assert cmmd(y, x) == pytest.approx(expected, rel=1e-9)
    monkeypatch.setattr(module, "CHUNK", 3)
    assert cmmd(x, y) == pytest.approx(expected, rel=1e-9)


def test_equal_sets_are_at_no_distance_and_a_narrow_kernel_sees_only_equal_ones() -> None:
    x = features(6, 8, 0)
    assert cmmd(x, x) == pytest.approx(0, abs=1e-9)
    assert cmmd(x[:3], x[3:], sigma=1e-3, scale=1.0) == pytest.approx(2 / 3)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(UserError, match="features of 5 and 4 dimensions"):
        cmmd(features(3, 5, 0), features(3, 4, 0))
    with pytest.raises(UserError, match="not finite"):
        cmmd(np.full((3, 5), np.nan), features(3, 5, 0))


def test_the_middle_square_is_what_the_network_sees() -> None:
    image = np.zeros((4, 10, 3), np.uint8)
    image[:, 3:7] = 200
    assert (middle_square(image, 4) == 200).all()
    assert middle_square(image, 8).shape == (8, 8, 3)
