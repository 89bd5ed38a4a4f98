"""MMSegmentation as the segmenters use it, imported without the warnings that its packages raise among themselves."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mmengine.config import ConfigDict
    from mmseg.models.segmentors import EncoderDecoder
    from mmseg.registry import MODELS

__all__ = ["MODELS", "ConfigDict", "EncoderDecoder", "pixel_head"]


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
