"""CC-FPSE's generator and discriminator, beyond what the parity cases fix."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sdm_bench.models.ccfpse import CCFPSEConfig, CCFPSEGenerator, FPSEDiscriminator, conditional_convolution
from sdm_bench.models.preset import DiscriminatorPreset
from tests.models.conditions import condition

CONFIG = CCFPSEConfig(num_classes=4, edges=True, ngf=2, widest=2, hidden=4)
VAE = CONFIG.model_copy(update={"vae": True, "z_dim": 8, "nef": 2, "image_size": (32, 64)})
DISCRIMINATOR = DiscriminatorPreset(kind="fpse", ndf=2)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same weights in every run."""
    torch.manual_seed(0)


@pytest.fixture
def two_samples() -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in (1, 2)]


def spread(network: torch.nn.Module) -> torch.nn.Module:
    """The network with weights so large that every part of it shows in its output, in evaluation mode.

    Spectral norms take a step of power iteration; until the first they divide by what random vectors give, at worst by
    almost zero.
    """
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    for module in network.modules():
        for spectral_norm in module._forward_pre_hooks.values():
            spectral_norm(module, ())
    return network.eval()


@pytest.mark.parametrize(("upsampling", "height", "width"), [("normal", 32, 96), ("more", 64, 128)])
def test_the_picture_has_the_size_of_the_label_map_and_is_in_range(upsampling: str, height: int, width: int) -> None:
    network = spread(CCFPSEGenerator(CONFIG.model_copy(update={"upsampling": upsampling})))
    with torch.no_grad():
        picture = network(condition(2, 4, height, width)).picture
    assert picture.shape == (2, 3, height, width)
    assert picture.abs().max() <= 1


def unfolded(x: Tensor, kernels: Tensor) -> Tensor:
    """The conditional convolution as a sum over explicit neighbourhoods."""
    neighbours = F.unfold(x, 3, padding=1).unflatten(1, (x.shape[1], 9)).unflatten(-1, x.shape[2:])
    return (neighbours * kernels.unflatten(1, (x.shape[1], 9))).sum(dim=2)


def test_the_conditional_convolution_and_its_gradients_are_those_of_explicit_neighbourhoods() -> None:
    x, kernels = torch.randn(2, 2, 2, 3, dtype=torch.float64), torch.randn(2, 18, 2, 3, dtype=torch.float64)
    inputs = (x.requires_grad_(), kernels.requires_grad_())
    torch.testing.assert_close(conditional_convolution(*inputs), unfolded(*inputs))
    assert torch.autograd.gradcheck(conditional_convolution, inputs)


def test_noise_is_each_samples_own_and_a_style_replaces_its_mean(two_samples: list[torch.Generator]) -> None:
    network, plain = spread(CCFPSEGenerator(VAE)), condition(2, 4, 32, 64)
    noise = network.latent(plain, two_samples)
    assert torch.equal(noise[1:], network.latent(condition(1, 4, 32, 64), [torch.Generator().manual_seed(2)]))
    with torch.no_grad():
        sampled, styled = network(plain, noise), network(condition(2, 4, 32, 64, styled=True), noise)
        assert not torch.equal(sampled.picture, network(plain, -noise).picture)
    assert not sampled.posteriors
    assert styled.picture.isfinite().all()
    assert not torch.equal(sampled.picture, styled.picture)
    assert styled.posteriors[0].mean.shape == (2, 8)


def test_all_parameters_train_but_those_that_the_checkpoints_merely_hold(two_samples: list[torch.Generator]) -> None:
    network, styled = spread(CCFPSEGenerator(VAE)).train(), condition(2, 4, 32, 64, styled=True)
    network(styled, network.latent(styled, two_samples)).picture.square().sum().backward()
    idle = {name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()}
    assert idle == {name for name, p in network.named_parameters() if not p.requires_grad}
    endings = {".".join(name.split(".")[1:-1]) for name in idle}
    assert endings == {"norm_0", "conv_0.norm_layer", "conv_2.norm_layer"}


def test_scores_run_from_fine_to_coarse_and_features_are_matched_one_by_one() -> None:
    scores, features = FPSEDiscriminator(CONFIG, DISCRIMINATOR)(torch.rand(2, 5, 32, 64), torch.rand(2, 3, 32, 64))
    assert [score.shape for score in scores] == [(2, 1, 8, 16), (2, 1, 4, 8), (2, 1, 2, 4)]
    assert [[tuple(layer.shape[1:]) for layer in group] for group in features] == [
        [(4, 8, 16)],
        [(8, 4, 8)],
        [(16, 2, 4)],
        [(16, 1, 2)],
    ]


def test_the_condition_changes_scores_and_not_features() -> None:
    discriminator, picture = spread(FPSEDiscriminator(CONFIG, DISCRIMINATOR)), torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        one, other = (discriminator(semantics, picture) for semantics in torch.rand(2, 1, 5, 32, 32))
    assert all(torch.equal(a[0], b[0]) for a, b in zip(one.features, other.features, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(one.scores, other.scores, strict=True))
