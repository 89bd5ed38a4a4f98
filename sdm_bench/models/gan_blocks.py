"""Blocks that the SPADE family of GANs shares: the SPADE layer, the residual block, the image encoder.

Source: arXiv 1903.07291; NVlabs/SPADE@fecacc9, models/networks (normalization, architecture, encoder).
"""

import itertools
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from sdm_bench.models.gan import Gaussian

LEAK = 0.2
STYLE_SIZE = 256
"""Height and width at which encoders see a picture."""

MakeNorm = Callable[[int], nn.Module]
"""From a width to a layer that normalises a map of it and modulates it by a context: norm(x, context)."""

FREE_NORMS: dict[str, MakeNorm] = {
    "batch": lambda width: nn.BatchNorm2d(width, affine=False),
    "instance": nn.InstanceNorm2d,
}
"""Normalisations without weights, by name."""


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
