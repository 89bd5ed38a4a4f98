"""What is said of the cost of a step."""

import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.benchmarks.sampling import benchmark_steps, random_condition, random_network, step_costs
from sdm_bench.models.unet import UNet
from sdm_bench.sampling.synthesizers import Speed

SMALL = {"model_channels": 32, "channel_mult": (1, 1), "attention_downsampling": (2,), "spade_hidden": 4}


@pytest.fixture(scope="module")
def network() -> UNet:
    return random_network("sdm", "toy", "cityscapes", SMALL)[0]


def test_the_fast_path_costs_less_and_computes_the_same(network: UNet) -> None:
    condition = random_condition(network, (16, 32), 2)
    speed = Speed(spade_cache="full")
    plain, fast = step_costs(network, condition, 1.5, 1, torch.device("cpu"), speed=speed)
    assert plain.difference == 0 < fast.difference < 1e-4
    assert plain.ratio == 1
    assert plain.flop == plain.first_flop > fast.first_flop > fast.flop
    assert plain.kept_bytes == 0 < fast.kept_bytes
    assert plain.peak_bytes > 2 * 3 * 16 * 32 * 4


def test_the_cache_decides_what_is_kept(network: UNet) -> None:
    condition = random_condition(network, (16, 32), 2)
    costs = {
        cache: step_costs(network, condition, 1.5, 1, torch.device("cpu"), speed=Speed(spade_cache=cache))[1]
        for cache in ("full", "shared", "off")
    }
    kept = {name: cost.kept_bytes for name, cost in costs.items()}
    assert kept["full"] > kept["shared"] > kept["off"]
    assert costs["full"].flop < costs["shared"].flop
    pixels, samples = 16 * 32, 2
    assert kept["full"] - kept["off"] > pixels * samples * 2 * 32 * 4


def test_the_table_has_a_line_for_each_path(network: UNet) -> None:
    table = benchmark_steps(network, (16, 32), 2, 1.5, 1, [25], "cpu")
    assert table["path"].tolist() == ["plain", "fast"]
    assert table["images/s at 25"].astype(float).gt(0).all()


def test_a_gan_has_no_steps() -> None:
    with pytest.raises(UserError, match="--method spade: expected a diffusion model"):
        random_network("spade", "toy", "cityscapes")
