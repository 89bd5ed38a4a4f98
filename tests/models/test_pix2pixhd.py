"""Pix2PixHD's generator, encoder and discriminator, beyond what the parity cases fix."""

from dataclasses import replace

import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.models.pix2pixhd import Pix2PixHDConfig, Pix2PixHDDiscriminator, Pix2PixHDGenerator, instance_means
from sdm_bench.models.preset import DiscriminatorPreset
from tests.models.conditions import condition

CONFIG = Pix2PixHDConfig(num_classes=4, edges=True, ngf=4, downsamplings=2, blocks=1, local_blocks=1)
FEATURES = CONFIG.model_copy(update={"features": 2, "nef": 2, "feature_downsamplings": 3})


@pytest.mark.parametrize("enhancers", [0, 1, 2])
def test_the_picture_has_the_size_of_the_label_map_and_is_in_range(enhancers: int) -> None:
    config = CONFIG.model_copy(update={"enhancers": enhancers})
    assert config.size_multiple == 4 * 2**enhancers
    network = Pix2PixHDGenerator(config)
    with torch.no_grad():
        picture = network(condition(2, 4, 32, 48)).picture
    assert picture.shape == (2, 3, 32, 48)
    assert picture.abs().max() <= 1
    assert network.state_dict()["model.1.weight"].shape[0] == 4 * 2**enhancers


def test_means_are_taken_over_the_instances_of_each_picture() -> None:
    features = torch.arange(16.0).reshape(2, 1, 2, 4)
    instances = torch.tensor([[[7, 7, -1, -1], [7, 7, 7, 7]], [[7, 7, 26001, 7], [0, 0, 0, 0]]])
    expected = torch.tensor(
        [[[[23 / 6, 23 / 6, 2.5, 2.5], [23 / 6] * 4]], [[[28 / 3, 28 / 3, 10, 28 / 3], [13.5] * 4]]]
    )
    torch.testing.assert_close(instance_means(features, instances), expected)


def test_features_move_the_picture_and_need_a_photograph_and_instances() -> None:
    network, styled = Pix2PixHDGenerator(FEATURES), condition(1, 4, 32, 32, styled=True)
    assert styled.style is not None
    with torch.no_grad():
        pictures = [network(replace(styled, style=style)).picture for style in (styled.style, -styled.style)]
    assert not torch.equal(*pictures)
    with pytest.raises(UserError, match="style of a photograph"):
        network(replace(styled, style=None))
    without_edges = Pix2PixHDGenerator(FEATURES.model_copy(update={"edges": False}))
    with pytest.raises(UserError, match="no instance maps"):
        without_edges(replace(styled, instance=None))


@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_all_parameters_train_and_start_small(norm: str) -> None:
    config = FEATURES.model_copy(update={"enhancers": 1, "norm": norm})
    network = Pix2PixHDGenerator(config)
    network(condition(2, 4, 32, 32, styled=True)).picture.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    weights = network.state_dict()
    for name in ("model.1.weight", "model1_1.1.weight", "encoder.model.1.weight"):
        assert float(weights[name].std()) == pytest.approx(0.02, rel=0.2)


def test_the_discriminator_answers_for_every_scale_finest_first() -> None:
    preset = DiscriminatorPreset(kind="pix2pixhd", ndf=4, layers=2, scales=2)
    semantics, picture = torch.rand(1, 5, 32, 64), torch.rand(1, 3, 32, 64)
    discriminator = Pix2PixHDDiscriminator(CONFIG, preset)
    scores, features = discriminator(semantics, picture)
    assert [[layer.shape[1] for layer in group] for group in features] == [[4, 8, 16], [4, 8, 16]]
    assert [score.shape[1] for score in scores] == [1, 1]
    assert scores[0].shape[2] > scores[1].shape[2]
    scores[0].sum().backward()
    graded = {name for name, parameter in discriminator.named_parameters() if parameter.grad is not None}
    assert graded == {name for name in discriminator.state_dict() if name.startswith("scale1_")}


def test_a_discriminator_whose_features_are_not_matched_shows_none() -> None:
    preset = DiscriminatorPreset(kind="pix2pixhd", ndf=4, layers=2, scales=3, lambda_feature=0)
    scores, features = Pix2PixHDDiscriminator(CONFIG, preset)(torch.rand(1, 5, 32, 64), torch.rand(1, 3, 32, 64))
    assert (len(scores), features) == (3, [[], [], []])
