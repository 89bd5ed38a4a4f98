"""MMSegmentation as the segmenters use it, imported without the warnings that its packages raise among themselves."""

import io
import warnings
from contextlib import redirect_stdout
from importlib import import_module

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mmcv.cnn import ConvModule
    from mmengine.config import Config, ConfigDict
    from mmengine.dataset import Compose
    from mmengine.model.utils import revert_sync_batchnorm
    from mmengine.registry import DefaultScope
    from mmseg.models import BaseSegmentor, SegDataPreProcessor
    from mmseg.models.backbones.resnet import BasicBlock, Bottleneck, ResNet
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead
    from mmseg.models.decode_heads.psp_head import PPM
    from mmseg.models.decode_heads.uper_head import UPerHead
    from mmseg.models.segmentors import EncoderDecoder
    from mmseg.models.utils import ResLayer
    from mmseg.registry import MODELS
    from mmseg.structures import SegDataSample

__all__ = [
    "MODELS",
    "PPM",
    "BaseDecodeHead",
    "BaseSegmentor",
    "BasicBlock",
    "Bottleneck",
    "Compose",
    "Config",
    "ConfigDict",
    "ConvModule",
    "DefaultScope",
    "EncoderDecoder",
    "ResLayer",
    "ResNet",
    "SegDataPreProcessor",
    "SegDataSample",
    "UPerHead",
    "pixel_head",
    "register_transforms",
    "revert_sync_batchnorm",
]


def register_transforms() -> None:
    """Makes the steps of MMSegmentation's pipelines known; what they print while they are imported is left out."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        import_module("mmseg.datasets.transforms")


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
