"""EfficientNet-Lite0 as an extractor: a small classifier of ImageNet, to cross-check what Inception's features say.

Network: Tan and Le 2019, arXiv:1905.11946, in the form of tensorflow/tpu@22d5cab, models/official/efficientnet/lite:
no squeeze and excitation, ReLU6, batch norm of eps 0.001, TensorFlow's "SAME" padding. Names of the state dict:
ml-illustrated/EfficientNet-Lite-PyTorch@dd7132c, which are lukemelas/EfficientNet-PyTorch's. The feature is the mean
over all places of the last convolution's 1,280 channels, what the classifier is fed; the classifier is left out.

A picture is squashed to 224 x 224 by Pillow's antialiased bicubic, rounded to 8 bits, from its own size: as for DINOv2,
and unlike the original evaluation, whose bicubic of the middle 7/8 is not antialiased. The input is (pixels - 127) /
128, MEAN_RGB and STDDEV_RGB of its efficientnet_lite_builder.py, not ImageNet's mean and deviation.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.base.devices import pick_device
from sdm_bench.base.tensors import COUNTER, Tensors, load_strictly, tensors_sha256
from sdm_bench.metrics.features import Extractor
from sdm_bench.metrics.resize import Resize, pillow_8bit

EFFICIENTNET_LITE0 = "efficientnet-lite0"
# What the names of the classifier begin with, which no feature needs.
CLASSIFIER = "_fc."
# Height and width of the input, pixels.
SIZE = 224
STEM, FEATURES = 32, 1280
# Of each stage: blocks, kernel, stride of its first block, expansion, channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
RESIZE = Resize(f"pillow_8bit-{SIZE}", partial(pillow_8bit, side=SIZE), 127.0, 128.0)


class Convolution(nn.Conv2d):
    """A convolution padded as TensorFlow's "SAME": ceil(side / stride) values come out, an odd zero goes last."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1, groups: int = 1):
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(in_channels, out_channels, kernel, stride, padding, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if self.stride[0] == 1 else self._padded(x))

    def _padded(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        down, along = (max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[2:])
        return F.pad(x, (along // 2, along - along // 2, down // 2, down - down // 2))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=0.001)


class Block(nn.Module):
    """An inverted bottleneck: 1x1 to more channels (but for an expansion of 1), depthwise, 1x1 to fewer."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        inner = expansion * in_channels
        self.expands, self.adds = expansion != 1, stride == 1 and in_channels == out_channels
        if self.expands:
            self._expand_conv = Convolution(in_channels, inner)
            self._bn0 = _norm(inner)
        self._depthwise_conv = Convolution(inner, inner, kernel, stride, groups=inner)
        self._bn1 = _norm(inner)
        self._project_conv = Convolution(inner, out_channels)
        self._bn2 = _norm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x)), inplace=True) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)), inplace=True)
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds else y


class EfficientNetLite0(nn.Module):
    """float32 (N, 3, 224, 224), (pixels - 127) / 128 -> features (N, 1280), each in [0, 6]."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = Convolution(3, STEM, 3, stride=2)
        self._bn0 = _norm(STEM)
        blocks, channels = [], STEM
        for count, kernel, stride, expansion, out_channels in STAGES:
            for number in range(count):
                blocks.append(Block(channels, out_channels, kernel, 1 if number else stride, expansion))
                channels = out_channels
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = Convolution(channels, FEATURES)
        self._bn1 = _norm(FEATURES)

    def stages(self, x: Tensor) -> list[Tensor]:
        """What the stem, each of the 16 blocks and the head give, (N, 32, 112, 112) to (N, 1280, 7, 7)."""
        outputs = [F.relu6(self._bn0(self._conv_stem(x)))]
        for block in self._blocks:
            outputs.append(block(outputs[-1]))
        return [*outputs, F.relu6(self._bn1(self._conv_head(outputs[-1])))]

    def forward(self, x: Tensor) -> Tensor:
        return self.stages(x)[-1].mean((2, 3))


def efficientnet_extractor(weights: Tensors, device: str = "auto") -> Extractor:
    """The extractor with tensors under the package's names, with or without the classifier; UserError for others."""
    tensors = {name: value.float() for name, value in weights.items() if not name.startswith(CLASSIFIER)}
    with torch.device("meta"):
        network = EfficientNetLite0()
    load_strictly(network, tensors, f"weights of {EFFICIENTNET_LITE0}")
    digest = tensors_sha256({name: value for name, value in tensors.items() if not name.endswith(COUNTER)})
    chosen = pick_device(device)
    module = network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Extractor(EFFICIENTNET_LITE0, digest, RESIZE, module.to(chosen), chosen)
