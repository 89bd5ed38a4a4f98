"""What every baseline shares: how it remaps a condition, noise, outputs in halves."""

from dataclasses import replace

import pytest
import torch

from sdm_bench.conditioning import Condition
from sdm_bench.datasets.base import ClassTable
from sdm_bench.models import methods
from sdm_bench.models.gan import DiscriminatorOutput, GANConfig, Gaussian, Generated, Generator, Latent
from tests.models.conditions import condition


@pytest.mark.parametrize("method", ["spade", "dagan", "scgan", "clade", "ccfpse", "groupdnet", "inade", "oasis"])
def test_published_networks_see_ade20k_with_unknown_first(method: str) -> None:
    classes = len(ClassTable.shipped("ade20k"))
    for name in methods.preset_names(method, "ade20k"):
        if name.startswith("paper"):
            fields = methods.preset(method, name, "ade20k").network
            config = methods.network_config(method, {**fields, "num_classes": classes}, (256, 256))
            label_map = condition(1, classes, 16, 16)
            label_map.label[0, 0, :2] = torch.tensor([classes - 1, 0])
            assert config.remap_condition(label_map).label[0, 0, :2].tolist() == [0, 1], name


def test_scgan_sees_faces_with_the_background_last() -> None:
    fields = methods.preset("scgan", "paper", "celebamask_hq").network
    config = methods.network_config("scgan", {**fields, "num_classes": 19}, (512, 512))
    label_map = condition(1, 19, 16, 16)
    label_map.label[0, 0, :2] = torch.tensor([0, 1])
    assert config.remap_condition(label_map).label[0, 0, :2].tolist() == [18, 0]


def test_classes_stand_for_instances_only_where_there_are_none() -> None:
    config = GANConfig(num_classes=5, edges=True, instances_of_labels=True)
    with_instances = condition(1, 5, 16, 16)
    assert config.remap_condition(with_instances).instance is with_instances.instance
    alone = config.remap_condition(replace(with_instances, instance=None))
    assert alone.instance is not None
    assert torch.equal(alone.instance, alone.label)
    assert (
        GANConfig(num_classes=5, edges=False).remap_condition(replace(with_instances, instance=None)).instance is None
    )


def test_noise_is_spread_around_the_posterior() -> None:
    style = Gaussian(torch.tensor([2.0]), torch.tensor([4.0]).log())
    assert style.reparameterize(torch.tensor([-1.5])).tolist() == pytest.approx([-1.0])


class Noise(Generator):
    """A generator that makes nothing of three numbers of noise."""

    def latent_shape(self, condition: Condition) -> tuple[int, ...]:
        return (3,)

    def forward(self, condition: Condition, latent: Latent) -> Generated:
        raise NotImplementedError


def test_noise_comes_from_each_samples_own_generator() -> None:
    one, two = (torch.Generator().manual_seed(seed) for seed in (1, 2))
    noise = Noise().latent(condition(2, 4, 16, 16), [one, two])
    assert isinstance(noise, torch.Tensor)
    assert torch.equal(noise[1], torch.randn(3, generator=torch.Generator().manual_seed(2)))


def test_outputs_are_parted_at_the_middle_of_the_batch() -> None:
    both = torch.arange(4.0)[:, None, None, None]
    fake, real = DiscriminatorOutput([both], [[both, 2 * both]]).halves()
    assert fake.scores[0].flatten().tolist() == [0, 1]
    assert real.features[0][1].flatten().tolist() == [4, 6]
