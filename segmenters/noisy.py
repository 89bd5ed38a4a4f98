"""A segmenter of noisy pictures: the face-parsing U-Net with a timestep embedding, for guidance by a classifier.

It is told how noisy a picture is, as arXiv 2105.05233 trains its classifiers (section 4). The embedding shifts the maps
of the way down, one number a channel.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.models.unet import timestep_embedding
from segmenters.unet import WIDTHS, FaceParsingUNet

EMBEDDING = 64


class NoisyUNet(FaceParsingUNet):
    """Noisy pictures (N, 3, H, W) and timesteps (N,) in [0, 1000) to scores (N, num_classes, H, W).

    feature_scale: what the widths 64 to 1024 are divided by. H and W must be multiples of 16.
    """

    def __init__(self, num_classes: int, feature_scale: int = 4):
        super().__init__(feature_scale)
        widths = [width // feature_scale for width in WIDTHS]
        self.time_embed = nn.Sequential(nn.Linear(EMBEDDING, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING))
        self.shifts = nn.ModuleList(nn.Linear(EMBEDDING, width) for width in widths)
        self.head = nn.Conv2d(widths[0], num_classes, kernel_size=1)

    def forward(self, x: Tensor, timesteps: Tensor) -> Tensor:  # type: ignore[override]
        """The scores at full resolution."""
        embedded = F.silu(self.time_embed(timestep_embedding(timesteps, EMBEDDING)))
        downs = (self.conv1, self.conv2, self.conv3, self.conv4, self.center)
        skips: list[Tensor] = []
        for down, shift in zip(downs, self.shifts, strict=True):
            x = down(self.pool(x) if skips else x) + shift(embedded)[..., None, None]
            skips.append(x)
        x = skips.pop()
        for up in (self.up_concat4, self.up_concat3, self.up_concat2, self.up_concat1):
            x = up(skips.pop(), x)
        scores: Tensor = self.head(x)
        return scores


def noisy_unet(num_classes: int, feature_scale: int = 4) -> nn.Module:
    """The whole network."""
    return NoisyUNet(num_classes, feature_scale)
