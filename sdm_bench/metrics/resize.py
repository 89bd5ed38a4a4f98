"""From a picture of any size to the 299 x 299 input of Inception, in the ways that published numbers use.

The way matters more than most claimed gains (Parmar et al. 2022, "On Aliased Resizing", arXiv:2104.11222). Some
protocols resize once more before that; `resized_before` does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from sdm_bench.base.errors import UserError, unknown_name

# Height and width of the result, pixels.
SIZE = 299
# Height and width to which the SDM repository's script squashes every picture first, pixels.
SDM_SIZE = 256

# uint8 (H, W, 3) going in, float32 (299, 299, 3) with values 0..255 coming out.
Pixels = np.ndarray
# A value 0..255 for all channels, or one for each of red, green and blue.
Levels = float | tuple[float, float, float]
Kernel = Literal["none", "bicubic", "bilinear"]


@dataclass(frozen=True)
class Resize:
    """A named way of resizing. centre, half_range: the network's input is (pixels - centre) / half_range.

    Those of other networks than Inception give another size than 299 and have another range than [-1, 1].
    """

    name: str
    pixels: Callable[[Pixels], Pixels]
    centre: Levels
    half_range: Levels

    def __call__(self, image: Pixels) -> Tensor:
        """The network's input, float32 (3, 299, 299) in [-1, 1], for a uint8 (H, W, 3) picture."""
        centre, half_range = (np.asarray(each, np.float32) for each in (self.centre, self.half_range))
        scaled = (self.pixels(image) - centre) / half_range
        return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)))


def resized_before(image: Pixels, size: tuple[int, int], kernel: str) -> Pixels:
    """A uint8 (H, W, 3) picture as uint8 (*size, 3), as it would be if it had been saved at that size.

    size: (height, width). kernel: `bicubic` or `bilinear`, Pillow's, both antialiased and rounded to 8 bits; or `none`,
    by which the picture stays as it is. Raises UserError for another kernel or a side below one pixel.
    """
    if kernel not in get_args(Kernel):
        raise unknown_name("kernel", kernel, get_args(Kernel))
    if kernel == "none":
        return image
    if min(size) < 1:
        raise UserError(f"a size of {size[0]}x{size[1]} (height x width); expected at least one pixel a side")
    resample = Image.Resampling[kernel.upper()]
    return np.array(Image.fromarray(image).resize((size[1], size[0]), resample))


def pillow(image: Pixels, resample: Image.Resampling) -> Pixels:
    """Pillow's antialiased resize of each channel in float32, clipped to 0..255, not rounded."""
    channels = [
        Image.fromarray(image[:, :, c].astype(np.float32)).resize((SIZE, SIZE), resample) for c in range(image.shape[2])
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=2).clip(0, 255)


def clean(image: Pixels) -> Pixels:
    """Bicubic with antialiasing, in float: GaParmar/clean-fid@e88c4d6, mode "clean"."""
    return pillow(image, Image.Resampling.BICUBIC)


def pillow_8bit(image: Pixels, side: int = SIZE) -> Pixels:
    """Bicubic with antialiasing, rounded to 8 bits, as a picture saved at `side` x `side` would be."""
    return resized_before(image, (side, side), "bicubic").astype(np.float32)


def legacy_pytorch(image: Pixels) -> Pixels:
    """Bilinear without antialiasing: what mseitzer/pytorch-fid@b9c1811 does inside its network."""
    return _bilinear(image.astype(np.float32)).clip(0, 255)


def tf1(image: Pixels) -> Pixels:
    """Bilinear without antialiasing, output x at W x / 299 and not at its centre, as TensorFlow 1 resizes.

    What toshas/torch-fidelity@5e211a9 (interpolate_compat_tensorflow.py) does inside its network, and FID's first
    implementation, bioinf-jku/TTUR.
    """
    above, below, down = _tf1_neighbours(image.shape[0])
    left, right, along = _tf1_neighbours(image.shape[1])
    pixels = image.astype(np.float32)
    columns = pixels[:, left] + (pixels[:, right] - pixels[:, left]) * along[None, :, None]
    return columns[above] + (columns[below] - columns[above]) * down[:, None, None]


def _tf1_neighbours(side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each of the 299 outputs: the two inputs that it lies between, and how far it is from the first, in [0, 1)."""
    position = np.arange(SIZE, dtype=np.float32) * np.float32(side / SIZE)
    first = position.astype(np.int64)
    return first, np.minimum(first + 1, side - 1), position - first.astype(np.float32)


def sdm(image: Pixels) -> Pixels:
    """To 256 x 256 without keeping the aspect, then as legacy_pytorch: WeilunWang/semantic-diffusion-model@7171f37."""
    return _bilinear(sdm_squash(image))


def sdm_squash(image: Pixels) -> Pixels:
    """scikit-image's `resize` (order 1, mirrored edge, Gaussian antialiasing on shrinking) to (256, 256, 3), 0..255."""
    factors = np.array([image.shape[0] / SDM_SIZE, image.shape[1] / SDM_SIZE, 1.0])
    smooth = image.astype(np.float32)
    if (factors > 1).any():
        smooth = ndimage.gaussian_filter(smooth, np.maximum(0, (factors - 1) / 2), mode="mirror")
    resized = ndimage.zoom(smooth, 1 / factors, order=1, mode="mirror", grid_mode=True)
    return resized.clip(image.min(), image.max())


def _bilinear(pixels: Pixels) -> Pixels:
    batch = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None]
    resized = F.interpolate(batch, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
    return resized[0].numpy().transpose(1, 2, 0)


RESIZES: dict[str, Resize] = {
    way.name: way
    for way in (
        Resize("clean", clean, 128.0, 128.0),
        Resize("legacy_pytorch", legacy_pytorch, 127.5, 127.5),
        Resize("tf1", tf1, 128.0, 128.0),
        Resize("sdm", sdm, 127.5, 127.5),
    )
}


def resize_mode(name: str) -> Resize:
    """The way of resizing called `name`; raises UserError with the nearest known name."""
    if name not in RESIZES:
        raise unknown_name("resize mode", name, RESIZES)
    return RESIZES[name]
