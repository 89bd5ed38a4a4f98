"""What every verdict on pictures is given and what it gives."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from sdm_bench.conditioning import Condition

Losses = dict[str, Tensor]


class Judged(NamedTuple):
    """What a discriminator is shown: what pictures should show, as integers and channels, fake and real pictures."""

    condition: Condition
    semantics: Tensor
    fake: Tensor
    real: Tensor


class Verdict(Protocol):
    """The adversarial losses of one kind of discriminator, weighted."""

    def of_generator(self, discriminator: nn.Module, judged: Judged) -> Losses:
        """The terms that train the generator."""

    def of_discriminator(self, discriminator: nn.Module, judged: Judged, generators: list[torch.Generator]) -> Losses:
        """The terms that train the discriminator; `generators` are one a sample."""
