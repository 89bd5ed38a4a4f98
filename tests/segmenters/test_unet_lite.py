"""The small face-parsing network: the order of its classes, and what its blocks compute."""

import torch
from torch import nn

from segmenters.unet_lite import OUTPUT_OF_CLASS, plain_convolutions


def test_every_output_is_one_class_s() -> None:
    assert sorted(OUTPUT_OF_CLASS) == list(range(19))


def test_both_convolutions_of_a_block_come_before_their_relu() -> None:
    """By hand: |x| as max(x, 0) + max(-x, 0), minus 1, and no less than 0."""
    block = plain_convolutions(1, 2)
    first, second = (layer for layer in block if isinstance(layer, nn.Conv2d))
    with torch.no_grad():
        for convolution in (first, second):
            convolution.weight.zero_()
            convolution.bias.zero_()  # type: ignore[union-attr]
        first.weight[:, 0, 1, 1] = torch.tensor([1.0, -1.0])
        second.weight[0, :, 1, 1] = 1.0
        second.bias[0] = -1.0  # type: ignore[index]
        second.weight[1, :, 0, 1] = torch.tensor([1.0, 0.0])
        found = block(torch.tensor([[-3.0, 0.5], [2.0, -0.5]])[None, None])[0]
    assert found[0].tolist() == [[2.0, 0.0], [1.0, 0.0]]
    assert found[1].tolist() == [[0.0, 0.0], [0.0, 0.5]], "the positive part of the row above, and nothing above that"
