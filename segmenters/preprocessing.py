"""What each segmenter of record is fed, from uint8 pictures or from the pictures in [-1, 1] of the rest of the program.

Sources:
- fyu/drn@d75db2e, segment.py and datasets/cityscapes/info.json
- CSAILVision/semantic-segmentation-pytorch@8f27c9b, mit_semseg/dataset.py and config/ade20k-resnet101-upernet.yaml
- kazuto1011/deeplab-pytorch@4219467, libs/datasets/base.py and configs/cocostuff164k.yaml
- switchablenorms/CelebAMask-HQ@3f6c45d, face_parsing/tester.py and run_test.sh
- facebookresearch/Mask2Former@161be51, configs/{ade20k,cityscapes}/semantic-segmentation/; facebookresearch/detectron2,
  detectron2/data/transforms (ResizeShortestEdge)
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from PIL import Image
from PIL.Image import Resampling
from torch import Tensor
from torch.nn import functional as F

from sdm_bench.base.tensors import to_unit_range

# (height, width) in pixels.
Size = tuple[int, int]
CORNERS = "-corners"
OPENCV = "bilinear-opencv"
# From a picture's size to the sizes at which a segmenter sees it, one pass each.
SizeRule = Callable[[Size], tuple[Size, ...]]


def as_it_is(size: Size) -> tuple[Size, ...]:
    """One pass at the picture's own size."""
    return (size,)


@dataclass(frozen=True)
class Fixed:
    """One pass at `size`, whatever the aspect ratio."""

    size: Size

    def __call__(self, size: Size) -> tuple[Size, ...]:
        return (self.size,)


@dataclass(frozen=True)
class ShortSides:
    """A pass for each short side in `shorts`, or less where the long side would exceed `longest`.

    Both sides are then rounded up to a multiple of `multiple`, which changes the aspect ratio a little.
    """

    shorts: tuple[int, ...]
    longest: int
    multiple: int

    def __call__(self, size: Size) -> tuple[Size, ...]:
        return tuple(self._scaled(size, min(short / min(size), self.longest / max(size))) for short in self.shorts)

    def _scaled(self, size: Size, scale: float) -> Size:
        height, width = (math.ceil(int(side * scale) / self.multiple) * self.multiple for side in size)
        return height, width


@dataclass(frozen=True)
class ShortestEdge:
    """One pass with the short side at `short`, or less where the long side would exceed `longest`."""

    short: int
    longest: int

    def __call__(self, size: Size) -> tuple[Size, ...]:
        scale = self.short / min(size)
        scale *= min(1.0, self.longest / (max(size) * scale))
        height, width = (int(side * scale + 0.5) for side in size)
        return ((height, width),)


@dataclass(frozen=True)
class Preprocessing:
    """How one segmenter wants its pictures.

    mean, std: of its channels, in units in which white is `white` and in its own order: RGB, or BGR where `bgr`.
    sizes, kernel: at which sizes it sees a picture, and how Pillow resizes 8-bit pictures to them.
    """

    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    white: float = 1.0
    bgr: bool = False
    sizes: SizeRule = as_it_is
    kernel: Resampling = Resampling.BILINEAR

    def passes(self, image: np.ndarray) -> list[Tensor]:
        """RGB pictures (3, h, w) in [-1, 1], one a pass, of a uint8 picture (H, W, 3)."""
        height, width = image.shape[:2]
        return [to_unit_range(_resized(image, size, self.kernel)) for size in self.sizes((height, width))]

    def normalised(self, pictures: Tensor) -> Tensor:
        """The network's own input (N, 3, h, w) of RGB pictures (N, 3, h, w) in [-1, 1]."""
        channels = pictures.flip(1) if self.bgr else pictures
        mean, std = (channels.new_tensor(values)[:, None, None] for values in (self.mean, self.std))
        return ((channels + 1) * (self.white / 2) - mean) / std


def enlarged(image: np.ndarray, size: Size, kernel: str) -> np.ndarray | Tensor:
    """A uint8 picture (H, W, 3) at `size`.

    kernel: nearest, bilinear or bicubic by Pillow, or bilinear-opencv, to uint8 (h, w, 3); or bilinear-corners or
    bicubic-corners, by torch with aligned corners to a picture (3, h, w) in [-1, 1], or a little beyond, not rounded.
    """
    if kernel == OPENCV:
        return cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)
    mode = kernel.removesuffix(CORNERS)
    if mode == kernel:
        return _resized(image, size, Resampling[kernel.upper()])
    return F.interpolate(to_unit_range(image)[None], size=size, mode=mode, align_corners=True)[0]


def _resized(image: np.ndarray, size: Size, kernel: Resampling) -> np.ndarray:
    """uint8 (H, W, 3) at `size`."""
    return image if image.shape[:2] == size else np.asarray(Image.fromarray(image).resize(size[::-1], kernel))


IMAGENET = Preprocessing(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), white=255.0)
# By the name that configurations of networks use.
PREPROCESSING = {
    "face_parsing": Preprocessing(sizes=Fixed((512, 512)), kernel=Resampling.NEAREST),
    "drn": Preprocessing(mean=(0.290101, 0.328081, 0.286964), std=(0.182954, 0.186566, 0.184475)),
    "csail": Preprocessing(
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        sizes=ShortSides(shorts=(300, 375, 450, 525, 600), longest=1000, multiple=32),
    ),
    "mask2former-640": replace(IMAGENET, sizes=ShortestEdge(640, 2560)),
    "mask2former-1024": replace(IMAGENET, sizes=ShortestEdge(1024, 2048)),
    "deeplab": Preprocessing(mean=(104.008, 116.669, 122.675), std=(1.0, 1.0, 1.0), white=255.0, bgr=True),
}
