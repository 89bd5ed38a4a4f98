"""DRN: what fixes its last layer, its toy size, and the names of its entries."""

from typing import Any

import pytest
import torch

from segmenters.drn import TYPE_C, TYPE_D, UNUSED, drn, fixed_upsampling, from_released, to_released
from tests.segmenters.toys import half_megabytes, toy, trained_step


@pytest.mark.parametrize("name", ["drn-c-26", "drn-c-58", "drn-d-22", "drn-d-105"])
def test_the_toy_is_small_and_every_weight_but_the_fixed_one_learns(name: str) -> None:
    network = toy(name, "coco_stuff", 182)
    assert half_megabytes(network) < 3
    scores, untouched = trained_step(network)
    assert scores.shape == (2, 182, 32, 64)
    assert untouched == ["decode_head.up.weight"]


def test_scores_have_the_size_of_pictures_that_are_no_multiple_of_eight() -> None:
    assert toy("drn-d-22", "cityscapes", 19).eval()(torch.zeros(1, 3, 30, 50)).shape == (1, 19, 30, 50)


def test_the_fixed_layer_interpolates_every_channel_by_itself() -> None:
    """A ramp 0, 1, 2, ... of pixels is, eight times as fine, one of slope 1/8 through their centres."""
    coarse = torch.stack([torch.arange(6.0).expand(6, 6), torch.ones(6, 6)])[None]
    fine = fixed_upsampling(2)(coarse)
    assert fine.shape == (1, 2, 48, 48)
    inside = slice(8, 40)
    ramp = (torch.arange(48) + 0.5) / 8 - 0.5
    torch.testing.assert_close(fine[0, 0, inside, inside], ramp[inside].expand(32, 32))
    torch.testing.assert_close(fine[0, 1, inside, inside], torch.ones(32, 32))


@pytest.mark.parametrize(
    "options", [{"depth": 22}, {"depth": 22, "upsampling": "corners"}, {"depth": 54}, {"depth": 26}, {"depth": 58}]
)
def test_released_keys_are_those_of_one_plain_network(options: dict[str, Any]) -> None:
    ours = drn(5, base_channels=1, **options).state_dict()
    released = to_released(ours)
    assert {key.split(".")[0] for key in released} == {"base", "seg"} | (
        {"up"} if "upsampling" not in options else set()
    )
    assert from_released(released).keys() == ours.keys()
    assert all(from_released(released)[key] is value for key, value in ours.items())


def test_the_shortcuts_that_the_authors_compute_in_vain_are_left_out() -> None:
    ours = drn(5, 58, base_channels=1).state_dict()
    released = to_released(ours) | {key: torch.zeros(()) for key in UNUSED}
    assert from_released(released).keys() == ours.keys()
    assert not any("layer7.0.downsample" in key for key in ours)


def test_a_network_s_number_is_that_of_its_layers_with_weights() -> None:
    for depth, (first, second, *levels) in TYPE_D.items():
        convolutions = 2 if depth < 54 else 3
        residual, plain = levels[:4], levels[4:]
        assert 1 + first + second + convolutions * sum(residual) + sum(plain) + 1 == depth
    for depth, (first, second, *levels) in TYPE_C.items():
        convolutions = 2 if depth < 58 else 3
        residual, open_ended = levels[:4], levels[4:]
        assert 1 + 2 * (first + second + sum(open_ended)) + convolutions * sum(residual) + 1 == depth
