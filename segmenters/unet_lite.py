"""A small U-Net that parses faces, a second opinion for CelebAMask-HQ; not the segmenter of record.

Source: SimonEnkel/lightweight-unet-face-parsing@a507742 (model_best.pth, 467,123 parameters). Its 19 outputs are in an
order of its own.
"""

import torch
from torch import Tensor, nn

from segmenters.mmsegmentation import MODELS, ConfigDict, EncoderDecoder, pixel_head

# The network's output that holds each official class id.
OUTPUT_OF_CLASS = (0, 3, 6, 9, 17, 5, 2, 11, 8, 4, 14, 1, 10, 13, 12, 18, 7, 15, 16)
HEAD, RELEASED_HEAD = "decode_head.conv_seg.", "out."


@MODELS.register_module()
class LiteUNet(nn.Module):
    """Two halvings and two doublings with skip connections; (N, 3, H, W) to (N, 32, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.enc1 = plain_convolutions(3, 32)
        self.enc2 = plain_convolutions(32, 64)
        self.bottleneck = plain_convolutions(64, 128)
        self.up1 = nn.ConvTranspose2d(128, 64, kernel_size=2, stride=2)
        self.dec1 = plain_convolutions(128, 64)
        self.up2 = nn.ConvTranspose2d(64, 32, kernel_size=2, stride=2)
        self.dec2 = plain_convolutions(64, 32)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """The finest map, alone in a tuple as MMSegmentation's heads expect."""
        first = self.enc1(x)
        second = self.enc2(self.pool(first))
        x = self.bottleneck(self.pool(second))
        x = self.dec1(torch.cat([self.up1(x), second], dim=1))
        return (self.dec2(torch.cat([self.up2(x), first], dim=1)),)


def plain_convolutions(width: int, out_width: int) -> nn.Sequential:
    """Two 3x3 convolutions with ReLU."""
    first, second = nn.Conv2d(width, out_width, 3, padding=1), nn.Conv2d(out_width, out_width, 3, padding=1)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())


def lite_unet(num_classes: int) -> EncoderDecoder:
    """The whole segmenter: pictures (N, 3, H, W) in [-1, 1] to scores (N, num_classes, H, W)."""
    return MODELS.build(
        ConfigDict(type="EncoderDecoder", backbone=ConfigDict(type="LiteUNet"), decode_head=pixel_head(32, num_classes))
    )


def from_released(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of `lite_unet` from the released file, its outputs put into the order of the official ids."""
    order = list(OUTPUT_OF_CLASS)
    return {
        HEAD + key.removeprefix(RELEASED_HEAD): value[order]
        for key, value in tensors.items()
        if key.startswith(RELEASED_HEAD)
    } | {f"backbone.{key}": value for key, value in tensors.items() if not key.startswith(RELEASED_HEAD)}
