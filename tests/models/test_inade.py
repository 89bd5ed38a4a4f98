"""INADE's generator, its noise and its encoder, beyond what the parity cases fix."""

from dataclasses import replace

import torch

from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import Latent
from sdm_bench.models.inade import INADEConfig, INADEGenerator, InstanceEncoder, convolution, within
from sdm_bench.training.adversarial_losses import kl_divergence
from tests.models.conditions import condition

CONFIG = INADEConfig(
    num_classes=4, edges=True, ngf=4, widest=2, vae=True, nef=2, z_dim=8, noise_dim=5, image_size=(32, 64)
)


def network_of(config: INADEConfig = CONFIG) -> INADEGenerator:
    torch.manual_seed(0)
    return INADEGenerator(config).eval()


def latent_of(network: INADEGenerator, plain: Condition, seeds: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    latent: Latent = network.latent(plain, [torch.Generator().manual_seed(seed) for seed in seeds])
    assert isinstance(latent, tuple)
    return latent[0], latent[1]


def of_two_and_three_instances() -> Condition:
    plain = condition(2, 4, 32, 64)
    assert plain.instance is not None
    instance = 100 * plain.instance
    instance[0] = instance[0].clamp(max=100)
    return replace(plain, instance=instance)


def item(plain: Condition, index: int) -> Condition:
    assert plain.instance is not None
    instance = plain.instance[index : index + 1]
    return replace(plain, label=plain.label[index : index + 1], instance=instance, keep=plain.keep[:1])


def test_pictures_have_the_label_map_s_size_and_are_in_range() -> None:
    for change in ({}, {"vae": False, "norm": "instance", "spectral": False}):
        network, plain = network_of(CONFIG.model_copy(update=change)), condition(2, 4, 32, 64)
        with torch.no_grad():
            picture = network(plain, latent_of(network, plain, [1, 2])).picture
        assert picture.shape == (2, 3, 32, 64)
        assert picture.abs().max() <= 1


def test_noise_and_picture_of_a_sample_do_not_depend_on_its_batch() -> None:
    network, plain = network_of(), of_two_and_three_instances()
    start, noise = latent_of(network, plain, [1, 2])
    assert noise.shape == (2, 3, 2, 5)
    with torch.no_grad():
        together = network(plain, (start, noise)).picture
        for index, (seed, count) in enumerate(((1, 2), (2, 3))):
            alone = latent_of(network, item(plain, index), [seed])
            assert torch.equal(alone[0][0], start[index])
            assert torch.equal(alone[1][0], noise[index, :count])
            picture = network(item(plain, index), alone).picture[0]
            torch.testing.assert_close(picture, together[index], rtol=0, atol=1e-6)


def test_the_noise_of_an_instance_changes_the_picture_and_that_of_the_padding_does_not() -> None:
    network, plain = network_of(), of_two_and_three_instances()
    start, noise = latent_of(network, plain, [1, 2])
    changed = noise.clone()
    changed[:, 2] += 1
    with torch.no_grad():
        before, after = network(plain, (start, noise)).picture, network(plain, (start, changed)).picture
    assert torch.equal(before[0], after[0])
    assert not torch.equal(before[1], after[1])


def test_classes_stand_in_for_instances_where_the_dataset_has_none() -> None:
    config = CONFIG.model_copy(update={"instances_of_labels": True})
    plain = config.remap_condition(replace(condition(1, 4, 32, 64), instance=None))
    _, noise = latent_of(network_of(config), plain, [1])
    assert noise.shape[1] == len(plain.label.unique())


def test_a_style_moves_the_picture_and_noise_spreads_it() -> None:
    network, plain = network_of(), condition(2, 4, 32, 64, styled=True)
    start, noise = latent_of(network, plain, [1, 2])
    with torch.no_grad():
        styled, again = network(plain, (start, noise)), network(plain, (start, -noise))
        sampled = network(replace(plain, style=None), (start, noise))
    assert sampled.posteriors == ()
    assert [each.mean.shape for each in styled.posteriors] == [(2, 3, 5)] * 2
    assert not torch.equal(styled.picture, again.picture)
    assert not torch.equal(styled.picture, sampled.picture)


def test_the_encoder_s_convolutions_do_not_look_across_instances() -> None:
    torch.manual_seed(0)
    layer, x = convolution(3, 5, stride=2), torch.rand(1, 3, 8, 16)
    instances = (torch.arange(16) * 2 // 16).expand(1, 1, 8, 16).float()
    other = torch.cat([x[..., :8], torch.rand(1, 3, 8, 8)], dim=3)
    alone = torch.cat([torch.zeros(1, 3, 8, 8), x[..., 8:]], dim=3)
    with torch.no_grad():
        y, of_other = within(instances, layer, x), within(instances, layer, other)
        assert torch.equal(y[..., :4], of_other[..., :4])
        assert not torch.equal(y[..., 4], of_other[..., 4])
        torch.testing.assert_close(y[..., 4:], layer(alone)[..., 4:])


def test_absent_instances_cost_no_divergence() -> None:
    torch.manual_seed(0)
    encoder, plain = InstanceEncoder(2, 5).eval(), condition(1, 4, 32, 64, styled=True)
    assert plain.style is not None
    instances = torch.zeros_like(plain.label)
    with torch.no_grad():
        present, padded = (encoder(plain.style, instances, count) for count in (1, 4))
    torch.testing.assert_close(kl_divergence(present), kl_divergence(padded))
    assert kl_divergence(present) > 0


def test_gradients_reach_every_parameter() -> None:
    network, plain = network_of().train(), condition(2, 4, 32, 64, styled=True)
    generated = network(plain, latent_of(network, plain, [1, 2]))
    (generated.picture.square().sum() + kl_divergence(generated.posteriors)).backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None] == []
