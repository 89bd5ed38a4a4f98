"""LPIPS (Zhang et al. 2018, arXiv:1801.03924), and diversity as its mean over the pairs of samples of one label map.

Network: richzhang/PerceptualSimilarity@082bb24 (package `lpips`, v0.1) for pictures in [-1, 1]. The distance of two
pictures is the sum over layers of the mean over positions of sum_c w_c (a_c - b_c)^2, a and b the layer's features of
unit length; so the backbone runs once a picture and only the rest once a pair.

Published diversities differ in how pictures are prepared for the network (PREPROCESSINGS):

* `plain`: pictures in [-1, 1] at their own size, as the package means it.
* `sdm`: WeilunWang/semantic-diffusion-model@7171f37, evaluations/{default_dataset,lpips}.py, a copy of StarGAN v2's:
  squashed to 256 x 256, then to 299 x 299, normalised by ImageNet's mean and deviation, and then scaled by the network
  a second time. Its network differs from the package's in where 1e-10 is added to a length only. It averages over the
  pairs of a batch of 50 label maps, in the order of their file names, then over batches; the last batch is kept and,
  where it is smaller, weighs as much as a full one (`corpus_diversity` with batch=50). 500, 2,000 and 5,000 maps leave
  no remainder.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from sdm_bench.base.devices import full_precision, pick_device
from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.base.tensors import Tensors, load_strictly, to_unit_range

Net = Literal["alex", "vgg", "squeeze"]
# Pixels below which a pooling layer has nothing left.
SMALLEST_SIDE = {"alex": 31, "vgg": 16, "squeeze": 17}
# Pictures that go through the backbone together.
CHUNK = 16
# Heights and widths of the two resizings of the preprocessing `sdm`, pixels.
SDM_SIDES = (256, 299)
# Red, green and blue, of values in [0, 1].
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


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

    def load(self, tensors: Tensors) -> "LPIPS":
        """Loads `net.sliceK.I.*` and `linK.model.1.weight` strictly; raises UserError."""
        # the package registers every linear layer under a second name, and the input scaling as buffers
        twice = {f"lins.{key.removeprefix('lin')}": value for key, value in tensors.items() if key.startswith("lin")}
        load_strictly(self.network, {**_package_scaling(), **tensors, **twice}, f"weights of LPIPS ({self.net})")
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


def sdm_input(image: np.ndarray) -> Tensor:
    """float32 (3, 299, 299), ImageNet-normalised, from about -2.2 to 2.7, of a uint8 (H, W, 3) picture.

    Both resizings are Pillow's bilinear, antialiased and rounded to 8 bits, and don't keep the aspect.
    """
    resized = Image.fromarray(image)
    for side in SDM_SIDES:
        resized = resized.resize((side, side), Image.Resampling.BILINEAR)
    mean, deviation = (np.array(each, np.float32) for each in (IMAGENET_MEAN, IMAGENET_DEVIATION))
    scaled = (np.asarray(resized).astype(np.float32) / 255 - mean) / deviation
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)))


# By preprocessing, the label maps whose mean is averaged first; None: all.
BATCHES = {"plain": None, "sdm": 50}
# From a uint8 (H, W, 3) picture to what the network is fed, float32 (3, h, w).
PREPROCESSINGS: dict[str, Callable[[np.ndarray], Tensor]] = {"plain": to_unit_range, "sdm": sdm_input}


def preprocessing(name: str) -> Callable[[np.ndarray], Tensor]:
    """The function of PREPROCESSINGS called `name`; raises UserError with the nearest known name."""
    if name not in PREPROCESSINGS:
        raise unknown_name("preprocessing of LPIPS", name, PREPROCESSINGS)
    return PREPROCESSINGS[name]


def load_lpips(weights: Tensors, net: Net = "alex", device: str = "cpu") -> LPIPS:
    """The network with the tensors `weights`; raises UserError where they are another network's."""
    with torch.device("meta"):
        network = LPIPS(net)
    return network.load(weights).to(pick_device(device))


@dataclass(frozen=True)
class MapDiversity:
    """What the samples of one label map show. pairs: float64 (S (S - 1) / 2,), the LPIPS of each pair.

    classes: class -> mean LPIPS over its pixels and all pairs; empty where no label map was given.
    """

    pairs: np.ndarray
    classes: dict[int, float]

    @property
    def mean(self) -> float:
        """0 where all samples are equal; larger is more diverse."""
        return float(self.pairs.mean())

    @property
    def spread(self) -> float:
        """The standard deviation over the pairs, over their number less one; nan for two samples."""
        return float(self.pairs.std(ddof=1)) if self.pairs.size > 1 else float("nan")


def diversity(network: LPIPS, samples: Tensor, label: np.ndarray | None = None) -> MapDiversity:
    """LPIPS over all pairs of samples of one label map, float32 (S, 3, H, W) in [-1, 1]; one backbone pass a sample.

    label: (H, W), for the diversity inside each of its classes. The layers' maps of distances are raised to (H, W),
    bilinear, as the package's spatial maps are; (H, W) is the pictures' size with the preprocessing `plain`. Layers see
    beyond the borders of a class, so a difference next to a class counts a little in it too. Weighted by their pixels,
    the classes give the mean of the spatial map, which is not the mean over pairs: raising weighs the borders
    otherwise. Raises UserError for fewer than two samples and for a label of another rank.
    """
    if label is not None and label.ndim != 2:
        raise UserError(f"a label map of shape {label.shape}; expected (height, width)")
    layers = _sample_features(network, samples)
    with torch.inference_mode(), full_precision():
        rows = [
            network.per_layer([layer[i : i + 1] for layer in layers], [layer[i + 1 :] for layer in layers]).sum(0)
            for i in range(len(samples) - 1)
        ]
    pairs = torch.cat(rows).cpu().double().numpy()
    return MapDiversity(pairs, {} if label is None else _inside_classes(network, layers, label, pairs.size))


def _inside_classes(network: LPIPS, layers: list[Tensor], label: np.ndarray, pairs: int) -> dict[int, float]:
    with torch.inference_mode(), full_precision():
        spatial = torch.zeros(label.shape, dtype=torch.float64)
        for maps in _summed_maps(network, layers):
            raised = F.interpolate(maps / pairs, size=tuple(label.shape), mode="bilinear", align_corners=False)
            spatial += raised[0, 0].cpu()
    return _class_means(spatial.numpy(), label)


def _sample_features(network: LPIPS, samples: Tensor) -> list[Tensor]:
    """The features of every layer of all samples of a label map, (S, C, h, w) each."""
    if len(samples) < 2:
        raise UserError(f"{len(samples)} sample(s) of a label map; diversity needs at least two")
    device = next(network.parameters()).device
    with torch.inference_mode(), full_precision():
        chunks = [network.features(chunk.to(device)) for chunk in samples.split(CHUNK)]
        return [torch.cat(parts) for parts in zip(*chunks, strict=True)]


def _summed_maps(network: LPIPS, layers: list[Tensor]) -> list[Tensor]:
    """The sum over all pairs of each layer's map of distances, float64 (1, 1, h, w)."""
    sums = [torch.zeros(1, 1, *layer.shape[2:], dtype=torch.float64) for layer in layers]
    for i in range(len(layers[0]) - 1):
        row = network.maps([layer[i : i + 1] for layer in layers], [layer[i + 1 :] for layer in layers])
        sums = [total + maps.cpu().double().sum(0, keepdim=True) for total, maps in zip(sums, row, strict=True)]
    return sums


def _class_means(spatial: np.ndarray, label: np.ndarray) -> dict[int, float]:
    classes, index = np.unique(label, return_inverse=True)
    sums = np.bincount(index.ravel(), weights=spatial.ravel())
    counts = np.bincount(index.ravel())
    return {int(each): float(mean) for each, mean in zip(classes, sums / counts, strict=True)}


def corpus_diversity(values: Iterable[float], batch: int | None = None) -> Diversity:
    """Mean and spread of the diversities of label maps; raises UserError when there are none.

    batch: the mean is that of the means of `batch` maps each, in the order given, however few are in the last.
    """
    each = np.array(list(values), np.float64)
    if not each.size:
        raise UserError("no label maps; diversity needs at least one")
    mean = each.mean() if batch is None else np.mean([each[i : i + batch].mean() for i in range(0, each.size, batch)])
    return Diversity(float(mean), float(each.std(ddof=1)) if each.size > 1 else float("nan"), each.size)


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
