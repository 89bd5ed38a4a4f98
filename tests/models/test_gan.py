"""What every baseline shares: how it reads a condition, noise, answers in halves."""

from dataclasses import replace

import pytest
import torch

from sdm_bench.datasets.base import ClassTable
from sdm_bench.models import catalog
from sdm_bench.models.gan import GANConfig, Gaussian, Judgement, draw
from tests.models.conditions import condition


@pytest.mark.parametrize("method", ["spade", "dagan", "scgan", "clade", "ccfpse", "groupdnet", "inade", "oasis"])
def test_published_networks_see_ade20k_with_unknown_first(method: str) -> None:
    classes = len(ClassTable.shipped("ade20k"))
    for name in catalog.preset_names(method, "ade20k"):
        if name.startswith("paper"):
            fields = catalog.preset(method, name, "ade20k").network
            config = catalog.network_config(method, {**fields, "num_classes": classes}, (256, 256))
            label_map = condition(1, classes, 16, 16)
            label_map.label[0, 0, :2] = torch.tensor([classes - 1, 0])
            assert config.read(label_map).label[0, 0, :2].tolist() == [0, 1], name


def test_scgan_sees_faces_with_the_background_last() -> None:
    fields = catalog.preset("scgan", "paper", "celebamask_hq").network
    config = catalog.network_config("scgan", {**fields, "num_classes": 19}, (512, 512))
    label_map = condition(1, 19, 16, 16)
    label_map.label[0, 0, :2] = torch.tensor([0, 1])
    assert config.read(label_map).label[0, 0, :2].tolist() == [18, 0]


def test_classes_stand_for_instances_only_where_there_are_none() -> None:
    config = GANConfig(num_classes=5, edges=True, instances_of_labels=True)
    with_instances = condition(1, 5, 16, 16)
    assert config.read(with_instances).instance is with_instances.instance
    alone = config.read(replace(with_instances, instance=None))
    assert alone.instance is not None
    assert torch.equal(alone.instance, alone.label)
    assert GANConfig(num_classes=5, edges=False).read(replace(with_instances, instance=None)).instance is None


def test_noise_is_spread_around_the_posterior() -> None:
    style = Gaussian(torch.tensor([2.0]), torch.tensor([4.0]).log())
    assert style.at(torch.tensor([-1.5])).tolist() == pytest.approx([-1.0])


def test_noise_comes_from_each_samples_own_generator() -> None:
    one, two = (torch.Generator().manual_seed(seed) for seed in (1, 2))
    drawn = draw([one, two], (3,), torch.device("cpu"))
    assert torch.equal(drawn[1], torch.randn(3, generator=torch.Generator().manual_seed(2)))


def test_answers_are_parted_at_the_middle_of_the_batch() -> None:
    both = torch.arange(4.0)[:, None, None, None]
    fake, real = Judgement([both], [[both, 2 * both]]).halves()
    assert fake.scores[0].flatten().tolist() == [0, 1]
    assert real.features[0][1].flatten().tolist() == [4, 6]
