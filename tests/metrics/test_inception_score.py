"""The inception score: closed forms, torch-fidelity and torchmetrics."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch import nn
from torch_fidelity import metric_isc
from torchmetrics.image.inception import InceptionScore as TheirInceptionScore

from sdm_bench.base.errors import UserError
from sdm_bench.metrics.inception_score import InceptionScore, inception_score

LOGITS = np.random.default_rng(0).normal(size=(107, 12)).astype(np.float32) * 3


@pytest.mark.parametrize(("classes", "images"), [(4, 40), (10, 1000)])
def test_one_class_an_image_and_all_alike_give_the_number_of_classes(classes: int, images: int) -> None:
    """KL is log C for each image, also where all other probabilities are exactly 0."""
    values = np.eye(classes)[np.arange(images) % classes]
    found = inception_score(values, logits=False, splits=10, seed=None)
    assert (found.mean, found.spread) == pytest.approx((classes, 0), abs=1e-12)


def test_images_that_are_alike_score_one() -> None:
    values = np.tile([0.5, 0.3, 0.2], (20, 1))
    found = inception_score(values, logits=False)
    assert (found.mean, found.spread, found.splits) == pytest.approx((1, 0, 10), abs=1e-12)


def test_two_kinds_of_images() -> None:
    """p = (3/4, 1/4) and (1/4, 3/4), halves: KL = 3/4 log 3/2 + 1/4 log 1/2."""
    values = np.array([[0.75, 0.25], [0.25, 0.75]] * 5)
    expected = 1.5**0.75 * 0.5**0.25
    assert inception_score(values, logits=False, splits=1).mean == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("splits", "seed"), [(10, 2020), (7, 3), (1, None), (10, None)])
def test_it_is_that_of_torch_fidelity(splits: int, seed: int | None) -> None:
    theirs = metric_isc.isc_features_to_metric(torch.from_numpy(LOGITS), splits, seed is not None, seed)
    for values, logits in ((LOGITS, True), (softmax(LOGITS.astype(np.float64), axis=1), False)):
        found = inception_score(values, logits=logits, splits=splits, seed=seed)
        assert found.mean == pytest.approx(theirs["inception_score_mean"], rel=1e-12)
        assert found.spread == pytest.approx(theirs["inception_score_std"], abs=1e-12)


@pytest.mark.filterwarnings("ignore:Metric `InceptionScore` will save")
def test_it_is_that_of_torchmetrics() -> None:
    """Its order is drawn by torch, its spread is over one split fewer."""
    metric = TheirInceptionScore(feature=nn.Identity(), splits=5)
    logits = torch.from_numpy(LOGITS[:100]).double()
    metric.update(logits)
    torch.manual_seed(1)
    mean, spread = metric.compute()
    torch.manual_seed(1)
    order = torch.randperm(100).numpy()
    found = inception_score(LOGITS[:100][order], logits=True, splits=5, seed=None)
    assert (found.mean, found.spread * np.sqrt(5 / 4)) == pytest.approx((float(mean), float(spread)), rel=1e-11)


def test_the_seed_decides_the_parts() -> None:
    found = [inception_score(LOGITS, logits=True, seed=seed).mean for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]


def test_logits_of_any_size_are_safe() -> None:
    values = np.array([[2000.0, -2000.0], [-2000.0, 2000.0]] * 3)
    assert inception_score(values, logits=True, splits=1) == InceptionScore(pytest.approx(2), 0, 1)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(UserError, match="are these logits"):
        inception_score(LOGITS, logits=False)
    with pytest.raises(UserError, match=r"sum to 0\.5"):
        inception_score(np.full((10, 2), 0.25), logits=False)
    with pytest.raises(UserError, match="not finite"):
        inception_score(np.full((10, 2), np.nan), logits=True)
    with pytest.raises(UserError, match=r"expected \(N, C\)"):
        inception_score(LOGITS[0], logits=True)
    for splits in (0, 11):
        with pytest.raises(UserError, match=f"{splits} splits of 10 images"):
            inception_score(LOGITS[:10], logits=True, splits=splits)
