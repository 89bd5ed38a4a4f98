"""The denoising networks, beyond what the parity cases fix."""

import torch

from sdm_bench.models.concat_ddpm import ConcatDDPM
from sdm_bench.models.sdm import SDM
from sdm_bench.models.unet import UNetConfig

CONFIG = UNetConfig(
    num_classes=5, edges=True, model_channels=32, channel_mult=(1, 1), num_res_blocks=1, attention_downsampling=(2,),
    head_channels=32, spade_hidden=4,
)  # fmt: skip


def randomised(network: torch.nn.Module) -> torch.nn.Module:
    """The network with all parameters random, so that no branch is zero."""
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
    return network.eval()


def inputs(count: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, 3, 8, 16, generator=generator), torch.rand(count, 6, 8, 16, generator=generator)


def test_one_timestep_serves_all_samples() -> None:
    x, semantics = inputs()
    for network in (randomised(SDM(CONFIG)), randomised(ConcatDDPM(CONFIG))):
        shared, each = (network(x, torch.tensor(t), semantics) for t in ([7], [7, 7]))
        assert torch.allclose(shared, each, atol=1e-5)
        assert not torch.allclose(shared, network(x, torch.tensor([900]), semantics), atol=1e-3)


def test_the_encoder_of_sdm_does_not_see_the_label_map() -> None:
    network = randomised(SDM(CONFIG))
    seen = []
    network.input_blocks[-1].register_forward_hook(lambda module, args, output: seen.append(output))
    x, semantics = inputs()
    outputs = [network(x, torch.tensor([3]), each) for each in (semantics, torch.zeros_like(semantics))]
    assert torch.equal(*seen)
    assert not torch.allclose(*outputs, atol=1e-3)


def test_a_new_network_predicts_nothing() -> None:
    x, semantics = inputs()
    assert SDM(CONFIG)(x, torch.tensor([3]), semantics).abs().max() == 0
