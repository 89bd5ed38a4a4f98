"""FID's Inception: with and without a classifier, block by block, and the numbers others print."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from sdm_bench.base.errors import UserError
from sdm_bench.base.tensors import read_safetensors, tensors_sha256
from sdm_bench.metrics import inception
from sdm_bench.metrics.frechet import frechet_distance
from sdm_bench.metrics.inception import FIDInception, feature_tensors, load_inception
from tests.weights.cached import cached


@pytest.fixture(scope="module")
def network() -> FIDInception:
    """Random weights and random statistics of every batch norm."""
    torch.manual_seed(0)
    made = FIDInception().eval().requires_grad_(False)
    for name, value in made.named_buffers():
        if value.ndim:
            value.uniform_(0.5, 1.5) if name.endswith("var") else value.normal_(0, 0.1)
    return made


@pytest.fixture(scope="module")
def picture() -> Tensor:
    """Small and far outside [-1, 1], so that it reaches the last block through random weights."""
    return torch.randn(2, 3, 107, 107, generator=torch.Generator().manual_seed(1)) * 1e4


def test_the_sizes_of_the_four_blocks() -> None:
    with torch.device("meta"):
        blocks = FIDInception().blocks(torch.empty(2, 3, 299, 299))
    assert [tuple(block.shape) for block in blocks] == [
        (2, 64, 73, 73),
        (2, 192, 35, 35),
        (2, 768, 17, 17),
        (2, 2048, 1, 1),
    ]
    assert tuple(block.shape[1] for block in blocks) == inception.DIMENSIONS


def test_features_are_the_last_of_four_blocks(network: FIDInception, picture: Tensor) -> None:
    blocks = network.blocks(picture)
    features = network(picture)
    assert features.shape == (2, 2048)
    assert torch.equal(features, blocks[3].flatten(1))
    assert [block.shape for block in network.blocks(picture, 0)] == [blocks[0].shape]
    assert (features[0] - features[1]).abs().max() > 1e-3 * features.abs().max()


@pytest.mark.parametrize("dropped", [(), ("fc.", "num_batches_tracked")])
def test_weights_with_and_without_what_features_do_not_need_load(
    network: FIDInception, picture: Tensor, dropped: tuple[str, ...]
) -> None:
    state = {name: value for name, value in network.state_dict().items() if not any(word in name for word in dropped)}
    before = torch.random.get_rng_state()
    loaded = load_inception(state)
    assert torch.equal(before, torch.random.get_rng_state()), "loading draws random numbers"
    assert torch.allclose(loaded(picture[:1]), network(picture[:1]), rtol=1e-4, atol=1e-5)
    assert hasattr(loaded, "fc") is ("fc." not in dropped)
    assert tensors_sha256(feature_tensors(loaded)) == tensors_sha256(feature_tensors(network))


def test_weights_of_something_else_are_refused(network: FIDInception) -> None:
    state = network.state_dict()
    state.pop("Mixed_5b.branch1x1.conv.weight")
    with pytest.raises(
        UserError, match=r"FID's Inception: these are not the weights(?s:.*)missing: Mixed_5b.branch1x1.conv.weight"
    ):
        load_inception(state)


@pytest.mark.parametrize(
    ("make", "channels"),
    [
        (lambda: inception.BlockA(8, pool_features=4), 8),
        (lambda: inception.BlockC(8, channels_7x7=4), 8),
        (lambda: inception.BlockE(8, maximum=False), 8),
    ],
)
def test_average_pools_do_not_count_the_padding(make: Callable[[], torch.nn.Module], channels: int) -> None:
    block = make().eval()
    pooled = block.branch_pool(torch.ones(1, channels, 5, 5))
    ours = block(torch.ones(1, channels, 5, 5))[:, -pooled.shape[1] :]
    torch.testing.assert_close(ours, pooled, msg="a constant picture stays constant up to the border")


def test_the_last_pool_is_a_maximum() -> None:
    block = inception.BlockE(8, maximum=True).eval()
    x = torch.zeros(1, 8, 5, 5)
    x[:, :, 2, 2] = 1
    spread = torch.zeros(1, 8, 5, 5)
    spread[:, :, 1:4, 1:4] = 1
    expected = block.branch_pool(spread)
    assert torch.equal(block(x)[:, -expected.shape[1] :], expected)


def test_the_value_in_torchmetrics_documentation() -> None:
    """torchmetrics 1.9, FrechetInceptionDistance(feature=64): 12.6388.

    It draws the pictures after seed 42 and the random start of a network of these layers.
    """
    network = load_inception(read_safetensors(cached("inception-2015-12-05")))
    torch.manual_seed(42)
    FIDInception()
    features = []
    for low, high in ((0, 200), (100, 255)):
        pictures = torch.randint(low, high, (100, 3, 299, 299), dtype=torch.uint8)
        with torch.inference_mode():
            inputs = ((batch.float() - 128) / 128 for batch in pictures.split(10))
            batches = [network.blocks(batch.contiguous(memory_format=torch.channels_last), 0)[0] for batch in inputs]
        features.append(torch.cat(batches).mean((2, 3)).numpy())
    assert f"{frechet_distance(*features):.4f}" == "12.6388"


def test_folding_batch_norms_moves_features_by_rounding(network: FIDInception, picture: torch.Tensor) -> None:
    expected = network(picture)
    faster = inception.folded(network)
    assert not [module for module in faster.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert not [name for name, module in faster.named_modules() if type(module) is inception.Convolution]
    difference = (faster(picture) - expected).abs().max() / expected.abs().max()
    assert 0 < difference < 3e-6
    assert torch.equal(network(picture), expected), "the network itself stays as it is"


def test_a_folded_convolution_is_the_same_without_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    plain = inception.Convolution(3, 8, 3, stride=2, padding=1).eval().requires_grad_(False)
    plain.bn.running_mean.normal_()  # type: ignore[union-attr, operator]
    made = inception.FoldedConvolution(plain)
    x = torch.randn(2, 3, 9, 9)
    fused = made(x)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    torch.testing.assert_close(made(x), fused)
    torch.testing.assert_close(plain(x), fused)
    assert (fused == 0).any()
    assert (made.linear(x) < 0).any()
