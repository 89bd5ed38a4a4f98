"""INADE: the SPADE generator modulated by noise of each instance, which its class scales and shifts (arXiv 2103.06878).

State-dict keys and shapes are those of the released checkpoints.
Source: section 3 of the paper; tzt101/INADE@770a667, models/networks (normalization, architecture, generator, encoder,
partialconv2d).
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm
from torch.nn.utils.rnn import pad_sequence

from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import FREE_NORMS, LEAK, Gaussian, Generated, Latent, ResidualBlock, initialise
from sdm_bench.models.spade import Trunk, VAEConfig

CENTRE = 4  # of the nine places of a 3x3 kernel


class INADEConfig(VAEConfig):
    """vae: whether there is an encoder. z_dim: length of the noise that the first map is made of.

    noise_dim: length of an instance's noise. norm: the normalisation. spectral: spectral norm in the blocks.
    """

    noise_dim: int = 64
    norm: Literal["batch", "instance"] = "batch"
    spectral: bool = True

    @property
    def stochastic(self) -> bool:
        return True


class Regions(NamedTuple):
    """What modulates a layer: regions are the pixels of one instance that are of one class.

    map: float32 (N, 1, H, W), the number of each pixel's region in the batch. classes: int64 (regions,). noise:
    (regions, 2, noise_dim), that of their instances.
    """

    map: Tensor
    classes: Tensor
    noise: Tensor


class INADE(nn.Module):
    """Instance-adaptive normalisation: norm(x) * scale + shift, both of them weight[class] * noise + bias[class].

    The noise is that of a pixel's instance, one vector for the scale and one for the shift, taken to the layer's width.
    """

    def __init__(self, width: int, config: INADEConfig):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(config.num_classes, width, 2))
        self.bias = nn.Parameter(torch.zeros(config.num_classes, width, 2))
        self.param_free_norm = FREE_NORMS[config.norm](width)
        self.fc_noise = nn.Linear(config.noise_dim, width)

    def forward(self, x: Tensor, regions: Regions) -> Tensor:
        """x (N, width, h, w); the regions' map is taken to (h, w) by nearest values."""
        noise = self.fc_noise(regions.noise)
        of_regions = self.weight[regions.classes].mT * noise + self.bias[regions.classes].mT
        places = F.interpolate(regions.map, size=x.shape[2:], mode="nearest")[:, 0].long()
        scale, shift = F.embedding(places, of_regions.flatten(1)).permute(0, 3, 1, 2).chunk(2, dim=1)
        return self.param_free_norm(x) * scale + shift


class INADEGenerator(Trunk):
    """From the condition, noise for the first map and noise for every instance to a picture."""

    config: INADEConfig

    def __init__(self, config: INADEConfig):
        def block(width: int, out_width: int) -> nn.Module:
            wrap = spectral_norm if config.spectral else lambda layer: layer
            return ResidualBlock(width, out_width, norm=lambda width: INADE(width, config), wrap=wrap)

        super().__init__(config, block)
        assert config.image_size is not None, "a start from a vector needs the pictures' size"
        height, columns = config.first_size(config.image_size)
        self.fc = nn.Linear(config.z_dim, config.width(16) * height * columns)
        if config.vae:
            self.encoder = InstanceEncoder(config.nef, config.noise_dim)
        initialise(self)

    def latent(self, condition: Condition, generators: Sequence[torch.Generator]) -> Latent:
        """Noise of the first map (N, z_dim), then of the instances by ascending id (N, count, 2, noise_dim), padded."""
        starts, noises = [], []
        for numbers, generator in zip(numbered(condition), generators, strict=True):
            starts.append(torch.randn(self.config.z_dim, generator=generator))
            count = int(numbers.max()) + 1
            noises.append(torch.randn((count, 2, self.config.noise_dim), generator=generator))
        device = condition.label.device
        return torch.stack(starts).to(device), pad_sequence(noises, batch_first=True).to(device)

    def forward(self, condition: Condition, latent: Latent) -> Generated:
        assert isinstance(latent, tuple)
        start, noise = latent
        numbers = numbered(condition)
        posteriors: tuple[Gaussian, ...] = ()
        if condition.style is not None:
            posteriors = self.encoder(condition.style, numbers, noise.shape[1])
            noise = torch.stack([each.reparameterize(noise[:, :, k]) for k, each in enumerate(posteriors)], dim=2)
        x = self.fc(start).unflatten(1, (-1, *self.config.first_size(condition.size)))
        return Generated(self.grow(x, regions_of(condition, numbers, noise)), posteriors)


def numbered(condition: Condition) -> Tensor:
    """int64 (N, H, W): each picture's instances as 0, 1, 2, ... by ascending id."""
    assert condition.instance is not None, "INADE needs instance maps"
    return torch.stack([each.unique(return_inverse=True)[1] for each in condition.instance])


def regions_of(condition: Condition, numbers: Tensor, noise: Tensor) -> Regions:
    """The regions of label maps and instances (N, H, W), whose noise (N, count, 2, noise_dim) is by number."""
    first = torch.arange(len(numbers), device=numbers.device)[:, None, None] * noise.shape[1]
    pairs, places = torch.unique((first + numbers) * condition.num_classes + condition.label, return_inverse=True)
    instances = noise.flatten(0, 1)[pairs // condition.num_classes]
    return Regions(places[:, None].float(), pairs % condition.num_classes, instances)


class InstanceEncoder(nn.Module):
    """From a picture and its instances to the styles of these: scale and bias, `noise_dim` long each.

    A U-Net whose convolutions see only the centre's instance, then a mean over each instance (section 3.3).
    """

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
