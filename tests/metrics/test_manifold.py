"""Precision, recall, density and coverage: brute force, torch-fidelity, expected values; blocks and duplicates."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from torch_fidelity import metric_prc

from sdm_bench.base.errors import UserError
from sdm_bench.metrics.manifold import DensityCoverage, PrecisionRecall, density_coverage, precision_recall


def features(count: int, seed: int, dimensions: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(count, dimensions)) + 0.3 * seed).astype(np.float32)


def radii(values: np.ndarray, k: int) -> np.ndarray:
    """Distances to the k-th other, pair by pair."""
    return np.sort(cdist(values, values))[:, k]


@pytest.mark.parametrize(("count", "other", "k"), [(60, 60, 3), (60, 35, 5), (35, 60, 1)])
def test_they_are_what_the_papers_define(count: int, other: int, k: int) -> None:
    real, generated = features(count, 1).astype(np.float64), features(other, 2).astype(np.float64)
    distances = cdist(real, generated)
    of_real, of_generated = radii(real, k)[:, None], radii(generated, k)[None]
    found, dense = precision_recall(real, generated, k), density_coverage(real, generated, k)
    assert found.precision == (distances <= of_real).any(0).mean()
    assert found.recall == (distances <= of_generated).any(1).mean()
    assert dense.density == pytest.approx((distances < of_real).sum(0).mean() / k, rel=1e-14)
    assert dense.coverage == (distances.min(1) < of_real[:, 0]).mean()
    assert 0 < found.precision < 1
    assert 0 < dense.coverage < 1


def test_balls_without_their_surface_leave_out_what_lies_on_it() -> None:
    """Points on a line, all two apart: 4 and 6 lie on each other's ball and in none."""
    real, generated = np.array([[0.0], [2.0], [4.0]]), np.array([[6.0], [8.0]])
    assert precision_recall(real, generated, 1) == PrecisionRecall(0.5, pytest.approx(1 / 3))
    assert precision_recall(real, generated, 1, surface=False) == PrecisionRecall(0.0, 0.0)
    real, generated = features(60, 1).astype(np.float64), features(45, 2).astype(np.float64)
    distances = cdist(real, generated)
    found = precision_recall(real, generated, 5, surface=False)
    assert found.precision == (distances < radii(real, 5)[:, None]).any(0).mean()
    assert found.recall == (distances < radii(generated, 5)[None]).any(1).mean()


@pytest.mark.parametrize("k", [2, 3])
def test_precision_and_recall_are_those_of_torch_fidelity(k: int) -> None:
    real, generated = features(90, 1), features(70, 2)
    theirs = metric_prc.prc_features_to_metric(
        torch.from_numpy(generated).double(),
        torch.from_numpy(real).double(),
        prc_neighborhood=k,
        prc_batch_size=25,
        save_cpu_ram=True,
        verbose=False,
    )
    found = precision_recall(real, generated, k)
    assert (found.precision, found.recall) == pytest.approx((theirs["precision"], theirs["recall"]), abs=1e-7)


@pytest.mark.parametrize("chunk", [4, 7, 64, 98])
def test_the_size_of_the_blocks_changes_nothing(chunk: int) -> None:
    """With duplicates within and across, where distances equal radii, and features far from zero."""
    real = np.concatenate([features(90, 1, 40), features(9, 1, 40)]) * 3 + 100
    generated = np.concatenate([real[::3], features(30, 2, 40) + 100])
    for measure in (precision_recall, density_coverage):
        assert measure(real, generated, chunk=chunk) == measure(real, generated)


def test_equal_sets_agree_wholly() -> None:
    """A ball without its surface holds its centre and k - 1 of its k nearest."""
    values = features(80, 1)
    assert precision_recall(values, values[::-1]) == PrecisionRecall(1, 1)
    assert density_coverage(values, values[::-1]) == DensityCoverage(pytest.approx(1, rel=1e-14), 1)


def test_copies_of_one_image_are_in_each_others_balls() -> None:
    """Of radius 0, which have a surface but nothing inside."""
    values = np.full((6, 3), 0.1, np.float32)
    assert precision_recall(values, values) == PrecisionRecall(1, 1)
    assert density_coverage(values, values) == DensityCoverage(0, 0)


def test_sets_apart_have_nothing_in_common_and_a_part_of_the_real_is_precise() -> None:
    real = np.concatenate([features(50, 1), features(50, 1) + 100])
    assert precision_recall(real, real + 1000) == PrecisionRecall(0, 0)
    assert density_coverage(real, real + 1000) == DensityCoverage(0, 0)
    half = precision_recall(real, real[:50])
    assert (half.precision, half.recall) == (1, 0.5)
    assert density_coverage(real, real[:50]).coverage == 0.5


def test_equal_distributions_give_the_expected_density_and_coverage() -> None:
    """Density 1; a ball is empty where its k nearest among all others are real: prod (M - i) / (M + N - i), i = 1..k.

    40 draws of 100 and 80 images; within 0.02, three times the deviation of the mean.
    """
    k, m, n = 5, 100, 80
    rng = np.random.default_rng(0)
    found = [density_coverage(rng.normal(size=(m, 4)), rng.normal(size=(n, 4)), k) for _ in range(40)]
    empty = np.prod([(m - i) / (m + n - i) for i in range(1, k + 1)])
    assert np.mean([each.coverage for each in found]) == pytest.approx(1 - empty, abs=0.02)
    assert np.mean([each.density for each in found]) == pytest.approx(1, abs=0.06)


def test_what_cannot_be_measured_is_refused() -> None:
    values = features(10, 1)
    for real, generated, name in ((values[:3], values, "real"), (values, values[:3], "generated")):
        with pytest.raises(UserError, match=f"3 {name} images; 3 nearest neighbours need at least 4"):
            precision_recall(real, generated)
    with pytest.raises(UserError, match="5 real images"):
        density_coverage(values[:5], values)
    assert density_coverage(values, values[:1]).density > 0
    with pytest.raises(UserError, match="k = 0"):
        density_coverage(values, values, k=0)
    with pytest.raises(UserError, match="features of 6 and 4 dimensions"):
        precision_recall(values, features(10, 1, 4))
    with pytest.raises(UserError, match="not finite"):
        density_coverage(values, np.full((10, 6), np.nan))
