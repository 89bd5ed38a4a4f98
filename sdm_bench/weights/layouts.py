"""From the names and layouts that sources use to the names that our networks load."""

from collections.abc import Callable
from functools import cache
from importlib import metadata, resources, util
from pathlib import Path

import torch
import yaml
from torch import Tensor

from sdm_bench.base.filekinds import RefusedFile
from sdm_bench.base.torchfiles import Tensors, bare, read_torch

LPIPS_SLICES = {
    # the torchvision `features` index at which each of the five slices of the backbone ends
    "alex": (2, 5, 8, 10, 12),
    "vgg": (4, 9, 16, 23, 30),
}
LPIPS_CONVOLUTIONS = {
    # the torchvision `features` indices of the convolutions, in order
    "alex": (0, 3, 6, 8, 10),
    "vgg": (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
}
FLAX_BACKBONES = {"AlexNet_0": "alex", "VGG16_0": "vgg"}


def state_dict(tensors: Tensors) -> Tensors:
    """A PyTorch state dict as it is, without what wrappers put before every name."""
    return bare(tensors)


def inception_modules(tensors: Tensors) -> Tensors:
    """FID's Inception from modules of (weight, beta, mean, var) to pytorch-fid's names.

    Both list the 94 convolutions in the order of the TensorFlow graph; the shapes are compared one by one. The graph
    has no batch-norm scale, so it is 1. Raises RefusedFile.
    """
    found = [name.removesuffix(".weight") for name in tensors if name.endswith(".weight")]
    expected = inception_convolutions()
    if len(found) != len(expected):
        raise RefusedFile(f"found {len(found)} convolutions; FID's Inception has {len(expected)}")
    named: Tensors = {}
    for source, (target, shape) in zip(found, expected.items(), strict=True):
        weight = tensors[f"{source}.weight"]
        if tuple(weight.shape) != shape:
            raise RefusedFile(f"{source}.weight has shape {tuple(weight.shape)}; {target} needs {shape}")
        named[f"{target}.conv.weight"] = weight
        named[f"{target}.bn.weight"] = torch.ones(len(weight))
        for ours, theirs in (("bias", "beta"), ("running_mean", "mean"), ("running_var", "var")):
            named[f"{target}.bn.{ours}"] = tensors[f"{source}.{theirs}"]
    return named


@cache
def inception_convolutions() -> dict[str, tuple[int, ...]]:
    """Name -> weight shape of the convolutions of FID's Inception, in the order of the TensorFlow graph."""
    text = resources.files("sdm_bench.weights").joinpath("inception.yaml").read_text(encoding="utf-8")
    return {name: tuple(shape) for name, shape in yaml.safe_load(text).items()}


def lpips_torchvision(tensors: Tensors) -> Tensors:
    """LPIPS from torchvision's classifier (`features.I.*`) and the linear layers of the installed `lpips` package.

    Returns `net.sliceK.I.*` and `linK.model.1.weight`. Raises RefusedFile for any other network.
    """
    features = {name.removeprefix("features."): value for name, value in tensors.items() if name.startswith("features")}
    indices = tuple(sorted({int(name.split(".")[0]) for name in features}))
    nets = [net for net, known in LPIPS_CONVOLUTIONS.items() if known == indices]
    if not nets:
        raise RefusedFile(f"convolutions at {indices}; expected torchvision's AlexNet or VGG-16 without batch norm")
    backbone = {f"{_slice(nets[0], int(name.split('.')[0]))}.{name}": value for name, value in features.items()}
    return backbone | read_torch(linear_layers(nets[0]))


def lpips_flax(tensors: Tensors) -> Tensors:
    """LPIPS from Flax parameters (`AlexNet_0.Conv_k.kernel`, `NetLinLayer_k.Conv_0.kernel`), kernels HWIO to OIHW.

    Returns `net.sliceK.I.*` and `linK.model.1.weight`. Raises RefusedFile for any other network.
    """
    nets = {net for name, net in FLAX_BACKBONES.items() if any(key.startswith(f"{name}.") for key in tensors)}
    if len(nets) != 1:
        raise RefusedFile(f"expected the parameters of one of {', '.join(FLAX_BACKBONES)}; found {list(tensors)[:3]}")
    net = nets.pop()
    return {_from_flax(net, key): _oihw(value) for key, value in tensors.items()}


CONVERTS: dict[str, Callable[[Tensors], Tensors]] = {
    "state_dict": state_dict,
    "inception_modules": inception_modules,
    "lpips_torchvision": lpips_torchvision,
    "lpips_flax": lpips_flax,
}


def linear_layers(net: str) -> Path:
    """The file of the LPIPS v0.1 linear layers in the installed `lpips` package, which is not imported for it."""
    spec = util.find_spec("lpips")
    assert spec is not None, "lpips is a dependency"
    assert spec.origin is not None
    return Path(spec.origin).parent / "weights" / "v0.1" / f"{net}.pth"


def lpips_title() -> str:
    """What the user reads of where the linear layers came from."""
    return f"linear layers v0.1 of lpips {metadata.version('lpips')}"


def _slice(net: str, index: int) -> str:
    number = next(k for k, end in enumerate(LPIPS_SLICES[net], start=1) if index < end)
    return f"net.slice{number}"


def _from_flax(net: str, key: str) -> str:
    module, conv, kind = key.split(".")
    if module.startswith("NetLinLayer_"):
        return f"lin{module.removeprefix('NetLinLayer_')}.model.1.weight"
    index = LPIPS_CONVOLUTIONS[net][int(conv.removeprefix("Conv_"))]
    return f"{_slice(net, index)}.{index}.{'weight' if kind == 'kernel' else kind}"


def _oihw(value: Tensor) -> Tensor:
    return value.permute(3, 2, 0, 1).contiguous() if value.ndim == 4 else value
