"""GroupDNet: a SPADE generator whose convolutions are in groups, as many as classes at first, fewer towards the picture
(arXiv 2003.12697).

Every class has noise channels of its own. State-dict keys and shapes are those of the released checkpoints; the
authors' netE is `encoder`.
Source: Seanseattle/SMIS@b86a6c0, models/networks (generator, normalization, encoder), models/smis_model.py trans_img.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import (
    FREE_NORMS,
    SPADE,
    Gaussian,
    Generated,
    Latent,
    ResidualBlock,
    StridedEncoder,
    initialise,
)
from sdm_bench.models.spade import Trunk, TrunkConfig


class GroupDNetConfig(TrunkConfig):
    """Every class's channel is followed by the edge channel, if there is one, so that each group sees the edges.

    z_per_class: noise channels. first_per_class: channels a class of the first map; without it that has 16 ngf.
    middle: widths of G_middle_0 and G_middle_1, in ngf. groups: of the convolutions of fc, head_0, G_middle_0,
    G_middle_1, up_0 to up_3, and of up_4 where there is one; 0 means one a class.
    modulation: the layers between condition and modulation in a block of g groups. `class` (Cityscapes): g channels
    a class, all layers grouped by class. `class-group` (ADE20K): g channels a class, or 2 where g divides the number of
    classes; the first layer is grouped by class, the second has g groups. `group` (DeepFashion): `hidden` channels, g
    groups. spare_block: with an up_4 that is never used, as in the released ADE20K file.
    nef: width of the encoder a class. encoder_depth: its number of layers.
    """

    upsampling: Literal["fewer", "normal", "more", "most"] = "more"
    z_per_class: int = 8
    first_per_class: int | None = None
    middle: tuple[int, int] = (16, 16)
    groups: tuple[int, ...]
    modulation: Literal["class", "class-group", "group"]
    hidden: int = 128
    spare_block: bool = False
    norm: Literal["batch", "instance"] = "batch"
    spectral: bool = True
    nef: int = 4
    encoder_depth: int = 6

    @property
    def stochastic(self) -> bool:
        return True

    @property
    def styled(self) -> bool:
        return True

    @property
    def first_width(self) -> int:
        return self.width(16) if self.first_per_class is None else self.first_per_class * self.num_classes

    @property
    def coarse_widths(self) -> tuple[int, int, int]:
        return self.first_width, self.width(self.middle[0]), self.width(self.middle[1])

    def modulation_layers(self, groups: int) -> tuple[int, tuple[int, int]]:
        """In a block of `groups`, the channels between condition and modulation, and groups before and after them."""
        classes = self.num_classes
        if self.modulation == "class":
            return classes * groups, (classes, classes)
        if self.modulation == "class-group":
            return classes * (groups if classes % groups else 2), (classes, groups)
        return -(-self.hidden // groups) * groups, (groups, groups)


class GroupDNetGenerator(Trunk):
    """From a map of noise for every class, drawn or encoded from a photograph, and the condition to a picture."""

    config: GroupDNetConfig

    def __init__(self, config: GroupDNetConfig):
        classes = config.num_classes
        first, *others = [number or classes for number in config.groups]
        remaining = iter(others)
        super().__init__(config, lambda width, out_width: group_block(config, width, out_width, next(remaining)))
        if config.spare_block:
            self.up_4 = group_block(config, config.ngf, config.ngf // 2, next(remaining)).requires_grad_(False)
        self.fc = nn.Conv2d(classes * config.z_per_class, config.first_width, 3, padding=1, groups=first)
        self.encoder = GroupEncoder(classes, config.nef, config.z_per_class, config.encoder_depth)
        initialise(self)

    def latent_shape(self, condition: Condition) -> tuple[int, ...]:
        return (self.config.num_classes * self.config.z_per_class, *self.config.first_size(condition.size))

    def forward(self, condition: Condition, latent: Latent = None) -> Generated:
        assert isinstance(latent, Tensor)
        posteriors = () if condition.style is None else (self.encode(condition, condition.style),)
        z = posteriors[0].reparameterize(latent) if posteriors else latent
        return Generated(self.grow(self.fc(z), self._context(condition)), posteriors)

    def encode(self, condition: Condition, style: Tensor) -> Gaussian:
        """What the encoder says of every class of a picture (N, 3, H, W): (N, classes * z_per_class, h, w) each."""
        crops = class_crops(style, condition.label, self.config.num_classes, condition.size)
        return self.encoder(crops, self.config.first_size(condition.size))

    def _context(self, condition: Condition) -> Tensor:
        channels = condition.semantics(self.config.edges)
        if not self.config.edges:
            return channels
        classes, edge = channels[:, :-1], channels[:, -1:]
        return torch.stack([classes, edge.expand_as(classes)], dim=2).flatten(1, 2)


def group_block(config: GroupDNetConfig, width: int, out_width: int, groups: int) -> ResidualBlock:
    """A residual block whose convolutions have `groups`."""
    hidden, modulation_groups = config.modulation_layers(groups)

    def norm(width: int) -> nn.Module:
        semantics = config.num_classes * (1 + config.edges)
        return SPADE(width, semantics, hidden, norm=FREE_NORMS[config.norm], groups=modulation_groups)

    wrap = spectral_norm if config.spectral else nn.Identity()
    return ResidualBlock(width, out_width, norm, wrap=wrap, groups=groups)


class GroupEncoder(StridedEncoder):
    """From every class's crop to mean and log-variance of its noise; a group of convolutions sees one class alone.

    nef: channels a class after the first layer.
    """

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
