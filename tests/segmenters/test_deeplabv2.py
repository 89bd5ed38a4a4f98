"""DeepLabV2: its toy size, the passes at several scales, and the names of its entries."""

import pytest
import torch
from torch.nn import functional as F

from segmenters.deeplabv2 import deeplabv2, from_released, to_released
from tests.segmenters.toys import half_megabytes, toy, trained_step


def test_the_toy_is_small_and_every_weight_learns() -> None:
    network = toy("deeplabv2-resnet101", "coco_stuff", 182)
    assert half_megabytes(network) < 3
    scores, untouched = trained_step(network)
    assert scores.shape == (2, 182, 32, 64)
    assert untouched == []


def test_the_largest_score_over_scales_counts_in_evaluation_alone() -> None:
    network = deeplabv2(4, (1, 1, 1, 1), 2, rates=(1, 2), scales=(0.5,)).eval()
    x = torch.rand(1, 3, 37, 50, generator=torch.Generator().manual_seed(0)) * 200 - 100
    with torch.no_grad():
        whole = network.decode_head(network.backbone(x))
        half = network.decode_head(network.backbone(F.interpolate(x, scale_factor=0.5, mode="bilinear")))
        enlarged = F.interpolate(half, size=whole.shape[2:], mode="bilinear")
        assert not torch.equal(whole, enlarged)
        torch.testing.assert_close(network.scores(x), torch.maximum(whole, enlarged))
        for layer in network.modules():
            layer.training = layer is network  # the batch statistics stay as they are
        torch.testing.assert_close(network.scores(x), whole)


def test_scores_have_the_size_of_the_pictures() -> None:
    network = deeplabv2(4, (1, 1, 1, 1), 2, rates=(1,)).eval()
    assert network(torch.zeros(1, 3, 37, 50)).shape == (1, 4, 37, 50)


def test_released_keys_count_blocks_and_stages_from_one() -> None:
    ours = deeplabv2(3, (1, 2, 2, 1), 1).state_dict()
    released = to_released(ours)
    assert all(key.startswith("base.") for key in released)
    assert "base.layer1.conv1.bn.running_mean" in released
    assert released["base.layer3.block1.shortcut.conv.weight"] is ours["backbone.layer2.0.downsample.0.weight"]
    assert released["base.layer5.block1.conv3x3.bn.bias"] is ours["backbone.layer4.0.bn2.bias"]
    assert from_released(released).keys() == ours.keys()
    assert all(from_released(released)[key] is value for key, value in ours.items())


def test_the_pyramid_begins_with_weights_of_deviation_one_hundredth() -> None:
    torch.manual_seed(0)
    network = deeplabv2(30, (1, 1, 1, 1))
    network.init_weights()
    assert float(network.decode_head.aspp[0].weight.detach().std()) == pytest.approx(0.01, rel=0.02)
