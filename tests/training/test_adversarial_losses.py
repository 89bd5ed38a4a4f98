"""Adversarial losses in closed form, beyond what the parity cases fix."""

import pytest
import torch

from sdm_bench.models.gan import Gaussian
from sdm_bench.models.oasis import OASISConfig, OASISDiscriminator, OASISGenerator
from sdm_bench.training.adversarial_losses import (
    DiscriminatorInput,
    SegmentationAdversarialLoss,
    class_balance,
    feature_matching,
    gan_losses,
    kl_divergence,
)
from tests.models.conditions import condition
from tests.models.test_oasis import CONFIG, WEIGHTS, generators

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


def networks_and_input(config: OASISConfig) -> tuple[OASISGenerator, OASISDiscriminator, DiscriminatorInput]:
    """A generator, a discriminator, and a batch of two pictures with a gradient and as many "real" ones."""
    torch.manual_seed(0)
    network, discriminator, given = OASISGenerator(config), OASISDiscriminator(config, WEIGHTS), condition(2, 4, 32, 64)
    fake = network(given, network.latent(given, generators(1, 2))).picture
    real = torch.rand(fake.shape, generator=generators(3)[0]) * 2 - 1
    return network, discriminator, DiscriminatorInput(given, given.semantics(config.edges), fake, real)


def test_gradients_reach_every_parameter_of_both_networks() -> None:
    network, discriminator, shown = networks_and_input(CONFIG)
    adversarial_loss = SegmentationAdversarialLoss(WEIGHTS, CONFIG)
    adversarial_loss.generator_losses(discriminator, shown)["generator"].backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        # Batch norm takes away what biases ahead of it add.
        assert name.endswith("bias") or parameter.grad.abs().max() > 0, name
    discriminator.zero_grad()
    shown = shown._replace(fake=shown.fake.detach())
    sum(adversarial_loss.discriminator_losses(discriminator, shown, generators(1, 2)).values()).backward()
    for name, parameter in discriminator.named_parameters():
        assert parameter.grad.abs().max() > 0, name


def test_every_class_but_the_unknown_weighs_the_same() -> None:
    label = torch.tensor([[[0, 1, 1, 3]], [[3, 3, 3, 3]]])
    assert class_balance(label, 5, unknown_first=True)[0, 0].tolist() == pytest.approx([0, 8 / 4, 8 / 4, 8 / 10])
    assert class_balance(label, 5, unknown_first=False)[0, 0, 0] == pytest.approx(8 / 3)
    assert class_balance(torch.zeros_like(label), 5, unknown_first=True).abs().max() == 0


def test_unknown_pixels_do_not_train_the_generator() -> None:
    _, _, shown = networks_and_input(CONFIG)
    logits = torch.zeros(2, 5, 32, 64, requires_grad=True)

    class Constant(torch.nn.Module):
        def forward(self, semantics: torch.Tensor, picture: torch.Tensor) -> object:
            return type("DiscriminatorOutput", (), {"scores": [logits]})

    SegmentationAdversarialLoss(WEIGHTS, CONFIG).generator_losses(Constant(), shown)["generator"].backward()
    reached = logits.grad.abs().sum(1) > 0
    assert torch.equal(reached, shown.condition.label != 0)


def test_labelmix_flips_come_from_the_samples_own_generators() -> None:
    adversarial_loss = SegmentationAdversarialLoss(WEIGHTS, CONFIG)
    both, second = adversarial_loss.flips(generators(1, 2)), adversarial_loss.flips(generators(2))
    assert both.shape == (2, 4)
    assert torch.equal(both[1:], second)
    assert 0 < adversarial_loss.flips(generators(*range(20))).float().mean() < 1
