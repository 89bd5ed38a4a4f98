"""What every GAN baseline is to the rest of the program: a generator and a discriminator, each called in one way."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from sdm_bench.conditioning import Condition

Latent = Tensor | tuple[Tensor, ...] | None
"""Standard normal noise that a picture is made of besides its condition; None: it is a function of the condition."""


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

    def read(self, condition: Condition) -> Condition:
        """The condition as the authors' networks see it."""
        label = condition.label if not self.class_shift else (condition.label + self.class_shift) % self.num_classes
        instance = condition.instance
        if instance is None and self.instances_of_labels:
            instance = label
        return replace(condition, label=label, instance=instance)


class Gaussian(NamedTuple):
    """What an encoder says of a picture's style: mean and log-variance, of one shape."""

    mean: Tensor
    log_variance: Tensor

    def at(self, noise: Tensor) -> Tensor:
        """The value that standard normal `noise`, of the same shape, stands for."""
        return self.mean + torch.exp(0.5 * self.log_variance) * noise


class Generated(NamedTuple):
    """picture: (N, 3, H, W) in [-1, 1]. posteriors: the encoder's, where the condition has a style. auxiliary: a
    second picture that is trained to resemble the real one."""

    picture: Tensor
    posteriors: tuple[Gaussian, ...] = ()
    auxiliary: Tensor | None = None


class Generator(nn.Module, ABC):
    """Condition and noise in, picture out. Conditions are as `config.read` gives them.

    A network with an encoder keeps it as the submodule `encoder`; all other keys are those of the authors' generator.
    """

    config: GANConfig

    def latent(self, condition: Condition, generators: Sequence[torch.Generator]) -> Latent:
        """The noise of each sample from its own CPU generator, on the condition's device."""
        return None

    @abstractmethod
    def forward(self, condition: Condition, latent: Latent) -> Generated:
        """The picture of a condition; where that has a style, `latent` is taken around what the encoder makes of it."""


class Judgement(NamedTuple):
    """A discriminator's answer: a map of scores a scale, and groups of layer outputs to be matched.

    A map is (n, 1, h, w), or the logits (n, num_classes + 1, H, W) of a discriminator that segments.
    """

    scores: list[Tensor]
    features: list[list[Tensor]]

    def halves(self) -> tuple["Judgement", "Judgement"]:
        """The answers to the first and the second half of the batch."""
        scores = [score.chunk(2) for score in self.scores]
        features = [[layer.chunk(2) for layer in group] for group in self.features]
        first, second = (
            Judgement([s[half] for s in scores], [[f[half] for f in group] for group in features]) for half in (0, 1)
        )
        return first, second


class Discriminator(nn.Module, ABC):
    """Tells real pictures from generated ones, given what they should show."""

    @abstractmethod
    def forward(self, semantics: Tensor, picture: Tensor) -> Judgement:
        """semantics (N, C, H, W) as `Condition.semantics` gives it; picture (N, 3, H, W) in [-1, 1]."""


def draw(generators: Sequence[torch.Generator], shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Standard normal noise (N, *shape), each sample's from its own CPU generator."""
    return torch.stack([torch.randn(shape, generator=generator) for generator in generators]).to(device)
