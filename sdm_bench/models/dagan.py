"""DAGAN: SPADE with channel and spatial attention ahead of the last convolution (arXiv 2008.13024).

State-dict keys and shapes are those of the released checkpoints.
Source: Ha0Tang/DAGAN@f445354, DAGAN_v1/models/networks/generator.py.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from sdm_bench.models.gan import double, initialise
from sdm_bench.models.spade import SPADEConfig, SPADEGenerator


class DAGANConfig(SPADEConfig):
    """SPADE's, without the upsampling after which the attention's two maps would differ in size."""

    upsampling: Literal["fewer", "normal", "more"] = "normal"


class ChannelAttention(nn.Module):
    """Weighs the channels of x by what the means of both maps say, and adds the detail."""

    def __init__(self, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(2 * width, width, 1)
        self.conv2 = nn.Conv2d(width, width, 1)

    def forward(self, detail: Tensor, x: Tensor) -> Tensor:
        """detail, x: (N, width, h, w)."""
        means = torch.cat([detail, x], dim=1).mean((2, 3), keepdim=True)
        return x * self.conv2(self.conv1(means).relu()).sigmoid() + detail


class SpatialAttention(nn.Module):
    """Weighs the pixels of x by a convolution of the mean and the maximum over its channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, width, h, w)."""
        summary = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)
        return x * self.conv(summary).sigmoid()


class DAGANGenerator(SPADEGenerator):
    """SPADE whose last block is followed by the sum of both attentions."""

    def __init__(self, config: DAGANConfig):
        super().__init__(config)
        self.conv_64 = nn.Conv2d(config.width(2), config.ngf, 3, padding=1)
        self.cab = ChannelAttention(config.ngf)
        self.spatialAtt = SpatialAttention()
        for added in (self.conv_64, self.cab, self.spatialAtt):
            initialise(added)

    def last_block(self, x: Tensor, context: Any) -> Tensor:
        x = double(x)
        detail, x = self.conv_64(x), self.up_3(x, context)
        return self.cab(detail, x) + self.spatialAtt(x)
