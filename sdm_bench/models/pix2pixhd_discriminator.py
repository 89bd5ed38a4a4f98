"""The multi-scale PatchGAN discriminator of pix2pixHD: instance norm, no spectral norm (arXiv 1711.11585).

Source: NVIDIA/pix2pixHD@14b3b3c, models/networks.py.
"""

import itertools

import torch
from torch import Tensor, nn

from sdm_bench.models.gan import Discriminator, Judgement
from sdm_bench.models.patchgan import convolution, patch_layers, pyramid
from sdm_bench.models.pix2pixhd import NORMS, Pix2PixHDConfig, initialise_normal
from sdm_bench.models.preset import DiscriminatorPreset


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

    def forward(self, semantics: Tensor, picture: Tensor) -> Judgement:
        """Every scale's scores, and its layer outputs as one group, full resolution first."""
        scales = zip(reversed(range(self.scales)), pyramid(torch.cat([semantics, picture], dim=1)), strict=False)
        outputs = [self._outputs(scale, x) for scale, x in scales]
        return Judgement([layers[-1] for layers in outputs], [layers[:-1] for layers in outputs])

    def _outputs(self, scale: int, x: Tensor) -> list[Tensor]:
        names = [f"scale{scale}_layer{depth}" for depth in range(self.depth)] if self.matched else [f"layer{scale}"]
        outputs = []
        for name in names:
            x = self.get_submodule(name)(x)
            outputs.append(x)
        return outputs
