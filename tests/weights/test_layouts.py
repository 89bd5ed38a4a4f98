"""Names and layouts of the sources become those of the networks."""

import re
import zlib

import pytest
import torch
from torch import nn

from sdm_bench.base.tensors import RefusedFile, read_torch
from sdm_bench.metrics.inception import Convolution, FIDInception
from sdm_bench.metrics.lpips_diversity import LPIPS, Net
from sdm_bench.weights import layouts

NETS: list[tuple[Net, str]] = [("alex", "AlexNet_0"), ("vgg", "VGG16_0")]


def shapes(net: Net) -> dict[str, tuple[int, ...]]:
    """The names and shapes that the LPIPS network of the package loads, without its doubles and its scaling."""
    with torch.device("meta"):
        network = LPIPS(net).network
    wanted = re.compile(r"(net\.|lin\d)")
    return {name: tuple(value.shape) for name, value in network.state_dict().items() if wanted.match(name)}


def number(layer: str) -> float:
    """A value by which a layer is recognised."""
    return float(zlib.crc32(layer.encode()) % 1000)


def flax(net: Net, module: str) -> dict[str, torch.Tensor]:
    """Flax parameters whose values are the numbers of their layers."""
    found, index = {}, 0
    for name, shape in shapes(net).items():
        layer, kind = name.rsplit(".", 1)
        if name.startswith("lin"):
            key = f"NetLinLayer_{name[3]}.Conv_0.kernel"
        else:
            key = f"{module}.Conv_{index}.{'kernel' if kind == 'weight' else 'bias'}"
            index += kind == "bias"
        value = torch.full(shape, number(layer))
        found[key] = value.permute(2, 3, 1, 0) if len(shape) == 4 else value
    return found


@pytest.mark.parametrize(("net", "module"), NETS)
def test_flax_parameters_get_the_names_and_shapes_of_the_lpips_package(net: Net, module: str) -> None:
    found = layouts.lpips_flax(flax(net, module))
    assert {name: tuple(value.shape) for name, value in found.items()} == shapes(net)
    for name, value in found.items():
        assert value.unique().tolist() == [number(name.rsplit(".", 1)[0])], name


def test_a_kernel_turns_from_hwio_to_oihw() -> None:
    y, x, i, o = torch.meshgrid(*(torch.arange(n) for n in (11, 11, 3, 64)), indexing="ij")
    parameters = flax("alex", "AlexNet_0") | {"AlexNet_0.Conv_0.kernel": (o * 10000 + i * 1000 + y * 20 + x).float()}
    kernel = layouts.lpips_flax(parameters)["net.slice1.0.weight"]
    assert kernel[63, 2, 10, 4] == 63 * 10000 + 2 * 1000 + 10 * 20 + 4
    assert kernel.is_contiguous()


def test_flax_parameters_of_another_network_are_refused() -> None:
    with pytest.raises(RefusedFile, match="ResNet_0"):
        layouts.lpips_flax({"ResNet_0.Conv_0.kernel": torch.ones(1)})


def features(net: Net) -> nn.Module:
    """The torchvision backbone with shapes alone."""
    from torchvision import models

    with torch.device("meta"):
        return models.alexnet().features if net == "alex" else models.vgg16().features


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_torchvision_weights_join_the_installed_linear_layers(net: Net) -> None:
    backbone = features(net).state_dict()
    classifier = {"classifier.1.weight": torch.ones(1)}
    found = layouts.lpips_torchvision({f"features.{name}": value for name, value in backbone.items()} | classifier)
    assert {name: tuple(value.shape) for name, value in found.items()} == shapes(net)
    for name, value in backbone.items():
        (ours,) = [key for key in found if re.fullmatch(rf"net\.slice\d\.{re.escape(name)}", key)]
        assert found[ours] is value
    linear = read_torch(layouts.linear_layers(net))
    assert all(torch.equal(found[name], value) for name, value in linear.items())


def test_batch_norm_or_another_network_is_refused() -> None:
    from torchvision import models

    with torch.device("meta"):
        other = models.vgg16_bn().state_dict()
    with pytest.raises(RefusedFile, match="without batch norm"):
        layouts.lpips_torchvision(other)


def test_the_94_convolutions_are_those_of_the_network_in_its_order() -> None:
    with torch.device("meta"):
        network = FIDInception(classifier=False)
    found = {name: module.conv for name, module in network.named_modules() if isinstance(module, Convolution)}
    assert layouts.inception_convolutions() == {name: tuple(conv.weight.shape) for name, conv in found.items()}
    assert list(layouts.inception_convolutions()) == list(found)
    assert len(found) == 94
    assert all(conv.bias is None for conv in found.values())


def modules() -> dict[str, torch.Tensor]:
    """FID's Inception as modules of weight, beta, mean and var, numbered."""
    found = {}
    for index, shape in enumerate(layouts.inception_convolutions().values()):
        found[f"layer{index}.weight"] = torch.full(shape, float(index))
        found |= {f"layer{index}.{kind}": torch.full(shape[:1], index + 0.5) for kind in ("beta", "mean", "var")}
    return found


def test_inception_modules_load_strictly_in_order() -> None:
    with torch.device("meta"):
        network = FIDInception(classifier=False)
    network.load_state_dict(layouts.inception_modules(modules()), strict=True, assign=True)
    names = list(layouts.inception_convolutions())
    for index in (0, 5, 40, 93):
        block = network.get_submodule(names[index])
        assert (block.conv.weight == index).all()
        assert (block.bn.running_var == index + 0.5).all()
        assert (block.bn.weight == 1).all()


def test_another_number_or_order_of_convolutions_is_refused() -> None:
    tensors = modules()
    tensors["layer0.weight"], tensors["layer1.weight"] = tensors["layer1.weight"], tensors["layer0.weight"]
    with pytest.raises(RefusedFile, match=r"layer0.weight has shape \(32, 32, 3, 3\); Conv2d_1a_3x3 needs"):
        layouts.inception_modules(tensors)
    with pytest.raises(RefusedFile, match="found 0 convolutions"):
        layouts.inception_modules({})


def test_the_prefix_of_data_parallelism_goes() -> None:
    assert list(layouts.state_dict({"module.a": torch.ones(1), "module.b": torch.ones(1)})) == ["a", "b"]
    assert list(layouts.state_dict({"module.a": torch.ones(1), "b": torch.ones(1)})) == ["module.a", "b"]
