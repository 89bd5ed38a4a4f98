"""Adversarial losses in closed form, beyond what the parity cases fix."""

import pytest
import torch

from sdm_bench.models.gan import Gaussian
from sdm_bench.training.gan_losses import feature_matching, gan_losses, kl_divergence

SCORES = [torch.tensor([0.5, 2.0]), torch.tensor([-3.0])]


@pytest.mark.parametrize(
    ("kind", "real", "of_generator", "expected"),
    [
        ("hinge", True, False, [0.25, 4.0]),
        ("hinge", False, False, [2.25, 0.0]),
        ("hinge", True, True, [-1.25, 3.0]),
        ("ls", True, True, [(0.25 + 1.0) / 2, 16.0]),
        ("ls", False, False, [(0.25 + 4.0) / 2, 9.0]),
        ("wasserstein", False, False, [1.25, -3.0]),
    ],
)
def test_losses_of_known_scores(kind: str, real: bool, of_generator: bool, expected: list[float]) -> None:
    assert gan_losses(kind, SCORES, real, of_generator).tolist() == expected


def test_feature_matching_is_a_mean_over_groups_and_trains_the_fake_alone() -> None:
    fake = [[torch.ones(2, requires_grad=True), torch.zeros(1)], [torch.zeros(3)]]
    real = [[torch.zeros(2, requires_grad=True), torch.ones(1)], [torch.ones(3)]]
    loss = feature_matching(fake, real)
    loss.backward()
    assert float(loss.detach()) == 1.5
    assert fake[0][0].grad is not None
    assert real[0][0].grad is None
    assert float(feature_matching(fake[:1], real[:1], start=1).detach()) == 1.0


def test_kl_is_summed_over_values_and_averaged_over_posteriors() -> None:
    standard = Gaussian(torch.zeros(2, 3), torch.zeros(2, 3))
    shifted = Gaussian(torch.ones(2, 3), torch.zeros(2, 3))
    assert float(kl_divergence([standard])) == 0
    assert float(kl_divergence([shifted])) == 3.0
    assert float(kl_divergence([standard, shifted])) == 1.5
