"""GroupDNet's encoder: a group of convolutions for every class, which sees the class alone (arXiv 2003.12697).

Source: Seanseattle/SMIS@b86a6c0, models/networks/encoder.py and models/smis_model.py trans_img.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.models.gan import Gaussian
from sdm_bench.models.gan_blocks import StridedEncoder


class GroupEncoder(StridedEncoder):
    """From every class's crop to mean and log-variance of its noise; `nef` channels a class after the first layer."""

    def __init__(self, classes: int, nef: int, z_per_class: int, depth: int):
        super().__init__(3 * classes, nef * classes, depth, classes)
        self.fc_mu = nn.Conv2d(self.width, z_per_class * classes, 3, padding=1, groups=classes)
        self.fc_var = nn.Conv2d(self.width, z_per_class * classes, 3, padding=1, groups=classes)

    def forward(self, crops: Tensor, size: tuple[int, int] | None = None) -> Gaussian:
        """crops (N, 3 classes, H, W) to (N, z_per_class classes, h, w) each; `size` = (h, w), by default H and W
        divided by 2**depth, is reached by averaging."""
        x = self.features(crops)
        if size is not None and x.shape[2:] != size:
            x = F.adaptive_avg_pool2d(x, size)
        return Gaussian(self.fc_mu(x), self.fc_var(x))


def class_crops(picture: Tensor, label: Tensor, classes: int, size: tuple[int, int]) -> Tensor:
    """Every class's pixels, all others zero, cropped to their bounding box and resized to nearest values.

    picture (N, 3, H, W), label (N, H, W) to (N, 3 classes, *size), class by class; zero where a class is absent.
    """
    numbers = torch.arange(classes, device=label.device)[:, None, None]
    mask = label[:, None] == numbers
    rows = within_bounds(mask.any(3), size[0])[..., None]
    columns = within_bounds(mask.any(2), size[1])[..., None, :]
    pictures = torch.arange(len(label), device=label.device)[:, None, None, None]
    places = (pictures, rows, columns)
    crops = picture.movedim(1, -1)[places] * (label[places] == numbers)[..., None]
    return crops.movedim(-1, 2).flatten(1, 2)


def within_bounds(occupied: Tensor, count: int) -> Tensor:
    """int64 (N, C, count): nearest positions that fill the range from the first to the last true of (N, C, length)."""
    length = occupied.shape[2]
    first = occupied.int().argmax(2, keepdim=True)
    last = length - 1 - occupied.flip(2).int().argmax(2, keepdim=True)
    extent = last - first + 1
    steps = torch.arange(count, device=occupied.device) * (extent.float() / count)
    return first + torch.minimum(steps.floor().long(), extent - 1)
