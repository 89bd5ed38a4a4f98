"""What the GAN baselines share: how a generator and a discriminator are called, and the blocks of the SPADE family.

Source of the blocks: arXiv 1903.07291; NVlabs/SPADE@fecacc9, models/networks (normalization, architecture, encoder).
"""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from sdm_bench.conditioning import Condition

# Standard normal noise that a picture is made of besides its condition; None: it is a function of the condition.
Latent = Tensor | tuple[Tensor, ...] | None

# From a width to a layer that normalises a map of it and modulates it by a context: norm(x, context).
MakeNorm = Callable[[int], nn.Module]

# Normalisations without weights, by name.
FREE_NORMS: dict[str, MakeNorm] = {
    "batch": lambda width: nn.BatchNorm2d(width, affine=False),
    "instance": nn.InstanceNorm2d,
}

LEAK = 0.2  # slope of every leaky ReLU
STYLE_SIZE = 256  # height and width at which image encoders see a picture


class GANConfig(BaseModel):
    """What decides a generator's keys and shapes, and how it reads a condition.

    num_classes: one-hot channels, the dataset's "unknown" included. edges: whether an edge channel follows.
    class_shift: added to the dataset's class numbers, modulo num_classes, where the authors number them otherwise.
    instances_of_labels: without instance maps every class is taken for one instance.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_classes: int
    edges: bool
    class_shift: int = 0
    instances_of_labels: bool = False

    @property
    def semantic_channels(self) -> int:
        """Channels of the condition."""
        return self.num_classes + self.edges

    @property
    def size_multiple(self) -> int:
        """What the height and width of pictures must be multiples of."""
        raise NotImplementedError

    @property
    def stochastic(self) -> bool:
        """Whether there is more than one picture a label map."""
        return False

    @property
    def styled(self) -> bool:
        """Whether the network has an encoder, which can take the style of a picture."""
        return False

    def remap_condition(self, condition: Condition) -> Condition:
        """The condition with classes numbered, and instances made up, as the authors' networks see them."""
        label = condition.label if not self.class_shift else (condition.label + self.class_shift) % self.num_classes
        instance = condition.instance
        if instance is None and self.instances_of_labels:
            instance = label
        return replace(condition, label=label, instance=instance)


class Gaussian(NamedTuple):
    """What an encoder says of a picture's style: mean and log-variance, of one shape."""

    mean: Tensor
    log_variance: Tensor

    def reparameterize(self, noise: Tensor) -> Tensor:
        """mean + sigma * noise for standard normal `noise` of the same shape (arXiv 1312.6114 section 2.4)."""
        return self.mean + torch.exp(0.5 * self.log_variance) * noise


class Generated(NamedTuple):
    """picture: (N, 3, H, W) in [-1, 1]. posteriors: the encoder's, where the condition has a style. auxiliary: a
    second picture that is trained to resemble the real one."""

    picture: Tensor
    posteriors: tuple[Gaussian, ...] = ()
    auxiliary: Tensor | None = None


class Generator(nn.Module, ABC):
    """Condition and noise in, picture out. Conditions are as `config.remap_condition` gives them.

    A network with an encoder keeps it as the submodule `encoder`; all other keys are those of the authors' generator.
    """

    config: GANConfig

    def latent(self, condition: Condition, generators: Sequence[torch.Generator]) -> Latent:
        """The noise of each sample from its own CPU generator, on the condition's device."""
        shape = self.latent_shape(condition)
        if shape is None:
            return None
        noises = [torch.randn(shape, generator=generator) for generator in generators]
        return torch.stack(noises).to(condition.label.device)

    def latent_shape(self, condition: Condition) -> tuple[int, ...] | None:
        """The shape of one sample's noise; None: the picture is a function of the condition."""
        return None

    @abstractmethod
    def forward(self, condition: Condition, latent: Latent) -> Generated:
        """The picture of a condition; where that has a style, `latent` is taken around what the encoder makes of it."""


class DiscriminatorOutput(NamedTuple):
    """scores: a map a scale. features: groups of layer outputs that feature matching compares.

    A map is (n, 1, h, w), or the logits (n, num_classes + 1, H, W) of a discriminator that segments.
    """

    scores: list[Tensor]
    features: list[list[Tensor]]

    def halves(self) -> tuple["DiscriminatorOutput", "DiscriminatorOutput"]:
        """The output for the first and for the second half of the batch."""
        scores = [score.chunk(2) for score in self.scores]
        features = [[layer.chunk(2) for layer in group] for group in self.features]
        first, second = (
            DiscriminatorOutput([s[half] for s in scores], [[f[half] for f in group] for group in features])
            for half in (0, 1)
        )
        return first, second


class Discriminator(nn.Module, ABC):
    """Tells real pictures from generated ones, given their label maps."""

    @abstractmethod
    def forward(self, semantics: Tensor, picture: Tensor) -> DiscriminatorOutput:
        """semantics (N, C, H, W) as `Condition.semantics` gives it; picture (N, 3, H, W) in [-1, 1]."""


class SPADE(nn.Module):
    """norm(x) * (1 + gamma(y)) + beta(y), with gamma and beta convolved from the condition y.

    name: of the normalisation in the state dict, by default batch norm without weights of its own. kernel: of the
    convolutions. groups: of the first convolution and of the two after it.
    """

    def __init__(
        self,
        width: int,
        semantics: int,
        hidden: int,
        name: str = "param_free_norm",
        norm: MakeNorm = lambda width: nn.BatchNorm2d(width, affine=False),
        kernel: int = 3,
        groups: tuple[int, int] = (1, 1),
    ):
        super().__init__()
        self.name = name
        self.add_module(name, norm(width))
        first = nn.Conv2d(semantics, hidden, kernel, padding=kernel // 2, groups=groups[0])
        self.mlp_shared = nn.Sequential(first, nn.ReLU())
        self.mlp_gamma = nn.Conv2d(hidden, width, kernel, padding=kernel // 2, groups=groups[1])
        self.mlp_beta = nn.Conv2d(hidden, width, kernel, padding=kernel // 2, groups=groups[1])

    def forward(self, x: Tensor, semantics: Tensor) -> Tensor:
        """x (N, width, h, w); semantics (N, C, H, W), taken to (h, w) by nearest values."""
        hidden = self.mlp_shared(F.interpolate(semantics, size=x.shape[2:], mode="nearest"))
        return self.get_submodule(self.name)(x) * (1 + self.mlp_gamma(hidden)) + self.mlp_beta(hidden)


class ResidualBlock(nn.Module):
    """Two modulated, normalised convolutions; a third on the shortcut where the width changes.

    norm: makes the layer before each convolution. added: channels that such a layer appends to those it is given.
    wrap: what is done to every convolution. groups: of the convolutions.
    """

    def __init__(
        self,
        width: int,
        out_width: int,
        norm: MakeNorm,
        added: int = 0,
        wrap: Callable[[nn.Conv2d], nn.Module] = spectral_norm,
        groups: int = 1,
    ):
        super().__init__()
        middle = min(width, out_width)
        self.learned_shortcut = width != out_width
        self.conv_0 = wrap(nn.Conv2d(width + added, middle, 3, padding=1, groups=groups))
        self.conv_1 = wrap(nn.Conv2d(middle + added, out_width, 3, padding=1, groups=groups))
        if self.learned_shortcut:
            self.conv_s = wrap(nn.Conv2d(width + added, out_width, 1, bias=False, groups=groups))
        self.norm_0 = norm(width)
        self.norm_1 = norm(middle)
        if self.learned_shortcut:
            self.norm_s = norm(width)

    def forward(self, x: Tensor, context: Any) -> Tensor:
        """x (N, width, h, w) to (N, out_width, h, w), modulated by a context that the norm layers understand."""
        shortcut = self.conv_s(self.norm_s(x, context)) if self.learned_shortcut else x
        h = self.conv_0(F.leaky_relu(self.norm_0(x, context), LEAK))
        h = self.conv_1(F.leaky_relu(self.norm_1(h, context), LEAK))
        return shortcut + h


class StridedEncoder(nn.Module):
    """Strided convolutions, spectrally and instance-normalised, `nef` to at most 8 `nef` wide."""

    def __init__(self, channels: int, nef: int, depth: int = 6, groups: int = 1):
        super().__init__()
        self.depth = depth
        self.width = nef * min(2 ** (depth - 1), 8)
        widths = [channels, *(nef * min(2**number, 8) for number in range(depth))]
        for number, (width, out_width) in enumerate(itertools.pairwise(widths), start=1):
            convolution = nn.Conv2d(width, out_width, 3, stride=2, padding=1, bias=False, groups=groups)
            layer = nn.Sequential(spectral_norm(convolution), nn.InstanceNorm2d(out_width))
            self.add_module(f"layer{number}", layer)

    def features(self, x: Tensor) -> Tensor:
        """x (N, channels, H, W) to the last map (N, width, h, w), after its activation."""
        for number in range(1, self.depth + 1):
            x = F.leaky_relu(self.get_submodule(f"layer{number}")(x), LEAK)
        return x


class ImageEncoder(StridedEncoder):
    """From a picture to its style: six strided convolutions, then mean and log-variance."""

    def __init__(self, nef: int, z_dim: int):
        super().__init__(3, nef)
        flat = self.width * (STYLE_SIZE >> self.depth) ** 2
        self.fc_mu = nn.Linear(flat, z_dim)
        self.fc_var = nn.Linear(flat, z_dim)

    def forward(self, picture: Tensor) -> Gaussian:
        """picture (N, 3, H, W) in [-1, 1] to mean and log-variance, each (N, z_dim)."""
        x = picture
        if x.shape[2:] != (STYLE_SIZE, STYLE_SIZE):
            x = F.interpolate(x, size=(STYLE_SIZE, STYLE_SIZE), mode="bilinear")
        flat = self.features(x).flatten(1)
        return Gaussian(self.fc_mu(flat), self.fc_var(flat))


def double(x: Tensor) -> Tensor:
    """Twice the resolution, nearest values."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def initialise(module: nn.Module, gain: float = 0.02) -> None:
    """Xavier-normal weights with `gain` and zero biases for every convolution and linear layer."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_normal_(dict(layer.named_parameters()).get("weight_orig", layer.weight), gain=gain)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
