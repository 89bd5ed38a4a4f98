"""CLADE and its distance maps, beyond what the parity cases fix."""

from dataclasses import replace

import numpy as np
import torch

from sdm_bench.conditioning import Condition
from sdm_bench.models.clade import CLADEConfig, CLADEGenerator, distance_maps
from tests.models.conditions import condition

CONFIG = CLADEConfig(num_classes=4, edges=False, ngf=4, widest=2)
VARIANTS = [
    CONFIG,
    CONFIG.model_copy(update={"edges": True, "positional": True, "upsampling": "more"}),
    CONFIG.model_copy(update={"norm": "instance", "spectral": False}),
    CONFIG.model_copy(update={"vae": True, "z_dim": 8, "nef": 2, "image_size": (64, 128)}),
]


def test_every_variant_makes_pictures_of_the_label_map_s_size_in_range() -> None:
    for config in VARIANTS:
        network, plain = CLADEGenerator(config).eval(), condition(2, 4, 64, 128)
        latent = network.latent(plain, [torch.Generator().manual_seed(k) for k in (1, 2)])
        with torch.no_grad():
            picture = network(plain, latent).picture
        assert picture.shape == (2, 3, 64, 128)
        assert picture.abs().max() <= 1


def test_a_class_reaches_the_layers_by_its_own_weights_alone() -> None:
    config = CONFIG.model_copy(update={"vae": True, "z_dim": 8, "nef": 2, "image_size": (32, 32)})
    torch.manual_seed(0)
    network = CLADEGenerator(config).eval()
    plain = condition(1, 4, 32, 32)
    ones = replace(plain, label=torch.ones_like(plain.label))
    latent = network.latent(plain, [torch.Generator().manual_seed(1)])
    with torch.no_grad():
        before = [network(each, latent).picture for each in (plain, ones)]
        for name, table in network.named_parameters():
            if "class_specified_affine" in name:
                table[2] += 1
        after = [network(each, latent).picture for each in (plain, ones)]
    assert not torch.equal(before[0], after[0])
    assert torch.equal(before[1], after[1])


def test_gradients_reach_every_parameter() -> None:
    network = CLADEGenerator(CONFIG.model_copy(update={"edges": True, "positional": True})).train()
    network(condition(2, 4, 64, 64)).picture.square().sum().backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None] == []


def test_only_the_positional_variant_sees_where_a_pixel_lies_in_its_region() -> None:
    config = CONFIG.model_copy(update={"positional": True})
    torch.manual_seed(0)
    network = CLADEGenerator(config).eval()
    plain = condition(1, 4, 32, 32)
    distances = torch.linspace(-1, 1, 32).expand(1, 2, 32, 32)
    with torch.no_grad():
        one, other = (network.generate(plain, None, each).picture for each in (distances, -distances))
    assert not torch.equal(one, other)


def test_distance_maps_are_offsets_from_the_centroid_of_each_connected_region() -> None:
    label = np.array([[1, 1, 0, 2], [1, 1, 2, 0], [0, 0, 0, 1]])
    vertical, horizontal = distance_maps(label, normalised=False)
    np.testing.assert_array_equal(vertical, [[-0.5, -0.5, 0, -0.5], [0.5, 0.5, 0.5, 0], [0, 0, 0, 0]])
    np.testing.assert_array_equal(horizontal, [[-0.5, 0.5, 0, 0.5], [-0.5, 0.5, -0.5, 0], [0, 0, 0, 0]])


def test_distance_maps_reach_one_in_every_region_of_more_than_a_pixel() -> None:
    label = np.zeros((9, 12), np.int64)
    label[1:8, 1:4], label[2, 6:11], label[6, 6] = 1, 1, 3
    vertical, horizontal = distance_maps(label)
    assert np.allclose(vertical[[1, 7], 1], [-1, 1], atol=1e-5)
    assert np.allclose(horizontal[2, [6, 10]], [-1, 1], atol=1e-5)
    assert vertical[2, 6:11].any() == 0
    assert (vertical[6, 6], horizontal[6, 6]) == (0, 0)


def test_distances_follow_the_authors_numbering() -> None:
    """Label 0, without offsets, is the class that comes first after the shift."""
    config = CONFIG.model_copy(update={"positional": True, "class_shift": 1})
    label = torch.full((1, 32, 32), 3)
    label[:, 8:16, 8:24] = 1
    seen: list[torch.Tensor] = []
    network = CLADEGenerator(config).eval()
    network.head_0.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[1].distances))
    with torch.no_grad():
        network(config.remap_condition(Condition(label, None, 4, torch.ones(1, dtype=torch.bool))))
    assert seen[0][:, :, 8:16, 8:24].abs().max() > 0.9
    assert seen[0][:, :, :8].abs().max() == 0
