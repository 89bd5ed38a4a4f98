"""The U-Net that parses CelebAMask-HQ's faces, as an MMSegmentation backbone with a 1x1 head.

Source: switchablenorms/CelebAMask-HQ@3f6c45d, face_parsing/unet.py. Released files have the keys of one plain network;
`from_released` and `to_released` translate them.
"""

import torch
from torch import Tensor, nn

from segmenters.mmsegmentation import MODELS, ConfigDict, EncoderDecoder, pixel_head

WIDTHS = (64, 128, 256, 512, 1024)
HEAD, RELEASED_HEAD = "decode_head.conv_seg.", "final."


@MODELS.register_module()
class FaceParsingUNet(nn.Module):
    """Four halvings and four doublings with skip connections; (N, 3, H, W) to one map (N, width, H, W).

    feature_scale: what the widths 64 to 1024 are divided by. H and W must be multiples of 16.
    """

    def __init__(self, feature_scale: int = 4, in_channels: int = 3):
        super().__init__()
        widths = [width // feature_scale for width in WIDTHS]
        self.conv1 = DoubleConvolution(in_channels, widths[0])
        self.conv2 = DoubleConvolution(widths[0], widths[1])
        self.conv3 = DoubleConvolution(widths[1], widths[2])
        self.conv4 = DoubleConvolution(widths[2], widths[3])
        self.center = DoubleConvolution(widths[3], widths[4])
        self.up_concat4 = UpConcat(widths[4], widths[3])
        self.up_concat3 = UpConcat(widths[3], widths[2])
        self.up_concat2 = UpConcat(widths[2], widths[1])
        self.up_concat1 = UpConcat(widths[1], widths[0])
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """The finest map, alone in a tuple as MMSegmentation's heads expect."""
        skips = []
        for down in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = down(x)
            skips.append(x)
            x = self.pool(x)
        x = self.center(x)
        for up in (self.up_concat4, self.up_concat3, self.up_concat2, self.up_concat1):
            x = up(skips.pop(), x)
        return (x,)


class DoubleConvolution(nn.Module):
    """Two 3x3 convolutions, each with batch norm and ReLU."""

    def __init__(self, width: int, out_width: int):
        super().__init__()
        self.conv1 = normalised_convolution(width, out_width)
        self.conv2 = normalised_convolution(out_width, out_width)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.conv1(x))


class UpConcat(nn.Module):
    """Doubles the coarse map, joins it to the skip connection's and convolves both."""

    def __init__(self, width: int, out_width: int):
        super().__init__()
        self.conv = DoubleConvolution(2 * out_width, out_width)
        self.up = nn.ConvTranspose2d(width, out_width, kernel_size=2, stride=2)

    def forward(self, skip: Tensor, coarse: Tensor) -> Tensor:
        return self.conv(torch.cat([skip, self.up(coarse)], dim=1))


def normalised_convolution(width: int, out_width: int) -> nn.Sequential:
    """A 3x3 convolution, batch norm and ReLU."""
    return nn.Sequential(nn.Conv2d(width, out_width, 3, padding=1), nn.BatchNorm2d(out_width), nn.ReLU())


def face_parsing_unet(num_classes: int, feature_scale: int = 4) -> EncoderDecoder:
    """The whole segmenter: pictures (N, 3, H, W) in [-1, 1] to scores (N, num_classes, H, W)."""
    head = pixel_head(WIDTHS[0] // feature_scale, num_classes)
    backbone = ConfigDict(type="FaceParsingUNet", feature_scale=feature_scale)
    return MODELS.build(ConfigDict(type="EncoderDecoder", backbone=backbone, decode_head=head))


def from_released(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of `face_parsing_unet` from that of a released file."""
    return {
        HEAD + key.removeprefix(RELEASED_HEAD) if key.startswith(RELEASED_HEAD) else f"backbone.{key}": value
        for key, value in tensors.items()
    }


def to_released(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of a released file from that of `face_parsing_unet`."""
    return {
        RELEASED_HEAD + key.removeprefix(HEAD) if key.startswith(HEAD) else key.removeprefix("backbone."): value
        for key, value in tensors.items()
    }
