"""OASIS's generator, discriminator and losses, beyond what the parity cases fix."""

from dataclasses import replace

import pytest
import torch

from sdm_bench.models.oasis import OASISConfig, OASISGenerator
from sdm_bench.models.oasis_discriminator import OASISDiscriminator
from sdm_bench.models.preset import DiscriminatorPreset
from sdm_bench.training.judged import Judged
from sdm_bench.training.oasis_losses import SegmentationVerdict, class_balance
from tests.models.conditions import condition

CONFIG = OASISConfig(num_classes=4, edges=False, ngf=4, widest=2, hidden=4, z_dim=3)
WEIGHTS = DiscriminatorPreset(kind="unet", ndf=4, layers=3, lambda_labelmix=10.0)


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def judged_of(config: OASISConfig) -> tuple[OASISGenerator, OASISDiscriminator, Judged]:
    """A generator, a discriminator, and a batch of two pictures with a gradient and as many "real" ones."""
    torch.manual_seed(0)
    network, discriminator, given = OASISGenerator(config), OASISDiscriminator(config, WEIGHTS), condition(2, 4, 32, 64)
    fake = network(given, network.latent(given, generators(1, 2))).picture
    real = torch.rand(fake.shape, generator=generators(3)[0]) * 2 - 1
    return network, discriminator, Judged(given, given.semantics(config.edges), fake, real)


def test_the_picture_has_the_size_of_the_label_map_and_is_in_range() -> None:
    network, given = OASISGenerator(CONFIG).eval(), condition(2, 4, 32, 96)
    with torch.no_grad():
        picture = network(given, network.latent(given, generators(1, 2))).picture
    assert picture.shape == (2, 3, 32, 96)
    assert picture.abs().max() <= 1


def test_a_sample_depends_on_its_own_generator_and_not_on_the_batch() -> None:
    network, given = OASISGenerator(CONFIG).eval(), condition(2, 4, 32, 32)
    alone = replace(given, label=given.label[1:], keep=given.keep[1:])
    with torch.no_grad():
        both = network(given, network.latent(given, generators(1, 2))).picture
        second = network(alone, network.latent(alone, generators(2))).picture
        other = network(alone, network.latent(alone, generators(3))).picture
    torch.testing.assert_close(both[1:], second)
    assert (second - other).abs().max() > 1e-6


def test_without_noise_channels_there_is_one_picture_a_label_map() -> None:
    config = CONFIG.model_copy(update={"z_dim": 0})
    network, given = OASISGenerator(config).eval(), condition(1, 4, 32, 32)
    assert not config.stochastic
    assert network.latent(given, generators(1)) is None
    assert network(given, None).picture.shape == (1, 3, 32, 32)


def test_fewer_blocks_keep_the_finest_widths() -> None:
    config = CONFIG.model_copy(update={"blocks": 3, "widest": 16})
    assert config.widths == [32, 16, 8, 4]
    assert config.size_multiple == 4


def test_gradients_reach_every_parameter_of_both_networks() -> None:
    network, discriminator, judged = judged_of(CONFIG)
    verdict = SegmentationVerdict(WEIGHTS, CONFIG)
    verdict.of_generator(discriminator, judged)["generator"].backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        # Batch norm takes away what biases ahead of it add.
        assert name.endswith("bias") or parameter.grad.abs().max() > 0, name
    discriminator.zero_grad()
    shown = judged._replace(fake=judged.fake.detach())
    sum(verdict.of_discriminator(discriminator, shown, generators(1, 2)).values()).backward()
    for name, parameter in discriminator.named_parameters():
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("size", [(32, 64), (36, 52)])
def test_the_discriminator_has_a_logit_of_every_class_and_fake_at_every_pixel(size: tuple[int, int]) -> None:
    discriminator = OASISDiscriminator(CONFIG, WEIGHTS)
    judgement = discriminator(torch.zeros(2, 4, *size), torch.rand(2, 3, *size))
    assert [score.shape for score in judgement.scores] == [(2, 5, *size)]
    assert judgement.features == []


def test_every_class_but_the_unknown_weighs_the_same() -> None:
    label = torch.tensor([[[0, 1, 1, 3]], [[3, 3, 3, 3]]])
    assert class_balance(label, 5, unknown_first=True)[0, 0].tolist() == pytest.approx([0, 8 / 4, 8 / 4, 8 / 10])
    assert class_balance(label, 5, unknown_first=False)[0, 0, 0] == pytest.approx(8 / 3)
    assert class_balance(torch.zeros_like(label), 5, unknown_first=True).abs().max() == 0


def test_unknown_pixels_do_not_train_the_generator() -> None:
    _, _, judged = judged_of(CONFIG)
    logits = torch.zeros(2, 5, 32, 64, requires_grad=True)

    class Constant(torch.nn.Module):
        def forward(self, semantics: torch.Tensor, picture: torch.Tensor) -> object:
            return type("Judgement", (), {"scores": [logits]})

    SegmentationVerdict(WEIGHTS, CONFIG).of_generator(Constant(), judged)["generator"].backward()
    reached = logits.grad.abs().sum(1) > 0
    assert torch.equal(reached, judged.condition.label != 0)


def test_labelmix_flips_come_from_the_samples_own_generators() -> None:
    verdict = SegmentationVerdict(WEIGHTS, CONFIG)
    both, second = verdict.flips(generators(1, 2)), verdict.flips(generators(2))
    assert both.shape == (2, 4)
    assert torch.equal(both[1:], second)
    assert 0 < verdict.flips(generators(*range(20))).float().mean() < 1
