"""SPADE's generator and discriminator, beyond what the parity cases fix."""

import torch

from sdm_bench.models.patchgan import MultiscaleDiscriminator
from sdm_bench.models.preset import DiscriminatorPreset
from sdm_bench.models.spade import SPADEConfig, SPADEGenerator
from tests.models.conditions import condition

CONFIG = SPADEConfig(num_classes=4, edges=False, ngf=4, widest=2, hidden=4)


def test_the_picture_has_the_size_of_the_label_map_and_is_in_range() -> None:
    with torch.no_grad():
        picture = SPADEGenerator(CONFIG).eval()(condition(2, 4, 32, 96)).picture
    assert picture.shape == (2, 3, 32, 96)
    assert picture.abs().max() <= 1


def test_widest_limits_the_coarse_layers_alone() -> None:
    narrow = SPADEGenerator(CONFIG.model_copy(update={"ngf": 8})).state_dict()
    assert narrow["head_0.conv_0.weight_orig"].shape[:2] == (16, 16)
    assert narrow["up_3.conv_0.weight_orig"].shape[:2] == (8, 16)


def test_a_style_moves_the_picture_and_noise_spreads_it() -> None:
    config = CONFIG.model_copy(update={"vae": True, "z_dim": 8, "nef": 2, "image_size": (32, 32)})
    torch.manual_seed(0)
    network, plain = SPADEGenerator(config).eval(), condition(2, 4, 32, 32)
    noise = network.latent(plain, [torch.Generator().manual_seed(k) for k in (1, 2)])
    with torch.no_grad():
        sampled, again = network(plain, noise).picture, network(plain, -noise).picture
        styled = network(condition(2, 4, 32, 32, styled=True), noise)
    assert not torch.equal(sampled, again)
    assert not torch.equal(sampled, styled.picture)
    assert styled.posteriors[0].mean.shape == (2, 8)


def test_every_scale_of_the_discriminator_gives_all_its_layers() -> None:
    discriminator = MultiscaleDiscriminator(CONFIG, DiscriminatorPreset(ndf=4, layers=3, scales=2))
    scores, features = discriminator(torch.rand(1, 4, 32, 64), torch.rand(1, 3, 32, 64))
    assert [len(group) for group in features] == [3, 3]
    assert [score.shape[1] for score in scores] == [1, 1]
    assert features[0][0].shape[2] > features[1][0].shape[2]
