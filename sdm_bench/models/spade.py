"""SPADE (GauGAN): a generator that grows from the label map, modulated by it at every layer (arXiv 1903.07291).

State-dict keys and shapes are those of the released checkpoints.
Source: NVlabs/SPADE@fecacc9, models/networks/generator.py.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.models.gan_blocks import LEAK, SPADEResidualBlock, initialise

UPSAMPLINGS = {"normal": 5, "more": 6, "most": 7}


class SPADEConfig(BaseModel):
    """Everything that decides the generator's keys and shapes.

    num_classes: one-hot channels, don't-care included; edges: whether an edge channel follows. ngf: width at full
    resolution; widest: the limit of the width at coarse ones, in ngf. upsampling: 5, 6 or 7 doublings from the first
    map. hidden: channels between condition and modulation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_classes: int
    edges: bool
    ngf: int = 64
    widest: int = 16
    upsampling: Literal["normal", "more", "most"] = "normal"
    hidden: int = 128

    @property
    def semantic_channels(self) -> int:
        """Channels of the condition."""
        return self.num_classes + self.edges

    @property
    def size_multiple(self) -> int:
        """What the height and width of pictures must be multiples of."""
        return 2 ** UPSAMPLINGS[self.upsampling]


class SPADEGenerator(nn.Module):
    """From the condition (N, C, H, W) alone to a picture (N, 3, H, W) in [-1, 1]: one picture a label map."""

    def __init__(self, config: SPADEConfig):
        super().__init__()
        self.config = config
        ngf = config.ngf
        self.fc = nn.Conv2d(config.semantic_channels, self._width(16), 3, padding=1)
        self.head_0 = self._block(16, 16)
        self.G_middle_0 = self._block(16, 16)
        self.G_middle_1 = self._block(16, 16)
        self.up_0 = self._block(16, 8)
        self.up_1 = self._block(8, 4)
        self.up_2 = self._block(4, 2)
        self.up_3 = self._block(2, 1)
        last = ngf
        if config.upsampling == "most":
            self.up_4 = SPADEResidualBlock(ngf, ngf // 2, config.semantic_channels, config.hidden)
            last = ngf // 2
        self.conv_img = nn.Conv2d(last, 3, 3, padding=1)
        initialise(self)

    def _width(self, multiple: int) -> int:
        return min(multiple, self.config.widest) * self.config.ngf

    def _block(self, multiple: int, out_multiple: int) -> SPADEResidualBlock:
        config = self.config
        width, out_width = self._width(multiple), self._width(out_multiple)
        return SPADEResidualBlock(width, out_width, config.semantic_channels, config.hidden)

    def forward(self, semantics: Tensor) -> Tensor:
        """The picture of the condition `semantics` (N, C, H, W)."""
        factor = self.config.size_multiple
        start = (semantics.shape[2] // factor, semantics.shape[3] // factor)
        x = self.head_0(self.fc(F.interpolate(semantics, size=start)), semantics)
        x = self.G_middle_0(double(x), semantics)
        if self.config.upsampling != "normal":
            x = double(x)
        x = self.G_middle_1(x, semantics)
        for block in (self.up_0, self.up_1, self.up_2, self.up_3):
            x = block(double(x), semantics)
        if self.config.upsampling == "most":
            x = self.up_4(double(x), semantics)
        return self.conv_img(F.leaky_relu(x, LEAK)).tanh()


def double(x: Tensor) -> Tensor:
    """Twice the resolution, nearest values."""
    return F.interpolate(x, scale_factor=2, mode="nearest")
