"""CLADE: the SPADE generator with a scale and a shift per class, looked up instead of convolved (arXiv 2012.04644).

With `positional` it is CLADE-ICPE, which also sees where in its region a pixel lies. State-dict keys and shapes are
those of the released checkpoints.
Source: tzt101/CLADE@1ffd19d, models/networks (normalization, architecture, generator).
"""

from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from sdm_bench.conditioning import Condition
from sdm_bench.distance_maps import distance_maps
from sdm_bench.models.gan import Generated, Latent
from sdm_bench.models.gan_blocks import FREE_NORMS, ResidualBlock, initialise
from sdm_bench.models.spade import VAEConfig, VAETrunk


class CLADEConfig(VAEConfig):
    """positional: intra-class positional encoding. norm: the normalisation. spectral: spectral norm in the blocks."""

    positional: bool = False
    norm: Literal["batch", "instance"] = "batch"
    spectral: bool = True


class Layout(NamedTuple):
    """What modulates a layer. classes: float32 (N, 1, H, W). edges: (N, 1, H, W). distances: (N, 2, H, W)."""

    classes: Tensor
    edges: Tensor | None
    distances: Tensor | None

    def resized(self, size: torch.Size) -> "Layout":
        """The layout at `size` = (height, width), nearest values."""
        classes, edges, distances = (each if each is None else F.interpolate(each, size=size) for each in self)
        assert classes is not None
        return Layout(classes, edges, distances)


class ClassAffine(nn.Module):
    """x * weight[class] + bias[class]; with distance maps, both times 1 + a 1x1 convolution of those."""

    def __init__(self, width: int, classes: int, positional: bool):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(classes, width))
        self.bias = nn.Parameter(torch.zeros(classes, width))
        if positional:
            self.dist_conv_w = nn.Conv2d(2, 1, 1)
            self.dist_conv_b = nn.Conv2d(2, 1, 1)

    def forward(self, x: Tensor, layout: Layout) -> Tensor:
        """x (N, width, h, w); a layout of its size."""
        classes = layout.classes[:, 0].long()
        weight, bias = (F.embedding(classes, table).permute(0, 3, 1, 2) for table in (self.weight, self.bias))
        if layout.distances is not None:
            weight = weight * (1 + self.dist_conv_w(layout.distances))
            bias = bias * (1 + self.dist_conv_b(layout.distances))
        return x * weight + bias


class CLADE(nn.Module):
    """Class-adaptive normalisation; where the condition has edges, a map made of them is appended to its output."""

    def __init__(self, width: int, config: CLADEConfig):
        super().__init__()
        self.param_free_norm = FREE_NORMS[config.norm](width)
        self.class_specified_affine = ClassAffine(width, config.num_classes, config.positional)
        if config.edges:
            self.inst_conv = nn.Conv2d(1, 1, 1)

    def forward(self, x: Tensor, layout: Layout) -> Tensor:
        """x (N, width, h, w) to (N, width [+ 1], h, w); the layout is taken to (h, w)."""
        layout = layout.resized(x.shape[2:])
        x = self.class_specified_affine(self.param_free_norm(x), layout)
        return x if layout.edges is None else torch.cat([x, self.inst_conv(layout.edges)], dim=1)


class CLADEGenerator(VAETrunk):
    """From the condition, and with `vae` a style vector, to a picture."""

    config: CLADEConfig

    def __init__(self, config: CLADEConfig):
        def block(width: int, out_width: int) -> nn.Module:
            return ResidualBlock(
                width,
                out_width,
                norm=lambda width: CLADE(width, config),
                added=int(config.edges),
                wrap=spectral_norm if config.spectral else lambda layer: layer,
            )

        super().__init__(config, block)
        initialise(self)

    def forward(self, condition: Condition, latent: Latent = None) -> Generated:
        distances = distances_of(condition.label) if self.config.positional else None
        return self.generate(condition, latent, distances)

    def generate(self, condition: Condition, latent: Latent, distances: Tensor | None) -> Generated:
        """The picture for given distance maps (N, 2, H, W), which only `positional` networks take."""
        edges = condition.edges() if self.config.edges else None
        layout = Layout(condition.label[:, None].float(), edges, distances)
        x, posteriors = self.begin(condition, latent)
        return Generated(self.grow(x, layout), posteriors)


def distances_of(label: Tensor) -> Tensor:
    """float32 (N, 2, H, W): the vertical and horizontal distance maps of label maps (N, H, W)."""
    maps = np.stack([distance_maps(each) for each in label.cpu().numpy()])
    return torch.from_numpy(maps).to(label.device)
