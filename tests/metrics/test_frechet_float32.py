"""The Fréchet distance in float32: a closed form where nothing is singular, else what OASIS's program prints."""

import numpy as np
import pytest
import torch
from scipy import linalg

from sdm_bench.base.errors import UserError
from sdm_bench.metrics.frechet import frechet_distance
from sdm_bench.metrics.frechet_float32 import frechet_distance_float32
from tests.parity.cases import SHARED

# Activations of 200 street pictures a side; what boschresearch/OASIS@aeb875f utils/fid_scores.py makes of every fourth.
CASE = SHARED / "cases/20-oasis-float32-covariance/activations.npz"
ORIGINAL, IN_FLOAT64 = 12.73674, 12.83078


def features(count: int, dimensions: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    scale = np.arange(1, dimensions + 1) ** -0.5
    return (rng.normal(size=(count, dimensions)) * scale + 0.1 * seed).astype(np.float32)


def test_scaling_and_shifting_a_set_has_a_closed_form() -> None:
    """Of c X + s: D s^2 with the mean's share, and (1 - c)^2 tr S; the product's root is c S."""
    real = features(400, 24, 0)
    generated = 1.5 * real + 0.5
    mean, spread = real.mean(0, dtype=np.float64), real.var(0, ddof=1, dtype=np.float64).sum()
    expected = ((0.5 * mean + 0.5) ** 2).sum() + 0.25 * spread
    assert frechet_distance_float32(real, generated) == pytest.approx(expected, rel=1e-4)


def test_of_few_pictures_rounding_makes_it_smaller() -> None:
    """The same as NumPy's covariances in float32 give, to the noise; and several times as far from float64."""
    real, generated = features(40, 200, 0), features(40, 200, 1)
    covariances = [np.cov(each, rowvar=False).astype(np.float32) for each in (real, generated)]
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    shift = real.mean(0) - generated.mean(0)
    expected = shift @ shift + sum(np.trace(each) for each in covariances) - 2 * np.trace(root)
    found, exact = frechet_distance_float32(real, generated), frechet_distance(generated, real)
    assert found < exact
    assert abs(found - expected) < 0.4 * (exact - found)


@pytest.mark.skipif(not CASE.is_file(), reason="needs the case of OASIS's activations")
def test_it_is_what_the_original_prints() -> None:
    """On one machine to the last digit; libraries' kernels of another moved 54.22, of all dimensions, to 54.31."""
    with np.load(CASE) as stored:
        real, generated = (np.ascontiguousarray(stored[name][:, ::4]) for name in ("r", "g"))
    found = frechet_distance_float32(real, generated)
    assert found == pytest.approx(ORIGINAL, abs=0.2 * (IN_FLOAT64 - ORIGINAL))
    assert frechet_distance(generated, real) == pytest.approx(IN_FLOAT64, abs=1e-4)


def test_a_root_that_is_not_finite_is_taken_again_with_an_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def root(product: np.ndarray) -> np.ndarray:
        asked.append(product)
        return np.full_like(product, np.nan) if len(asked) == 1 else np.eye(len(product)) * 0.5

    monkeypatch.setattr(linalg, "sqrtm", root)
    real = features(50, 3, 0)
    covariance = torch.from_numpy(real).T.cov().numpy()
    found = frechet_distance_float32(real, real)
    assert found == pytest.approx(2 * np.trace(covariance) - 2 * 3 * 0.5, abs=1e-5)
    shifted = covariance + 1e-6 * np.eye(3)
    np.testing.assert_allclose(asked[1], shifted @ shifted, rtol=1e-6)
    assert (asked[0].dtype, asked[1].dtype) == (np.float32, np.float64)


def test_what_cannot_be_measured_is_refused() -> None:
    real = features(10, 4, 0)
    with pytest.raises(UserError, match="expected at least 2"):
        frechet_distance_float32(real, real[:1])
    with pytest.raises(UserError, match="features of 4 and 3 dimensions"):
        frechet_distance_float32(real, features(10, 3, 0))
    with pytest.raises(UserError, match="not finite"):
        frechet_distance_float32(np.full((5, 4), np.nan), real)
