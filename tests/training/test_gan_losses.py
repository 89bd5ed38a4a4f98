"""Adversarial losses in closed form, beyond what the parity cases fix."""

import torch

from sdm_bench.training.gan_losses import feature_matching, hinge_discriminator, hinge_generator


def test_hinge_losses_of_known_scores() -> None:
    outputs = [[torch.tensor([0.5, 2.0])], [torch.tensor([-3.0])]]
    assert float(hinge_discriminator(outputs, real=True)) == (0.25 + 4.0) / 2
    assert float(hinge_discriminator(outputs, real=False)) == (2.25 + 0.0) / 2
    assert float(hinge_generator(outputs)) == (-1.25 + 3.0) / 2


def test_feature_matching_leaves_the_scores_out_and_trains_the_fake_alone() -> None:
    fake = [[torch.ones(2, requires_grad=True), torch.zeros(1), torch.tensor([9.0])]]
    real = [[torch.zeros(2, requires_grad=True), torch.ones(1), torch.tensor([0.0])]]
    loss = feature_matching(fake, real)
    loss.backward()
    assert float(loss.detach()) == 2.0
    assert fake[0][0].grad is not None
    assert real[0][0].grad is None
