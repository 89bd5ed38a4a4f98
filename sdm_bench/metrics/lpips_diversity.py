"""LPIPS (Zhang et al. 2018, arXiv:1801.03924), and diversity as its mean over the pairs of samples of one label map.

Network: richzhang/PerceptualSimilarity@082bb24 (package `lpips`, v0.1) for pictures in [-1, 1]. The distance of two
pictures is the sum over layers of the mean over positions of sum_c w_c (a_c - b_c)^2, a and b the layer's features of
unit length; so the backbone runs once a picture and only the rest once a pair.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from sdm_bench.devices import pick_device
from sdm_bench.errors import UserError, unknown_name
from sdm_bench.tensors import load_strictly, read_safetensors

Net = Literal["alex", "vgg", "squeeze"]
SMALLEST_SIDE = {"alex": 31, "vgg": 16, "squeeze": 17}
"""Pixels below which a pooling layer has nothing left."""
CHUNK = 16
"""Pictures that go through the backbone together."""


@dataclass(frozen=True)
class Diversity:
    """mean, spread: over the label maps; the spread is the standard deviation over N - 1, nan for one map.

    maps: the number of label maps.
    """

    mean: float
    spread: float
    maps: int


class LPIPS(nn.Module):
    """The LPIPS network; `network` is the package's module, whose state-dict names the weights have."""

    network: Any

    def __init__(self, net: Net = "alex"):
        super().__init__()
        if net not in get_args(Net):
            raise unknown_name("LPIPS network", net, get_args(Net))
        self.net = net
        self.network = _package_network(net)

    def load(self, tensors: dict[str, Tensor], path: Path) -> "LPIPS":
        """Loads `net.sliceK.I.*` and `linK.model.1.weight` strictly; raises UserError that names `path`."""
        # the package registers every linear layer under a second name, and the input scaling as buffers
        twice = {f"lins.{key.removeprefix('lin')}": value for key, value in tensors.items() if key.startswith("lin")}
        load_strictly(self.network, {**_package_scaling(), **tensors, **twice}, path)
        return self.eval().requires_grad_(False)

    def features(self, images: Tensor) -> list[Tensor]:
        """Unit-length features of every layer, float32 (N, C, h, w), of float32 (N, 3, H, W) pictures in [-1, 1].

        Raises UserError for pictures that are too small for the network.
        """
        smallest = SMALLEST_SIDE[self.net]
        if min(images.shape[2:]) < smallest:
            raise UserError(
                f"pictures of {images.shape[3]}x{images.shape[2]} pixels; "
                f"LPIPS with '{self.net}' needs at least {smallest} a side"
            )
        layers = self.network.net(self.network.scaling_layer(images))
        return [layer / (layer.square().sum(1, keepdim=True).sqrt() + 1e-10) for layer in layers]

    def maps(self, first: Sequence[Tensor], second: Sequence[Tensor]) -> list[Tensor]:
        """The distance at every position, (N, 1, h, w) a layer, between the features of N pairs."""
        weights = [linear.model[-1].weight for linear in self.network.lins]
        return [
            ((a - b).square() * weight).sum(1, keepdim=True)
            for a, b, weight in zip(first, second, weights, strict=True)
        ]

    def per_layer(self, first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
        """The layers' shares of the distances, (layers, N)."""
        return torch.stack([layer.mean((1, 2, 3)) for layer in self.maps(first, second)])

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The distances (N,) of N pairs of pictures, (N, 3, H, W) in [-1, 1]; 0 for equal ones, larger is worse."""
        return self.per_layer(self.features(first), self.features(second)).sum(0)


def load_lpips(weights: Path, net: Net = "alex", device: str = "cpu") -> LPIPS:
    """The network with the weights of a safetensors file; raises UserError where they are another network's."""
    with torch.device("meta"):
        network = LPIPS(net)
    return network.load(read_safetensors(weights), weights).to(pick_device(device))


def diversity(network: LPIPS, samples: Tensor) -> float:
    """The mean LPIPS over all S (S - 1) / 2 pairs of samples of one label map, float32 (S, 3, H, W) in [-1, 1].

    0 where all are equal; larger is more diverse. Raises UserError for fewer than two samples.
    """
    if len(samples) < 2:
        raise UserError(f"{len(samples)} sample(s) of a label map; diversity needs at least two")
    device = next(network.parameters()).device
    with torch.inference_mode():
        chunks = [network.features(chunk.to(device)) for chunk in samples.split(CHUNK)]
        layers = [torch.cat(parts) for parts in zip(*chunks, strict=True)]
        rows = [
            network.per_layer([layer[i : i + 1] for layer in layers], [layer[i + 1 :] for layer in layers]).sum(0)
            for i in range(len(samples) - 1)
        ]
    return float(torch.cat(rows).double().mean())


def corpus_diversity(values: Iterable[float]) -> Diversity:
    """Mean and spread of the diversities of label maps; raises UserError when there are none."""
    each = np.array(list(values), np.float64)
    if not each.size:
        raise UserError("no label maps; diversity needs at least one")
    return Diversity(float(each.mean()), float(each.std(ddof=1)) if each.size > 1 else float("nan"), each.size)


def _package_network(net: Net) -> nn.Module:
    import lpips

    with warnings.catch_warnings():
        # the package passes torchvision's former names of arguments
        warnings.simplefilter("ignore", UserWarning)
        return lpips.LPIPS(pretrained=False, net=net, version="0.1", pnet_rand=True, verbose=False)


def _package_scaling() -> dict[str, Tensor]:
    from lpips.lpips import ScalingLayer

    with torch.device("cpu"):
        return {f"scaling_layer.{key}": value for key, value in ScalingLayer().state_dict().items()}
