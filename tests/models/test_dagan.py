"""DAGAN's generator, beyond what the parity cases fix."""

import pytest
import torch
from pydantic import ValidationError

from sdm_bench.models.dagan import ChannelAttention, DAGANConfig, DAGANGenerator, SpatialAttention
from tests.models.conditions import condition

CONFIG = DAGANConfig(num_classes=4, edges=True, ngf=4, widest=2, hidden=4)


@pytest.mark.parametrize("upsampling", ["normal", "more"])
def test_the_picture_has_the_size_of_the_label_map_and_is_in_range(upsampling: str) -> None:
    config = CONFIG.model_copy(update={"upsampling": upsampling})
    with torch.no_grad():
        picture = DAGANGenerator(config).eval()(condition(2, 4, 64, 128)).picture
    assert picture.shape == (2, 3, 64, 128)
    assert picture.abs().max() <= 1


def test_gradients_reach_every_parameter() -> None:
    torch.manual_seed(0)
    network = DAGANGenerator(CONFIG)
    network(condition(2, 4, 32, 64)).picture.square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        # Batch norm takes away what biases ahead of it add.
        assert name.endswith("bias") or parameter.grad.abs().max() > 0, name


def test_style_noise_is_a_samples_own() -> None:
    config = CONFIG.model_copy(update={"vae": True, "z_dim": 8, "nef": 2, "image_size": (32, 32)})
    torch.manual_seed(0)
    network, given = DAGANGenerator(config).eval(), condition(2, 4, 32, 32)
    noise, alone = (network.latent(given, [torch.Generator().manual_seed(k) for k in ks]) for ks in ((1, 2), (2,)))
    assert torch.equal(noise[1:], alone)
    with torch.no_grad():
        sampled = network(given, noise).picture
        styled = network(condition(2, 4, 32, 32, styled=True), noise)
    assert not torch.equal(sampled, styled.picture)
    assert styled.posteriors[0].mean.shape == (2, 8)


def test_the_upsampling_that_the_attention_cannot_follow_is_refused() -> None:
    with pytest.raises(ValidationError, match="upsampling"):
        DAGANConfig(num_classes=4, edges=True, upsampling="most")


def test_channel_attention_weighs_channels_and_spatial_attention_pixels() -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 3, 4, 5) + 1
    channel = ChannelAttention(3)(torch.zeros_like(x), x) / x
    spatial = SpatialAttention()(x) / x
    torch.testing.assert_close(channel, channel[:, :, :1, :1].expand_as(x))
    torch.testing.assert_close(spatial, spatial[:, :1].expand_as(x))
    assert channel.std((0, 2, 3)).max() < 1e-5 < channel.std(1).max()
    assert spatial.std((2, 3)).max() > 1e-5
