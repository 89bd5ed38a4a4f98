"""The feature-pyramid, semantics-embedding discriminator of CC-FPSE, which SCGAN uses too.

Source: Liu et al. 2019 (arXiv 1910.06809), section 3.2; xh-liu/CC-FPSE@5619e63, models/networks/discriminator.py.
"""

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from sdm_bench.models.gan import Discriminator, GANConfig, Judgement
from sdm_bench.models.gan_blocks import LEAK, MakeNorm, initialise
from sdm_bench.models.preset import DiscriminatorPreset

STAGES = 5
"""Halvings from the picture to the top of the pyramid."""
SCORED = (2, 3, 4)
"""Stages whose maps are scored: at 1/4, 1/8 and 1/16 of the resolution."""


class FPSEDiscriminator(Discriminator):
    """A feature pyramid over the picture alone; the condition enters as a projection that features are compared with.

    Heights and widths must be multiples of 32.
    """

    def __init__(self, config: GANConfig, preset: DiscriminatorPreset):
        super().__init__()
        ndf = preset.ndf
        widths = [3, ndf, 2 * ndf, 4 * ndf, 8 * ndf, 8 * ndf]
        for stage, (width, out_width) in enumerate(itertools.pairwise(widths), start=1):
            self.add_module(f"enc{stage}", normalised(width, out_width, stride=2))
        for stage in (*SCORED, STAGES):
            self.add_module(f"lat{stage}", normalised(widths[stage], 4 * ndf, kernel=1))
        for stage in SCORED:
            self.add_module(f"final{stage}", normalised(4 * ndf, 2 * ndf))
        self.tf = nn.Conv2d(2 * ndf, 1, 1)
        self.seg = nn.Conv2d(2 * ndf, 2 * ndf, 1)
        self.embedding = nn.Conv2d(config.semantic_channels, 2 * ndf, 1)
        initialise(self)

    def forward(self, semantics: Tensor, picture: Tensor) -> Judgement:
        """Scores from fine to coarse; the outputs of all stages but the first, each a group of its own."""
        stages = [picture]
        for stage in range(1, STAGES + 1):
            stages.append(self._layer("enc", stage)(stages[-1]))
        scores: list[Tensor] = []
        merged = self._layer("lat", STAGES)(stages[STAGES])
        for stage in reversed(SCORED):
            merged = F.interpolate(merged, scale_factor=2, mode="bilinear") + self._layer("lat", stage)(stages[stage])
            pooled = F.avg_pool2d(semantics, 2**stage)
            scores.insert(0, self._score(self._layer("final", stage)(merged), pooled))
        return Judgement(scores, [[features] for features in stages[2:]])

    def _score(self, features: Tensor, semantics: Tensor) -> Tensor:
        # Projecting what was pooled gives what pooling the projection does, at less cost.
        return self.tf(features) + (self.embedding(semantics) * self.seg(features)).sum(dim=1, keepdim=True)

    def _layer(self, kind: str, stage: int) -> nn.Module:
        return self.get_submodule(f"{kind}{stage}")


class InstanceNorm(nn.InstanceNorm2d):
    """Instance norm that takes maps of one pixel too; such a pixel is its own mean."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if x.shape[2:] != (1, 1) else torch.zeros_like(x)


def normalised(
    width: int, out_width: int, kernel: int = 3, stride: int = 1, norm: MakeNorm = InstanceNorm
) -> nn.Sequential:
    """A spectrally normalised convolution, a normalisation and a leaky ReLU."""
    convolution = nn.Conv2d(width, out_width, kernel, stride=stride, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.Sequential(spectral_norm(convolution), norm(out_width)), nn.LeakyReLU(LEAK))
