"""UPerNet on a ResNet with a deep stem, as released by CSAIL for ADE20K.

Source: arXiv 1807.10221; CSAILVision/semantic-segmentation-pytorch@8f27c9b, mit_semseg/models/models.py and resnet.py.
It is released as two files. `from_released` and `to_released` translate their keys in one dictionary, in which the
encoder file's begin with "encoder." and the decoder file's with "decoder.".
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from segmenters.mmsegmentation import MODELS, PPM, ConfigDict, ConvModule, ResNet, UPerHead
from segmenters.picture_segmenter import PictureSegmenter, renamed

# What the authors' batch norm over several GPUs keeps for training alone.
UNUSED = ("_tmp_running_mean", "_tmp_running_var", "_running_iter")
POOL_SCALES = (1, 2, 3, 6)
PARTS = ("conv", "bn")
RELEASED = {
    "encoder.layer": "backbone.layer",
    **{
        f"encoder.{part}{number + 1}.": f"backbone.stem.{3 * number + place}."
        for number in range(3)
        for place, part in enumerate(PARTS)
    },
    **{
        f"decoder.{released}.{place}.": f"decode_head.{ours}.{part}."
        for released, ours in (
            *((f"ppm_conv.{number}", f"psp_modules.{number}.1") for number in range(4)),
            ("ppm_last_conv", "bottleneck"),
            *((f"fpn_in.{number}", f"lateral_convs.{number}") for number in range(3)),
            *((f"fpn_out.{number}.0", f"fpn_convs.{number}") for number in range(3)),
            ("conv_last.0", "fpn_bottleneck"),
        )
        for place, part in enumerate(PARTS)
    },
    "decoder.conv_last.1.": "decode_head.conv_seg.",
}


@MODELS.register_module()
class CSAILUPerHead(UPerHead):
    """MMSegmentation's UPerHead with the pooled maps enlarged before their convolutions instead of after them.

    pool_channels: the width of the pooled branches.
    """

    def __init__(self, pool_channels: int, **options: Any):
        super().__init__(pool_scales=POOL_SCALES, **options)
        layers = {"conv_cfg": self.conv_cfg, "norm_cfg": self.norm_cfg, "act_cfg": self.act_cfg}
        width = self.in_channels[-1]
        self.psp_modules = PPM(POOL_SCALES, width, pool_channels, align_corners=self.align_corners, **layers)
        self.bottleneck = ConvModule(width + len(POOL_SCALES) * pool_channels, self.channels, 3, padding=1, **layers)

    def psp_forward(self, inputs: list[Tensor]) -> Tensor:
        """The coarsest map (N, C, h, w), joined to its averages over grids, as (N, channels, h, w)."""
        x = inputs[-1]
        pooled = [convolution(enlarged(pool(x), x)) for pool, convolution in self.psp_modules]
        return self.bottleneck(torch.cat([x, *pooled], dim=1))


def enlarged(x: Tensor, like: Tensor) -> Tensor:
    """x at the height and width of `like`."""
    return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)


def upernet(
    num_classes: int,
    depth: int = 101,
    base_channels: int = 64,
    channels: int = 512,
    pool_channels: int | None = None,
    dilated: bool = False,
) -> PictureSegmenter:
    """The whole segmenter: pictures (N, 3, H, W) in [-1, 1] to scores (N, num_classes, H, W).

    depth: of the ResNet: 18, 34, 50, 101 or 152. base_channels: the width of its first stage. channels: of the head;
    pool_channels: of its pooled branches, by default as many. dilated: whether the ResNet's last two stages dilate
    instead of halving the resolution.
    """
    widths = [base_channels * 2**stage * ResNet.arch_settings[depth][0].expansion for stage in range(4)]
    backbone = ConfigDict(type="ResNetV1c", depth=depth, base_channels=base_channels, stem_channels=2 * base_channels)
    if dilated:
        backbone.update(strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), contract_dilation=True)
    head = ConfigDict(
        type="CSAILUPerHead",
        in_channels=widths,
        in_index=list(range(4)),
        channels=channels,
        pool_channels=pool_channels or channels,
        num_classes=num_classes,
        norm_cfg=ConfigDict(type="BN"),
        dropout_ratio=0,
        align_corners=False,
        loss_decode=ConfigDict(type="CrossEntropyLoss", avg_non_ignore=True),
    )
    return MODELS.build(ConfigDict(type="PictureSegmenter", preprocessing="csail", backbone=backbone, decode_head=head))


def from_released(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of `upernet` from those of the released encoder and decoder, see the module's docstring."""
    return renamed({key: value for key, value in tensors.items() if not key.endswith(UNUSED)}, RELEASED)


def to_released(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dicts of the released encoder and decoder, without what is unused, from that of `upernet`."""
    return renamed(tensors, {ours: released for released, ours in RELEASED.items()})
