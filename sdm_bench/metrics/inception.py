"""The Inception network of the Fréchet and kernel Inception distances.

Network: TensorFlow's inception-2015-12-05, as FID uses it (Heusel et al. 2017, arXiv:1706.08500). Names of the state
dict: mseitzer/pytorch-fid@b9c1811, which are torchvision's, whose import takes seconds. Against its Inception v3 the
average pools of the branches don't count the padding, and the pool of the last block is a maximum.
"""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sdm_bench.base.devices import pick_device
from sdm_bench.base.tensors import Tensors, load_strictly

# Height and width of the input, pixels.
SIZE = 299
# Channels of the four blocks.
DIMENSIONS = (64, 192, 768, 2048)
CLASSES = 1008


def _average_pool(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, kernel_size=3, stride=1, padding=1, count_include_pad=False)


def _averaged(branch: "Convolution", x: Tensor) -> Tensor:
    """A branch of 1x1 of the average-pooled x: pooling commutes with what is linear, and the branch is narrower."""
    return F.relu(_average_pool(branch.linear(x)), inplace=True)


def _max_pool(x: Tensor) -> Tensor:
    return F.max_pool2d(x, kernel_size=3, stride=1, padding=1)


class Convolution(nn.Module):
    """A convolution without bias, batch norm and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int | tuple[int, int], **options: Any):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, bias=False, **options)
        self.bn: nn.Module = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.linear(x), inplace=True)

    def linear(self, x: Tensor) -> Tensor:
        """Without the ReLU."""
        normed: Tensor = self.bn(self.conv(x))
        return normed


class BlockA(nn.Module):
    """35 x 35: 1x1, 5x5 and double 3x3 branches beside the pooled one."""

    def __init__(self, in_channels: int, pool_features: int):
        super().__init__()
        self.branch1x1 = Convolution(in_channels, 64, 1)
        self.branch5x5_1 = Convolution(in_channels, 48, 1)
        self.branch5x5_2 = Convolution(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = Convolution(in_channels, 64, 1)
        self.branch3x3dbl_2 = Convolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Convolution(96, 96, 3, padding=1)
        self.branch_pool = Convolution(in_channels, pool_features, 1)

    def forward(self, x: Tensor) -> Tensor:
        narrow = self.branch5x5_2(self.branch5x5_1(x))
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), narrow, double, _averaged(self.branch_pool, x)], 1)


class BlockB(nn.Module):
    """35 x 35 to 17 x 17: 3x3 and double 3x3 branches with stride 2 beside the maximum."""

    def __init__(self, in_channels: int):
        super().__init__()
        self.branch3x3 = Convolution(in_channels, 384, 3, stride=2)
        self.branch3x3dbl_1 = Convolution(in_channels, 64, 1)
        self.branch3x3dbl_2 = Convolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Convolution(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), double, F.max_pool2d(x, kernel_size=3, stride=2)], 1)


class BlockC(nn.Module):
    """17 x 17: 1x1, 7x7 and double 7x7 branches, factorised, beside the pooled one."""

    def __init__(self, in_channels: int, channels_7x7: int):
        super().__init__()
        inner = channels_7x7
        self.branch1x1 = Convolution(in_channels, 192, 1)
        self.branch7x7_1 = Convolution(in_channels, inner, 1)
        self.branch7x7_2 = Convolution(inner, inner, (1, 7), padding=(0, 3))
        self.branch7x7_3 = Convolution(inner, 192, (7, 1), padding=(3, 0))
        self.branch7x7dbl_1 = Convolution(in_channels, inner, 1)
        self.branch7x7dbl_2 = Convolution(inner, inner, (7, 1), padding=(3, 0))
        self.branch7x7dbl_3 = Convolution(inner, inner, (1, 7), padding=(0, 3))
        self.branch7x7dbl_4 = Convolution(inner, inner, (7, 1), padding=(3, 0))
        self.branch7x7dbl_5 = Convolution(inner, 192, (1, 7), padding=(0, 3))
        self.branch_pool = Convolution(in_channels, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        single = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(x), single, double, _averaged(self.branch_pool, x)], 1)


class BlockD(nn.Module):
    """17 x 17 to 8 x 8: 3x3 and factorised 7x7 branches with stride 2 beside the maximum."""

    def __init__(self, in_channels: int):
        super().__init__()
        self.branch3x3_1 = Convolution(in_channels, 192, 1)
        self.branch3x3_2 = Convolution(192, 320, 3, stride=2)
        self.branch7x7x3_1 = Convolution(in_channels, 192, 1)
        self.branch7x7x3_2 = Convolution(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = Convolution(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = Convolution(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        single = self.branch3x3_2(self.branch3x3_1(x))
        large = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat([single, large, F.max_pool2d(x, kernel_size=3, stride=2)], 1)


class BlockE(nn.Module):
    """8 x 8: 1x1 and forked 3x3 branches beside the pooled one, average or (the last block) maximum."""

    def __init__(self, in_channels: int, maximum: bool):
        super().__init__()
        self.branch1x1 = Convolution(in_channels, 320, 1)
        self.branch3x3_1 = Convolution(in_channels, 384, 1)
        self.branch3x3_2a = Convolution(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = Convolution(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = Convolution(in_channels, 448, 1)
        self.branch3x3dbl_2 = Convolution(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = Convolution(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = Convolution(384, 384, (3, 1), padding=(1, 0))
        self.branch_pool = Convolution(in_channels, 192, 1)
        self.maximum = maximum

    def forward(self, x: Tensor) -> Tensor:
        single = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        forks = [self.branch3x3_2a(single), self.branch3x3_2b(single)]
        forks += [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)]
        pooled = self.branch_pool(_max_pool(x)) if self.maximum else _averaged(self.branch_pool, x)
        return torch.cat([self.branch1x1(x), *forks, pooled], 1)


class FIDInception(nn.Module):
    """float32 (N, 3, 299, 299) in [-1, 1] -> features (N, 2048).

    classifier: whether there is the layer to 1,008 classes, which some files of the weights lack and no feature needs.
    """

    def __init__(self, classifier: bool = True):
        super().__init__()
        self.Conv2d_1a_3x3 = Convolution(3, 32, kernel_size=3, stride=2)
        self.Conv2d_2a_3x3 = Convolution(32, 32, kernel_size=3)
        self.Conv2d_2b_3x3 = Convolution(32, 64, kernel_size=3, padding=1)
        self.Conv2d_3b_1x1 = Convolution(64, 80, kernel_size=1)
        self.Conv2d_4a_3x3 = Convolution(80, 192, kernel_size=3)
        self.Mixed_5b = BlockA(192, pool_features=32)
        self.Mixed_5c = BlockA(256, pool_features=64)
        self.Mixed_5d = BlockA(288, pool_features=64)
        self.Mixed_6a = BlockB(288)
        self.Mixed_6b = BlockC(768, channels_7x7=128)
        self.Mixed_6c = BlockC(768, channels_7x7=160)
        self.Mixed_6d = BlockC(768, channels_7x7=160)
        self.Mixed_6e = BlockC(768, channels_7x7=192)
        self.Mixed_7a = BlockD(768)
        self.Mixed_7b = BlockE(1280, maximum=False)
        self.Mixed_7c = BlockE(2048, maximum=True)
        if classifier:
            self.fc = nn.Linear(2048, CLASSES)

    def stages(self) -> tuple[tuple[nn.Module, ...], ...]:
        """The layers of each of the four blocks; the first two end with a pool that has no weights."""
        pool = nn.MaxPool2d(kernel_size=3, stride=2)
        return (
            (self.Conv2d_1a_3x3, self.Conv2d_2a_3x3, self.Conv2d_2b_3x3, pool),
            (self.Conv2d_3b_1x1, self.Conv2d_4a_3x3, pool),
            (
                *(self.Mixed_5b, self.Mixed_5c, self.Mixed_5d),
                *(self.Mixed_6a, self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e),
            ),
            (self.Mixed_7a, self.Mixed_7b, self.Mixed_7c, nn.AdaptiveAvgPool2d(1)),
        )

    def blocks(self, x: Tensor, last: int = 3) -> list[Tensor]:
        """The outputs of blocks 0 to `last`: (N, 64, 73, 73), (N, 192, 35, 35), (N, 768, 17, 17), (N, 2048, 1, 1)."""
        outputs = []
        for stage in self.stages()[: last + 1]:
            for layer in stage:
                x = layer(x)
            outputs.append(x)
        return outputs

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(x)[-1].flatten(1)


def load_inception(weights: Tensors, device: str = "cpu") -> FIDInception:
    """The network with these tensors, with or without a classifier; raises UserError where they are others."""
    with torch.device("meta"):
        network = FIDInception(classifier="fc.weight" in weights)
    load_strictly(network, weights, "weights of FID's Inception")
    network.eval().requires_grad_(False)
    return network.to(memory_format=torch.channels_last).to(pick_device(device))  # type: ignore[call-overload]


class FoldedConvolution(Convolution):
    """A convolution with the batch norm in its weights and bias.

    On a CPU with oneDNN it applies the ReLU as well, and lays its weights out once, at the first input, not at each.
    """

    def __init__(self, convolution: Convolution):
        nn.Module.__init__(self)
        assert isinstance(convolution.bn, nn.BatchNorm2d)
        self.conv = fuse_conv_bn_eval(convolution.conv, convolution.bn)
        self.bn = nn.Identity()
        self.laid_out: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        return self._by_onednn(x, "relu") if _has_onednn(x) else super().forward(x)

    def linear(self, x: Tensor) -> Tensor:
        # torch itself leaves a 1x1 on one thread to a slower way
        return self._by_onednn(x, "none") if _has_onednn(x) else super().linear(x)

    def _by_onednn(self, x: Tensor, then: str) -> Tensor:
        c = self.conv
        where: tuple = (c.padding, c.stride, c.dilation, c.groups)
        if self.laid_out is None:
            self.laid_out = torch.ops.mkldnn._reorder_convolution_weight(c.weight, *where, list(x.shape))
        return torch.ops.mkldnn._convolution_pointwise(x, self.laid_out, c.bias, *where, then, [], "")


def _has_onednn(x: Tensor) -> bool:
    return x.device.type == "cpu" and torch.backends.mkldnn.is_available()


def folded(network: FIDInception) -> FIDInception:
    """A copy without batch norms and their passes over memory; features move by rounding."""
    copied = deepcopy(network)
    for module in list(copied.modules()):
        for name, child in module.named_children():
            if isinstance(child, Convolution):
                setattr(module, name, FoldedConvolution(child))
    copied.requires_grad_(False)
    return copied.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def feature_tensors(network: FIDInception) -> dict[str, Tensor]:
    """The tensors that decide the features: all but the classifier and the batch counters."""
    unused = ("fc.", "num_batches_tracked")
    return {name: value for name, value in network.state_dict().items() if not any(word in name for word in unused)}
