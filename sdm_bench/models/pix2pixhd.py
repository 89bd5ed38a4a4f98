"""Pix2PixHD: a coarse-to-fine generator that convolves the label map down and up again, and its multi-scale PatchGAN
discriminator with instance norm and no spectral norm (arXiv 1711.11585).

State-dict keys and shapes are those of the authors' checkpoints; their feature encoder netE is `encoder`.
Source: NVIDIA/pix2pixHD@14b3b3c, models/networks.py.
"""

import itertools
from typing import Literal

import torch
from torch import Tensor, nn

from sdm_bench.base.errors import UserError
from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import Discriminator, DiscriminatorOutput, GANConfig, Generated, Generator, Latent, MakeNorm
from sdm_bench.models.patchgan import convolution, patch_layers, pyramid
from sdm_bench.models.preset import DiscriminatorPreset

# Batch norm with weights, instance norm without.
NORMS: dict[str, MakeNorm] = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d}


class Pix2PixHDConfig(GANConfig):
    """ngf: width at full resolution, doubled with each of the `downsamplings`; `blocks`: residual blocks between.

    enhancers: local enhancers around that network, each at twice the resolution of what it surrounds and half as wide,
    with `local_blocks` residual blocks. norm: of generator, encoder and discriminator. features: channels that
    an encoder, `nef` wide, makes of a photograph and averages over every instance.
    """

    ngf: int = 64
    downsamplings: int = 4
    blocks: int = 9
    enhancers: int = 0
    local_blocks: int = 3
    norm: Literal["instance", "batch"] = "instance"
    features: int = 0
    nef: int = 16
    feature_downsamplings: int = 4

    @property
    def size_multiple(self) -> int:
        return 2 ** max(self.downsamplings + self.enhancers, self.feature_downsamplings if self.features else 0)

    @property
    def styled(self) -> bool:
        return self.features > 0


class Residual(nn.Module):
    """x plus two normalised convolutions of it."""

    def __init__(self, width: int, norm: MakeNorm):
        super().__init__()
        layers = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), norm(width)]
        again = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), norm(width)]
        self.conv_block = nn.Sequential(*layers, nn.ReLU(), *again)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, width, H, W)."""
        return x + self.conv_block(x)


class FeatureEncoder(nn.Module):
    """From a photograph to features that are the same all over an instance."""

    def __init__(self, features: int, nef: int, downsamplings: int, norm: MakeNorm):
        super().__init__()
        self.model = nn.Sequential(*hourglass(3, nef, downsamplings, 0, norm), *to_picture(nef, features))

    def forward(self, picture: Tensor, instances: Tensor) -> Tensor:
        """picture (N, 3, H, W) in [-1, 1], instances (N, H, W) to features (N, features, H, W) in [-1, 1]."""
        return instance_means(self.model(picture), instances)


class Pix2PixHDGenerator(Generator):
    """The global generator and the local enhancers around it."""

    config: Pix2PixHDConfig

    def __init__(self, config: Pix2PixHDConfig):
        super().__init__()
        self.config = config
        norm, channels = NORMS[config.norm], config.semantic_channels + config.features
        width = config.ngf * 2**config.enhancers
        last = to_picture(width, 3) if not config.enhancers else []
        self.model = nn.Sequential(*hourglass(channels, width, config.downsamplings, config.blocks, norm), *last)
        for number in range(1, config.enhancers + 1):
            width //= 2
            blocks = [Residual(2 * width, norm) for _ in range(config.local_blocks)]
            last = to_picture(width, 3) if number == config.enhancers else []
            self.add_module(f"model{number}_1", nn.Sequential(*enter(channels, width, norm), *halve(width, norm)))
            self.add_module(f"model{number}_2", nn.Sequential(*blocks, *twice(2 * width, norm), *last))
        if config.features:
            self.encoder = FeatureEncoder(config.features, config.nef, config.feature_downsamplings, norm)
        initialise_normal(self)

    def forward(self, condition: Condition, latent: Latent = None) -> Generated:
        channels = condition.semantics(self.config.edges)
        if self.config.features:
            channels = torch.cat([channels, self._features(condition)], dim=1)
        return Generated(self.picture(channels))

    def picture(self, channels: Tensor) -> Tensor:
        """channels (N, semantic_channels + features, H, W) to pictures (N, 3, H, W) in [-1, 1]."""
        enhancers = self.config.enhancers
        scales = list(itertools.islice(pyramid(channels), enhancers + 1))
        x = self.model(scales[-1])
        for number in range(1, enhancers + 1):
            finer = self.get_submodule(f"model{number}_1")(scales[enhancers - number])
            x = self.get_submodule(f"model{number}_2")(finer + x)
        return x

    def _features(self, condition: Condition) -> Tensor:
        if condition.style is None:
            raise UserError(
                "this configuration of pix2pixhd has feature channels, which it takes from the style of a photograph; "
                "the clusters of features that its authors sample from instead are not released"
            )
        if condition.instance is None:
            raise UserError(
                "this configuration of pix2pixhd averages features over instances, but there are no instance maps; "
                "add them or set instances_of_labels"
            )
        return self.encoder(condition.style, condition.instance)


class Pix2PixHDDiscriminator(Discriminator):
    """PatchGANs on the condition and picture at full, half, ... resolution; the highest number sees the full one.

    A PatchGAN has `preset.layers` convolutions of stride 2 and two of stride 1. Where no features are matched it is one
    module, as the authors' is, and the answer has none.
    """

    def __init__(self, config: Pix2PixHDConfig, preset: DiscriminatorPreset):
        super().__init__()
        self.scales = preset.scales
        self.matched = preset.lambda_feature != 0
        self.depth = preset.layers + 2

        def normalised(width: int, out_width: int, stride: int) -> list[nn.Module]:
            return [convolution(width, out_width, stride), NORMS[config.norm](out_width)]

        for scale in range(self.scales):
            layers = patch_layers(config.semantic_channels + 3, preset.ndf, preset.layers + 1, normalised)
            if self.matched:
                for depth, layer in enumerate(layers):
                    self.add_module(f"scale{scale}_layer{depth}", layer)
            else:
                self.add_module(f"layer{scale}", nn.Sequential(*itertools.chain.from_iterable(layers)))
        initialise_normal(self)

    def forward(self, semantics: Tensor, picture: Tensor) -> DiscriminatorOutput:
        """Every scale's scores, and its layer outputs as one group, full resolution first."""
        scales = zip(reversed(range(self.scales)), pyramid(torch.cat([semantics, picture], dim=1)), strict=False)
        outputs = [self._outputs(scale, x) for scale, x in scales]
        return DiscriminatorOutput([layers[-1] for layers in outputs], [layers[:-1] for layers in outputs])

    def _outputs(self, scale: int, x: Tensor) -> list[Tensor]:
        names = [f"scale{scale}_layer{depth}" for depth in range(self.depth)] if self.matched else [f"layer{scale}"]
        outputs = []
        for name in names:
            x = self.get_submodule(name)(x)
            outputs.append(x)
        return outputs


def hourglass(channels: int, width: int, downsamplings: int, blocks: int, norm: MakeNorm) -> list[nn.Module]:
    """Layers from `channels` to `width` at full resolution, by way of `width` * 2**downsamplings at the coarsest."""
    widths = [width * 2**depth for depth in range(downsamplings + 1)]
    layers = enter(channels, width, norm)
    for each in widths[:-1]:
        layers += halve(each, norm)
    layers += [Residual(widths[-1], norm) for _ in range(blocks)]
    for each in reversed(widths[1:]):
        layers += twice(each, norm)
    return layers


def enter(channels: int, width: int, norm: MakeNorm) -> list[nn.Module]:
    """Layers from any channels to `width`."""
    return [nn.ReflectionPad2d(3), nn.Conv2d(channels, width, 7), norm(width), nn.ReLU()]


def halve(width: int, norm: MakeNorm) -> list[nn.Module]:
    """Layers to half the resolution and twice the width."""
    return [nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), norm(2 * width), nn.ReLU()]


def twice(width: int, norm: MakeNorm) -> list[nn.Module]:
    """Layers to twice the resolution and half the width."""
    transposed = nn.ConvTranspose2d(width, width // 2, 3, stride=2, padding=1, output_padding=1)
    return [transposed, norm(width // 2), nn.ReLU()]


def to_picture(width: int, channels: int) -> list[nn.Module]:
    """Layers to values in [-1, 1]."""
    return [nn.ReflectionPad2d(3), nn.Conv2d(width, channels, 7), nn.Tanh()]


def instance_means(features: Tensor, instances: Tensor) -> Tensor:
    """features (N, F, H, W), each replaced by its mean over the pixels of its picture's instance in (N, H, W)."""
    ids = instances.long() - instances.min()
    pictures = torch.arange(len(ids), device=ids.device)[:, None, None]
    _, places, counts = torch.unique(ids + pictures * (ids.max() + 1), return_inverse=True, return_counts=True)
    values = features.movedim(1, -1).flatten(0, 2)
    sums = values.new_zeros(len(counts), values.shape[1]).index_add(0, places.flatten(), values)
    return (sums / counts[:, None])[places].movedim(-1, 1)


def initialise_normal(module: nn.Module, deviation: float = 0.02) -> None:
    """Normal weights for every convolution and, around one, every batch norm; biases as they are."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, deviation)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, deviation)
