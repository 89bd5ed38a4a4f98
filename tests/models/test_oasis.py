"""OASIS's generator and discriminator, beyond what the parity cases fix."""

from dataclasses import replace

import pytest
import torch

from sdm_bench.models.oasis import OASISConfig, OASISDiscriminator, OASISGenerator
from sdm_bench.models.preset import DiscriminatorPreset
from tests.models.conditions import condition

CONFIG = OASISConfig(num_classes=4, edges=False, ngf=4, widest=2, hidden=4, z_dim=3)
WEIGHTS = DiscriminatorPreset(kind="unet", ndf=4, layers=3, lambda_labelmix=10.0)


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_the_picture_has_the_size_of_the_label_map_and_is_in_range() -> None:
    network, given = OASISGenerator(CONFIG).eval(), condition(2, 4, 32, 96)
    with torch.no_grad():
        picture = network(given, network.latent(given, generators(1, 2))).picture
    assert picture.shape == (2, 3, 32, 96)
    assert picture.abs().max() <= 1


def test_a_sample_depends_on_its_own_generator_and_not_on_the_batch() -> None:
    network, given = OASISGenerator(CONFIG), condition(2, 4, 32, 32)
    alone = replace(given, label=given.label[1:], keep=given.keep[1:])
    with torch.no_grad():
        # spectral norms that have not looked at their weights yet make values so large that rounding shows
        for _ in range(3):
            network(given, network.latent(given, generators(1, 2)))
        network.eval()
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


@pytest.mark.parametrize("size", [(32, 64), (36, 52)])
def test_the_discriminator_has_a_logit_of_every_class_and_fake_at_every_pixel(size: tuple[int, int]) -> None:
    discriminator = OASISDiscriminator(CONFIG, WEIGHTS)
    output = discriminator(torch.zeros(2, 4, *size), torch.rand(2, 3, *size))
    assert [score.shape for score in output.scores] == [(2, 5, *size)]
    assert output.features == []
