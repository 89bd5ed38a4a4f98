"""SCGAN's generator, beyond what the parity cases fix."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sdm_bench.models import methods
from sdm_bench.models.scgan import (
    SCGANConfig,
    SCGANGenerator,
    SpatiallyConditionalConvolution,
    SpatiallyConditionalNorm,
    expert_scores,
    gaussian_positions,
)
from tests.models.conditions import condition
from tests.models.test_ccfpse import spread

CONFIG = SCGANConfig(num_classes=4, edges=True, ngf=2, nff=3, nrf=4, widest=2, hidden=4)
VAE = CONFIG.model_copy(update={"vae": True, "z_dim": 8, "nef": 2, "image_size": (32, 64)})


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same weights in every run."""
    torch.manual_seed(0)


@pytest.mark.parametrize("position", ["none", "plain", "pyramid"])
def test_both_pictures_have_the_size_of_the_label_map_and_are_in_range(position: str) -> None:
    network = spread(SCGANGenerator(CONFIG.model_copy(update={"position": position})))
    with torch.no_grad():
        picture, _, auxiliary = network(condition(2, 4, 32, 96))
    for each in (picture, auxiliary):
        assert each.shape == (2, 3, 32, 96)
        assert each.abs().max() <= 1
    assert not torch.equal(picture, auxiliary)


def test_label_maps_are_halved_by_averages_or_by_nearest_values_with_positions_on_the_finest() -> None:
    semantics = condition(1, 4, 32, 64).semantics(edges=True)
    averaged = SCGANGenerator(CONFIG).pyramid(semantics)
    assert [each.shape[2:] for each in averaged] == [(2**k, 2 ** (k + 1)) for k in range(6)]
    torch.testing.assert_close(averaged[0], F.adaptive_avg_pool2d(semantics, (1, 2)))
    located = SCGANGenerator(CONFIG.model_copy(update={"position": "plain"})).pyramid(semantics)[-1]
    assert torch.equal(located[:, -1], semantics[:, -1])
    assert located[:, :-1].max() > 2
    pyramid = SCGANGenerator(CONFIG.model_copy(update={"position": "pyramid", "position_levels": 1})).pyramid(semantics)
    assert torch.equal(pyramid[-2], F.interpolate(semantics, scale_factor=0.5))
    assert pyramid[-1].max() > 2


@pytest.mark.parametrize("relative", [False, True])
def test_positions_are_two_dimensional_gaussian_sums_over_the_class(relative: bool) -> None:
    labels = condition(1, 4, 16, 24).semantics(edges=False)
    offsets = torch.arange(5) - 2
    window = torch.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.2**2)).expand(4, 1, 5, 5)
    once = F.conv2d(labels, window, padding=2, groups=4) * labels
    twice = F.conv2d(once, window, padding=2, groups=4) * labels
    expected = twice / (once + 1e-8) if relative else twice
    torch.testing.assert_close(gaussian_positions(labels, 5, 1.2, 2, relative), expected)


def test_a_pixel_with_one_expert_is_convolved_by_it_alone() -> None:
    layer = SpatiallyConditionalConvolution(2, 3, experts=2, wrap=lambda base: base)
    x, shares = torch.rand(1, 2, 8, 8), torch.zeros(1, 2, 8, 8)
    shares[:, 0, :, :4] = shares[:, 1, :, 4:] = 1
    mixed, first, second = layer(x, shares), layer.conv_bases[0](x), layer.conv_bases[1](x)
    torch.testing.assert_close(mixed, torch.cat([first[..., :4], second[..., 4:]], dim=-1))


def test_experts_are_scored_by_runs_of_channels() -> None:
    vectors = torch.arange(8.0)[None, :, None, None].expand(1, 8, 2, 3)
    assert expert_scores(vectors, 4)[0, :, 1, 2].tolist() == [0.5, 2.5, 4.5, 6.5]


def test_noise_is_each_samples_own_and_a_style_replaces_its_mean() -> None:
    network, plain = spread(SCGANGenerator(VAE)), condition(2, 4, 32, 64)
    noise = network.latent(plain, [torch.Generator().manual_seed(seed) for seed in (1, 2)])
    assert torch.equal(noise[1:], network.latent(condition(1, 4, 32, 64), [torch.Generator().manual_seed(2)]))
    with torch.no_grad():
        sampled, styled = network(plain, noise), network(condition(2, 4, 32, 64, styled=True), noise)
        assert not torch.equal(sampled.picture, network(plain, -noise).picture)
    assert styled.picture.isfinite().all()
    assert not torch.equal(sampled.picture, styled.picture)
    assert styled.posteriors[0].log_variance.shape == (2, 8)


@pytest.mark.parametrize("spectral", [False, True])
def test_all_parameters_train_the_auxiliary_picture_those_that_only_it_needs(spectral: bool) -> None:
    network = SCGANGenerator(CONFIG.model_copy(update={"spectral": spectral, "temperature": 1.0}))
    generated = network(condition(2, 4, 32, 64))
    generated.picture.square().sum().backward(retain_graph=True)
    without = {name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()}
    assert {name.split(".")[1] for name in without} == {"toRGB"}
    (generated.auxiliary - 1).abs().sum().backward()
    assert all(p.grad.any() for p in network.parameters())


def test_parts_of_faces_come_before_the_background() -> None:
    config = methods.network_config("scgan", {"num_classes": 19, "edges": False, "class_shift": -1})
    faces = replace(condition(1, 19, 8, 8), label=torch.arange(19)[None, None])
    assert config.remap_condition(faces).label.flatten().tolist() == [18, *range(18)]


def test_a_new_norm_does_nothing_but_normalise() -> None:
    norm = SpatiallyConditionalNorm(4, 2, lambda width: nn.InstanceNorm2d(width))
    x = torch.arange(72.0).reshape(1, 4, 3, 6).sin()
    assert torch.equal(norm(x, torch.full((1, 2, 3, 6), 0.5)), norm.param_free_norm(x))
