"""Parts of MMSegmentation's networks that the segmenters build on, imported as quietly as in mmsegmentation.py."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mmcv.cnn import ConvModule
    from mmseg.models.backbones.resnet import BasicBlock, Bottleneck, ResNet
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead
    from mmseg.models.decode_heads.psp_head import PPM
    from mmseg.models.decode_heads.uper_head import UPerHead
    from mmseg.models.utils import ResLayer

__all__ = ["PPM", "BaseDecodeHead", "BasicBlock", "Bottleneck", "ConvModule", "ResLayer", "ResNet", "UPerHead"]
