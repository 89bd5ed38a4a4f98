"""INADE: the SPADE generator modulated by noise of each instance, which its class scales and shifts (arXiv 2103.06878).

State-dict keys and shapes are those of the released checkpoints.
Source: tzt101/INADE@770a667, models/networks (normalization, architecture, generator).
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm
from torch.nn.utils.rnn import pad_sequence

from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import Gaussian, Generated, Latent
from sdm_bench.models.gan_blocks import FREE_NORMS, ResidualBlock, initialise
from sdm_bench.models.inade_encoder import InstanceEncoder
from sdm_bench.models.spade import Trunk, VAEConfig


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
            noise = torch.stack([each.at(noise[:, :, k]) for k, each in enumerate(posteriors)], dim=2)
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
