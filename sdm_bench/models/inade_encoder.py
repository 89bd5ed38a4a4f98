"""INADE's encoder of styles: a U-Net whose convolutions see only the centre's instance, then a mean over instances.

Source: arXiv 2103.06878, section 3.3; tzt101/INADE@770a667, models/networks (encoder, partialconv2d).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.models.gan import Gaussian
from sdm_bench.models.gan_blocks import LEAK

CENTRE = 4
"""Of the nine places of a 3x3 kernel."""


class InstanceEncoder(nn.Module):
    """From a picture and its instances to the styles of these: scale and bias, `noise_dim` long each."""

    def __init__(self, nef: int, noise_dim: int):
        super().__init__()
        self.layer1 = convolution(3, nef, stride=2)
        self.layer2 = convolution(nef, 2 * nef, stride=2)
        self.layer3 = convolution(2 * nef, 4 * nef, stride=2)
        self.layer4 = convolution(4 * nef, 8 * nef, stride=2)
        self.middle = convolution(8 * nef, 4 * nef)
        self.up1 = convolution(8 * nef, 2 * nef)
        self.up2 = convolution(4 * nef, nef)
        self.up3 = convolution(2 * nef, nef)
        self.scale_conv_mu = convolution(nef, noise_dim)
        self.scale_conv_var = convolution(nef, noise_dim)
        self.bias_conv_mu = convolution(nef, noise_dim)
        self.bias_conv_var = convolution(nef, noise_dim)

    def forward(self, picture: Tensor, instances: Tensor, count: int) -> tuple[Gaussian, Gaussian]:
        """picture (N, 3, H, W) in [-1, 1], instances 0..count-1 as integers (N, H, W) to (N, count, noise_dim) each.

        An instance that a picture lacks gets zero mean and zero log-variance.
        """
        features = self.features(picture, instances[:, None].float())
        # The last convolutions are linear, so the mean over an instance can be taken of what goes into them.
        shares, present = instance_shares(instances, count)
        patches = shares @ own_patches(features, instances[:, None].float()).mT

        def style(mean: nn.Conv2d, log_variance: nn.Conv2d) -> Gaussian:
            return Gaussian(*(of_patches(layer, patches) * present for layer in (mean, log_variance)))

        return style(self.scale_conv_mu, self.scale_conv_var), style(self.bias_conv_mu, self.bias_conv_var)

    def features(self, picture: Tensor, instances: Tensor) -> Tensor:
        """The U-Net's output (N, nef, H, W)."""
        x, skips = picture, []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = activated(within(instances, layer, x))
            skips.append(x)
        x = doubled(activated(within(instances, self.middle, skips.pop())))
        for layer in (self.up1, self.up2, self.up3):
            x = doubled(activated(within(instances, layer, torch.cat([x, skips.pop()], dim=1))))
        return x


def convolution(width: int, out_width: int, stride: int = 1) -> nn.Conv2d:
    """The 3x3 convolution of every layer."""
    return nn.Conv2d(width, out_width, 3, stride=stride, padding=1)


def within(instances: Tensor, layer: nn.Conv2d, x: Tensor) -> Tensor:
    """The convolution `layer` of x (N, C, h, w), for which pixels of other instances than the centre's are zero.

    instances: float32 (N, 1, H, W), taken to (h, w) by nearest values.
    """
    stride = layer.stride[0]
    patches = own_patches(x, instances, stride)
    return of_patches(layer, patches.mT).mT.unflatten(2, (x.shape[2] // stride, x.shape[3] // stride))


def of_patches(layer: nn.Conv2d, patches: Tensor) -> Tensor:
    """A convolution's output (..., out_width) for patches (..., 9 C)."""
    return F.linear(patches, layer.weight.flatten(1), layer.bias)


def own_patches(x: Tensor, instances: Tensor, stride: int = 1) -> Tensor:
    """Every 3x3 patch of x (N, C, h, w) as (N, 9 C, places), zero where its pixels are not of its centre's instance."""
    instances = F.interpolate(instances, size=x.shape[2:], mode="nearest")
    neighbours = F.unfold(instances, 3, padding=1, stride=stride)
    own = neighbours == neighbours[:, CENTRE, None]
    patches = F.unfold(x, 3, padding=1, stride=stride).unflatten(1, (-1, neighbours.shape[1]))
    return (patches * own[:, None]).flatten(1, 2)


def instance_shares(instances: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Weights (N, count, pixels) that add up to 1 for an instance that is there, and whether it is, (N, count, 1)."""
    members = F.one_hot(instances.flatten(1), count).mT.float()
    area = members.sum(2, keepdim=True)
    return members / area.clamp(min=1), area > 0


def activated(x: Tensor) -> Tensor:
    """x after instance norm and a leaky ReLU."""
    return F.leaky_relu(F.instance_norm(x), LEAK)


def doubled(x: Tensor) -> Tensor:
    """Twice the resolution, bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear")
