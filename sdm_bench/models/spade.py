"""SPADE (GauGAN): a generator that grows from the label map, modulated by it at every layer (arXiv 1903.07291).

State-dict keys and shapes are those of the released checkpoints.
Source: NVlabs/SPADE@fecacc9, models/networks/generator.py.
"""

from collections.abc import Callable
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm

from sdm_bench.base.sections import unless_default
from sdm_bench.conditioning import Condition
from sdm_bench.models.gan import (
    FREE_NORMS,
    LEAK,
    SPADE,
    GANConfig,
    Gaussian,
    Generated,
    Generator,
    ImageEncoder,
    Latent,
    ResidualBlock,
    double,
    initialise,
)

# The blocks whose input is doubled, from the first map to the picture. `fewer` is ours, for pictures of 32 pixels: from
# a first map of one pixel batch norms would see no variance.
DOUBLED = {
    "fewer": ("up_1", "up_2", "up_3"),
    "normal": ("G_middle_0", "up_0", "up_1", "up_2", "up_3"),
    "more": ("G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3"),
    "most": ("G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3", "up_4"),
}

# From a width and an output width to a residual block: block(x, context).
MakeBlock = Callable[[int, int], nn.Module]


class TrunkConfig(GANConfig):
    """The generator that SPADE's descendants share.

    ngf: width at full resolution. widest: the limit of the width at coarse ones, in ngf. upsampling: 3, 5, 6 or 7
    doublings from the first map.
    """

    ngf: int = 64
    widest: int = 16
    upsampling: Literal["fewer", "normal", "more", "most"] = "normal"

    @property
    def doublings(self) -> int:
        """Of the resolution, from the first map to the picture."""
        return len(DOUBLED[self.upsampling])

    @property
    def size_multiple(self) -> int:
        return 2**self.doublings

    def width(self, multiple: int) -> int:
        """The width of a layer that has `multiple` times ngf channels, within the limit."""
        return min(multiple, self.widest) * self.ngf

    @property
    def first_width(self) -> int:
        """Channels of the first map."""
        return self.width(16)

    @property
    def coarse_widths(self) -> tuple[int, int, int]:
        """Channels of what head_0, G_middle_0 and G_middle_1 give."""
        return self.width(16), self.width(16), self.width(16)

    def first_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) of the first map of a picture of `size`."""
        return size[0] // self.size_multiple, size[1] // self.size_multiple


class VAEConfig(TrunkConfig):
    """A trunk that starts from the coarse label map or, with `vae`, from a style vector.

    image_size: (height, width) of the pictures, which a start from a vector fixes. z_dim: the vector's length. nef: the
    encoder's width.
    """

    image_size: tuple[int, int] | None = None
    vae: bool = False
    z_dim: int = 256
    nef: int = 64

    @property
    def stochastic(self) -> bool:
        return self.vae

    @property
    def styled(self) -> bool:
        return self.vae


class SPADEConfig(VAEConfig):
    """hidden: channels between condition and modulation. free_norm: what is modulated. kernel: of the modulations'
    convolutions. spectral: whether the blocks' convolutions are spectrally normalised."""

    hidden: int = 128
    free_norm: Literal["batch", "instance"] = unless_default("batch")
    kernel: int = unless_default(3)
    spectral: bool = unless_default(True)


class Trunk(Generator):
    """Residual blocks that double the resolution between them, from a coarse map to a picture."""

    config: TrunkConfig

    def __init__(self, config: TrunkConfig, block: MakeBlock):
        super().__init__()
        self.config = config

        def between(multiple: int, out_multiple: int) -> nn.Module:
            return block(config.width(multiple), config.width(out_multiple))

        first, second, third = config.coarse_widths
        self.head_0 = block(config.first_width, first)
        self.G_middle_0 = block(first, second)
        self.G_middle_1 = block(second, third)
        self.up_0 = block(third, config.width(8))
        self.up_1 = between(8, 4)
        self.up_2 = between(4, 2)
        self.up_3 = between(2, 1)
        last = config.ngf
        if config.upsampling == "most":
            self.up_4 = block(last, last // 2)
            last //= 2
        self.conv_img = nn.Conv2d(last, 3, 3, padding=1)

    def grow(self, x: Tensor, context: Any) -> Tensor:
        """The picture (N, 3, H, W) in [-1, 1] of the first map x."""
        doubled = DOUBLED[self.config.upsampling]
        x = self.head_0(x, context)
        for name in ("G_middle_0", "G_middle_1", "up_0", "up_1", "up_2"):
            x = self.get_submodule(name)(double(x) if name in doubled else x, context)
        x = self.last_block(x, context)
        if "up_4" in doubled:
            x = self.up_4(double(x), context)
        return self.squash(self.conv_img(F.leaky_relu(x, LEAK)))

    def squash(self, x: Tensor) -> Tensor:
        """Any values to those of a picture."""
        return x.tanh()

    def last_block(self, x: Tensor, context: Any) -> Tensor:
        """The last doubling that every trunk has."""
        return self.up_3(double(x), context)


class VAETrunk(Trunk):
    """A trunk with the start of VAEConfig."""

    config: VAEConfig

    def __init__(self, config: VAEConfig, block: MakeBlock):
        super().__init__(config, block)
        width = config.first_width
        self.fc: nn.Module
        if config.vae:
            assert config.image_size is not None, "a start from a vector needs the pictures' size"
            height, columns = config.first_size(config.image_size)
            self.encoder = ImageEncoder(config.nef, config.z_dim)
            self.fc = nn.Linear(config.z_dim, width * height * columns)
        else:
            self.fc = nn.Conv2d(config.semantic_channels, width, 3, padding=1)

    def latent_shape(self, condition: Condition) -> tuple[int, ...] | None:
        return (self.config.z_dim,) if self.config.vae else None

    def begin(self, condition: Condition, latent: Latent) -> tuple[Tensor, tuple[Gaussian, ...]]:
        """The first map (N, widest * ngf, h, w), and what the encoder says of the style, if there is any."""
        size = self.config.first_size(condition.size)
        if not self.config.vae:
            return self.fc(F.interpolate(condition.semantics(self.config.edges), size=size)), ()
        assert isinstance(latent, Tensor)
        posteriors = () if condition.style is None else (self.encoder(condition.style),)
        z = posteriors[0].reparameterize(latent) if posteriors else latent
        return self.fc(z).unflatten(1, (-1, *size)), posteriors


class SPADEGenerator(VAETrunk):
    """From the condition, and with `vae` a style vector, to a picture."""

    config: SPADEConfig

    def __init__(self, config: SPADEConfig):
        def norm(width: int) -> nn.Module:
            free = FREE_NORMS[config.free_norm]
            return SPADE(width, config.semantic_channels, config.hidden, norm=free, kernel=config.kernel)

        def wrap(convolution: nn.Conv2d) -> nn.Module:
            return spectral_norm(convolution) if config.spectral else convolution

        super().__init__(config, lambda width, out_width: ResidualBlock(width, out_width, norm, wrap=wrap))
        initialise(self)

    def forward(self, condition: Condition, latent: Latent = None) -> Generated:
        x, posteriors = self.begin(condition, latent)
        return Generated(self.grow(x, condition.semantics(self.config.edges)), posteriors)
