"""DeepLabV2 on ResNet-101 with inputs of several scales, as released for COCO-Stuff 164k.

Source: arXiv 1606.00915; kazuto1011/deeplab-pytorch@4219467, libs/models/{resnet,deeplabv2,msc}.py. `from_released` and
`to_released` translate the keys of its files.
"""

import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segmenters.mmsegmentation import MODELS, BaseDecodeHead, Bottleneck, ConfigDict, ResLayer
from segmenters.picture_segmenter import PictureSegmenter, renamed, resized_scores

STRIDES = (1, 2, 1, 1)
DILATIONS = (1, 1, 2, 4)
RELEASED = {
    "base.layer1.conv1.conv.": "backbone.conv1.",
    "base.layer1.conv1.bn.": "backbone.bn1.",
    "base.aspp.c": "decode_head.aspp.",
}
# The layers of a residual block, as released and as here.
UNITS = {
    "reduce.conv": "conv1",
    "reduce.bn": "bn1",
    "conv3x3.conv": "conv2",
    "conv3x3.bn": "bn2",
    "increase.conv": "conv3",
    "increase.bn": "bn3",
    "shortcut.conv": "downsample.0",
    "shortcut.bn": "downsample.1",
}


@MODELS.register_module()
class DeepLabResNet(nn.Module):
    """A ResNet that halves the resolution three times and dilates after that; (N, 3, H, W) to one map.

    The map is (N, 32 * base_channels, h, w) with about an eighth of H and W. As in Caffe, blocks halve the resolution
    in their first convolution and pooling keeps incomplete windows.
    """

    def __init__(self, blocks: Sequence[int], base_channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(3, base_channels, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(base_channels)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True)
        width = base_channels
        for stage, (count, stride, dilation) in enumerate(zip(blocks, STRIDES, DILATIONS, strict=True)):
            planes = base_channels * 2**stage
            layer = ResLayer(Bottleneck, width, planes, count, stride=stride, dilation=dilation, style="caffe")
            self.add_module(f"layer{stage + 1}", layer)
            width = planes * Bottleneck.expansion

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """The last map, alone in a tuple as MMSegmentation's heads expect."""
        x = self.pool(self.bn1(self.conv1(x)).relu())
        for stage in range(1, 5):
            x = self.get_submodule(f"layer{stage}")(x)
        return (x,)


@MODELS.register_module()
class AtrousPyramidHead(BaseDecodeHead):
    """The sum of 3x3 convolutions to the classes, one a dilation in `rates`."""

    def __init__(self, rates: Sequence[int], **options: Any):
        super().__init__(init_cfg={"type": "Normal", "std": 0.01, "override": {"name": "aspp"}}, **options)
        del self.conv_seg
        self.aspp = nn.ModuleList(
            nn.Conv2d(self.in_channels, self.num_classes, 3, padding=rate, dilation=rate) for rate in rates
        )

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Scores (N, classes, h, w) of a map (N, C, h, w)."""
        x = self._transform_inputs(inputs)
        return torch.stack([convolution(x) for convolution in self.aspp]).sum(0)


@MODELS.register_module()
class MultiScaleSegmenter(PictureSegmenter):
    """A PictureSegmenter that sees pictures of several sizes in evaluation and keeps each score's maximum.

    scales: of the passes beside the one at full size. In training there is the pass at full size alone.
    """

    def __init__(self, scales: Sequence[float], **parts: Any):
        super().__init__(**parts)
        self.scales = tuple(scales)

    def scores(self, x: Tensor) -> Tensor:
        """Scores (N, classes, h, w), at the resolution of the head, of normalised pictures (N, 3, H, W)."""
        scores = super().scores(x)
        for scale in () if self.training else self.scales:
            smaller = F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)
            scores = torch.maximum(scores, resized_scores(super().scores(smaller), tuple(scores.shape[2:])))
        return scores


def deeplabv2(
    num_classes: int,
    blocks: Sequence[int] = (3, 4, 23, 3),
    base_channels: int = 64,
    rates: Sequence[int] = (6, 12, 18, 24),
    scales: Sequence[float] = (0.5, 0.75),
) -> MultiScaleSegmenter:
    """The whole segmenter: pictures (N, 3, H, W) in [-1, 1] to scores (N, num_classes, H, W).

    blocks: in each stage of the ResNet. base_channels: the width of its stem. rates: the dilations of the head.
    """
    width = base_channels * 2 ** (len(blocks) - 1) * Bottleneck.expansion
    head = ConfigDict(
        type="AtrousPyramidHead",
        in_channels=width,
        channels=width,
        num_classes=num_classes,
        rates=rates,
        dropout_ratio=0,
        align_corners=False,
        loss_decode=ConfigDict(type="CrossEntropyLoss", avg_non_ignore=True),
    )
    backbone = ConfigDict(type="DeepLabResNet", blocks=blocks, base_channels=base_channels)
    return MODELS.build(
        ConfigDict(
            type="MultiScaleSegmenter", preprocessing="deeplab", scales=scales, backbone=backbone, decode_head=head
        )
    )


def from_released(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of `deeplabv2` from that of a released file."""
    return {_block_key(key): value for key, value in renamed(tensors, RELEASED).items()}


def to_released(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of a released file from that of `deeplabv2`."""
    released = renamed(tensors, {ours: released for released, ours in RELEASED.items()})
    return {_released_block_key(key): value for key, value in released.items()}


def _block_key(key: str) -> str:
    """The name here of an entry of a residual block; blocks and stages are counted from 1 there, after the stem."""
    match = re.fullmatch(r"base\.layer(\d+)\.block(\d+)\.(\w+\.\w+)\.(\w+)", key)
    return f"backbone.layer{int(match[1]) - 1}.{int(match[2]) - 1}.{UNITS[match[3]]}.{match[4]}" if match else key


def _released_block_key(key: str) -> str:
    match = re.fullmatch(r"backbone\.layer(\d+)\.(\d+)\.(\w+|downsample\.\d)\.(\w+)", key)
    units = {ours: released for released, ours in UNITS.items()}
    return f"base.layer{int(match[1]) + 1}.block{int(match[2]) + 1}.{units[match[3]]}.{match[4]}" if match else key
