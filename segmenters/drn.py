"""Dilated residual networks of types C and D with the segmentation head of their authors, for Cityscapes.

Source: arXiv 1705.09914; fyu/drn@d75db2e, drn.py and segment.py. `from_released` and `to_released` translate the keys
of its files.
"""

import itertools
from typing import Any, Literal

import torch
from torch import Tensor, nn

from segmenters.mmsegmentation import MODELS, BaseDecodeHead, BasicBlock, Bottleneck, ConfigDict, ResLayer
from segmenters.picture_segmenter import PictureSegmenter, renamed

Type = Literal["c", "d"]
NORM_STATE = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")

# Blocks in levels 1 to 8 of every depth; the depths of type C are others than those of type D.
TYPE_C = {26: (1, 1, 2, 2, 2, 2, 1, 1), 42: (1, 1, 3, 4, 6, 3, 1, 1), 58: (1, 1, 3, 4, 6, 3, 1, 1)}
TYPE_D = {
    22: (1, 1, 2, 2, 2, 2, 1, 1),
    24: (1, 1, 2, 2, 2, 2, 2, 2),
    38: (1, 1, 3, 4, 6, 3, 1, 1),
    40: (1, 1, 3, 4, 6, 3, 2, 2),
    54: (1, 1, 3, 4, 6, 3, 1, 1),
    56: (1, 1, 3, 4, 6, 3, 2, 2),
    105: (1, 1, 3, 4, 23, 3, 1, 1),
    107: (1, 1, 3, 4, 23, 3, 2, 2),
}
BLOCKS = TYPE_C | TYPE_D
# The depths whose residual blocks have two convolutions instead of three.
SHALLOW = (22, 24, 26, 38, 40, 42)
# Channels of levels 1 to 8, in units of the stem's.
WIDTHS = (1, 2, 4, 8, 16, 32, 32, 32)
STRIDES = (1, 2, 2, 2, 1, 1, 1, 1)
DILATIONS = (1, 1, 1, 1, 2, 4, 2, 1)
# The levels of residual blocks; of type C all levels are, the first two and last two of them of two convolutions, the
# last two without their shortcuts.
RESIDUAL_LEVELS = (3, 4, 5, 6)
OPEN_LEVELS = (7, 8)
# How much coarser than the picture the last map is.
REDUCTION = 8
HEAD = {"seg.": "decode_head.conv_seg.", "up.": "decode_head.up."}
# By the number of the layer in the released files: a stem of one entry, or of three, one of them without weights.
RELEASED: dict[Type, dict[str, str]] = {
    "c": {
        "base.0.": "backbone.layer0.0.",
        "base.1.": "backbone.layer0.1.",
        **{f"base.{level + 2}.": f"backbone.layer{level}." for level in range(1, 9)},
        **HEAD,
    },
    "d": {"base.": "backbone.layer", **HEAD},
}
# Shortcuts that are in the released files of DRN-C-58 and that its authors' code computes and drops.
UNUSED = ("base.9.0.downsample.0.weight", *(f"base.9.0.downsample.1.{name}" for name in NORM_STATE))


class DilatedBasicBlock(BasicBlock):
    """MMSegmentation's block of two convolutions, with the second one dilated too."""

    def __init__(self, inplanes: int, planes: int, dilation: int = 1, **options: Any):
        super().__init__(inplanes, planes, dilation=dilation, **options)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=dilation, dilation=dilation, bias=False)


class OpenBlock(DilatedBasicBlock):
    """The same two convolutions without the shortcut around them."""

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.norm2(self.conv2(self.relu(self.norm1(self.conv1(x))))))


def open_blocks(width: int, out_width: int, count: int, dilation: int) -> nn.Sequential:
    """`count` blocks without shortcuts."""
    widths = [width, *[out_width] * count]
    return nn.Sequential(*(OpenBlock(a, b, dilation) for a, b in itertools.pairwise(widths)))


@MODELS.register_module()
class DRN(nn.Module):
    """A stem and eight levels; (N, 3, H, W) to one map (N, 32 * base_channels, H / 8, W / 8), rounded up.

    Of type D the first two and last two levels are of plain convolutions. The depth says the type. blocks: in each
    level.
    """

    def __init__(self, depth: int, base_channels: int, blocks: tuple[int, ...] | None = None):
        super().__init__()
        type_c = depth in TYPE_C
        self.layer0 = convolutions(3, base_channels, kernel=7)
        width = base_channels
        for level, count in enumerate(blocks or BLOCKS[depth], start=1):
            out_width = base_channels * WIDTHS[level - 1]
            stride, dilation = STRIDES[level - 1], DILATIONS[level - 1]
            if type_c and level in OPEN_LEVELS:
                layer = open_blocks(width, out_width, count, dilation)
                width = out_width
            elif type_c or level in RESIDUAL_LEVELS:
                deep = level in RESIDUAL_LEVELS and depth not in SHALLOW
                block = Bottleneck if deep else DilatedBasicBlock
                layer = ResLayer(block, width, out_width, count, stride=stride, dilation=dilation)
                width = out_width * block.expansion
            else:
                layer = convolutions(width, out_width, count, stride, dilation)
                width = out_width
            self.add_module(f"layer{level}", layer)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """The last map, alone in a tuple as MMSegmentation's heads expect."""
        for layer in self.children():
            x = layer(x)
        return (x,)


def convolutions(
    width: int, out_width: int, count: int = 1, stride: int = 1, dilation: int = 1, kernel: int = 3
) -> nn.Sequential:
    """`count` convolutions with batch norm and ReLU, the first one strided."""
    layers: list[nn.Module] = []
    for number in range(count):
        convolution = nn.Conv2d(
            out_width if number else width,
            out_width,
            kernel,
            stride=1 if number else stride,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            bias=False,
        )
        layers += [convolution, nn.BatchNorm2d(out_width), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


@MODELS.register_module()
class DRNHead(BaseDecodeHead):
    """A 1x1 convolution to the classes, then eight times the resolution.

    upsampling: a transposed convolution whose fixed kernel interpolates ("kernel"), as in the released files, or
    bilinear interpolation that keeps the corner pixels in place ("corners").
    """

    def __init__(self, upsampling: Literal["kernel", "corners"] = "kernel", **options: Any):
        super().__init__(**options)
        corners = nn.Upsample(scale_factor=REDUCTION, mode="bilinear", align_corners=True)
        self.up = fixed_upsampling(self.num_classes) if upsampling == "kernel" else corners

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Scores (N, classes, 8h, 8w) of a map (N, C, h, w)."""
        return self.up(self.cls_seg(self._transform_inputs(inputs)))


def fixed_upsampling(channels: int) -> nn.ConvTranspose2d:
    """A transposed convolution that interpolates each channel by itself to eight times its size, and is not trained."""
    up = nn.ConvTranspose2d(
        channels, channels, 2 * REDUCTION, REDUCTION, padding=REDUCTION // 2, groups=channels, bias=False
    )
    with torch.no_grad():
        up.weight.copy_(bilinear_kernel())
    return up.requires_grad_(False)


def bilinear_kernel() -> Tensor:
    """The kernel (16, 16) of bilinear upsampling by eight: a tent around its centre on either axis."""
    tent = 1 - (torch.arange(2 * REDUCTION) - (2 * REDUCTION - 1) / 2).abs() / REDUCTION
    return tent[:, None] * tent


def drn(
    num_classes: int,
    depth: int = 105,
    base_channels: int = 16,
    blocks: tuple[int, ...] | None = None,
    upsampling: Literal["kernel", "corners"] = "kernel",
) -> PictureSegmenter:
    """The whole segmenter: pictures (N, 3, H, W) in [-1, 1] to scores (N, num_classes, H, W).

    depth: of TYPE_C or TYPE_D. base_channels: the stem's width, of which the others are multiples. blocks: in each
    level, by default the depth's.
    """
    head = ConfigDict(
        type="DRNHead",
        in_channels=base_channels * WIDTHS[-1],
        channels=base_channels * WIDTHS[-1],
        num_classes=num_classes,
        dropout_ratio=0,
        upsampling=upsampling,
        loss_decode=ConfigDict(type="CrossEntropyLoss", avg_non_ignore=True),
    )
    backbone = ConfigDict(type="DRN", depth=depth, base_channels=base_channels, blocks=blocks)
    return MODELS.build(ConfigDict(type="PictureSegmenter", preprocessing="drn", backbone=backbone, decode_head=head))


def drn_d_105(num_classes: int, **options: Any) -> PictureSegmenter:
    """DRN-D-105, the segmenter of record of Cityscapes; options as in `drn`."""
    return drn(num_classes, depth=105, **options)


def drn_d_22(num_classes: int, **options: Any) -> PictureSegmenter:
    """DRN-D-22; options as in `drn`."""
    return drn(num_classes, depth=22, **options)


def drn_c_26(num_classes: int, **options: Any) -> PictureSegmenter:
    """DRN-C-26; options as in `drn`."""
    return drn(num_classes, depth=26, **options)


def drn_c_42(num_classes: int, **options: Any) -> PictureSegmenter:
    """DRN-C-42; options as in `drn`."""
    return drn(num_classes, depth=42, **options)


def drn_c_58(num_classes: int, **options: Any) -> PictureSegmenter:
    """DRN-C-58; options as in `drn`."""
    return drn(num_classes, depth=58, **options)


def from_released(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of `drn` from that of a released file; what is unused in it is left out."""
    kind: Type = "c" if "base.0.weight" in tensors else "d"
    used = {key: value for key, value in tensors.items() if kind == "d" or key not in UNUSED}
    return renamed(used, RELEASED[kind])


def to_released(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of a released file, without what is unused, from that of `drn`."""
    kind: Type = "c" if "backbone.layer1.0.conv1.weight" in tensors else "d"
    return renamed(tensors, {ours: released for released, ours in RELEASED[kind].items()})
