"""Blocks that the SPADE family of GANs shares: the SPADE layer, its residual block, spectral normalisation.

Source: Park et al. 2019 (arXiv 1903.07291); NVlabs/SPADE@fecacc9, models/networks/{normalization,architecture}.py.
"""

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

LEAK = 0.2


class SPADE(nn.Module):
    """BatchNorm(x) * (1 + gamma(y)) + beta(y), with gamma and beta convolved from the condition y."""

    def __init__(self, width: int, semantics: int, hidden: int):
        super().__init__()
        self.param_free_norm = nn.BatchNorm2d(width, affine=False)
        self.mlp_shared = nn.Sequential(nn.Conv2d(semantics, hidden, 3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(hidden, width, 3, padding=1)
        self.mlp_beta = nn.Conv2d(hidden, width, 3, padding=1)

    def forward(self, x: Tensor, semantics: Tensor) -> Tensor:
        """x (N, width, h, w); semantics (N, C, H, W), taken to (h, w) by nearest values."""
        hidden = self.mlp_shared(F.interpolate(semantics, size=x.shape[2:], mode="nearest"))
        return self.param_free_norm(x) * (1 + self.mlp_gamma(hidden)) + self.mlp_beta(hidden)


class SPADEResidualBlock(nn.Module):
    """Two SPADE-normalised, spectrally normalised convolutions; a third on the shortcut where the width changes."""

    def __init__(self, width: int, out_width: int, semantics: int, hidden: int):
        super().__init__()
        middle = min(width, out_width)
        self.learned_shortcut = width != out_width
        self.conv_0 = spectral_norm(nn.Conv2d(width, middle, 3, padding=1))
        self.conv_1 = spectral_norm(nn.Conv2d(middle, out_width, 3, padding=1))
        if self.learned_shortcut:
            self.conv_s = spectral_norm(nn.Conv2d(width, out_width, 1, bias=False))
        self.norm_0 = SPADE(width, semantics, hidden)
        self.norm_1 = SPADE(middle, semantics, hidden)
        if self.learned_shortcut:
            self.norm_s = SPADE(width, semantics, hidden)

    def forward(self, x: Tensor, semantics: Tensor) -> Tensor:
        """x (N, width, h, w) to (N, out_width, h, w), modulated by semantics (N, C, H, W)."""
        shortcut = self.conv_s(self.norm_s(x, semantics)) if self.learned_shortcut else x
        h = self.conv_0(F.leaky_relu(self.norm_0(x, semantics), LEAK))
        h = self.conv_1(F.leaky_relu(self.norm_1(h, semantics), LEAK))
        return shortcut + h


def initialise(module: nn.Module, gain: float = 0.02) -> None:
    """Xavier-normal weights with `gain` and zero biases for every convolution and linear layer."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_normal_(dict(layer.named_parameters()).get("weight_orig", layer.weight), gain=gain)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
