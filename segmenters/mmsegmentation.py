"""MMSegmentation as the segmenters use it, imported without the warnings that its packages raise among themselves."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mmcv.cnn import ConvModule
    from mmcv.image import rescale_size
    from mmengine.config import Config, ConfigDict
    from mmengine.model.utils import revert_sync_batchnorm
    from mmengine.registry import DefaultScope
    from mmseg.models.backbones.resnet import BasicBlock, Bottleneck, ResNet
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead
    from mmseg.models.decode_heads.psp_head import PPM
    from mmseg.models.decode_heads.uper_head import UPerHead
    from mmseg.models.segmentors import EncoderDecoder
    from mmseg.models.utils import ResLayer
    from mmseg.registry import MODELS

__all__ = [
    "MODELS",
    "PPM",
    "BaseDecodeHead",
    "BasicBlock",
    "Bottleneck",
    "Config",
    "ConfigDict",
    "ConvModule",
    "DefaultScope",
    "EncoderDecoder",
    "ResLayer",
    "ResNet",
    "UPerHead",
    "pixel_head",
    "rescale_size",
    "revert_sync_batchnorm",
]


def pixel_head(width: int, num_classes: int) -> ConfigDict:
    """The configuration of a head that is one 1x1 convolution from `width` channels to the classes."""
    return ConfigDict(
        type="FCNHead",
        in_channels=width,
        channels=width,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0,
        num_classes=num_classes,
        align_corners=False,
        loss_decode=ConfigDict(type="CrossEntropyLoss", avg_non_ignore=True),
    )
