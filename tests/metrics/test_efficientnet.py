"""EfficientNet-Lite0: what it is fed, what decides its features, its padding and what it knows."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from sdm_bench.base.errors import UserError
from sdm_bench.base.tensors import Tensors, read_safetensors
from sdm_bench.metrics.efficientnet import Convolution, EfficientNetLite0, efficientnet_extractor
from sdm_bench.metrics.features import cache_key, extract
from sdm_bench.metrics.images import folder_source
from tests.metrics.conftest import pixels
from tests.parity.cases import SHARED, keys_and_shapes, weight
from tests.weights.cached import cached


def drawn() -> Tensors:
    """Tensors under the package's names, with the classifier, drawn as those of parity cases."""
    table = keys_and_shapes(EfficientNetLite0()) + [["_fc.weight", [1000, 1280]], ["_fc.bias", [1000]]]
    return {key: torch.from_numpy(weight(key, tuple(shape))) for key, shape in table}


def test_a_picture_is_squashed_in_8_bits_and_normalised_as_by_its_authors() -> None:
    image = pixels(0, 40, 100)
    found = efficientnet_extractor(drawn(), "cpu").resize(image).numpy()
    squashed = np.array(Image.fromarray(image).resize((224, 224), Image.Resampling.BICUBIC))
    np.testing.assert_allclose(found, (squashed.transpose(2, 0, 1).astype(float) - 127) / 128, atol=1e-7)


def test_features_are_those_of_the_network_by_any_batch(folder: Path) -> None:
    extractor, source = efficientnet_extractor(drawn(), "cpu"), folder_source(folder)
    found = extract(source, extractor, batch_size=3)
    assert (found.shape, found.dtype) == ((7, 1280), np.float32)
    with torch.no_grad():
        each = extractor.module(torch.stack([extractor.resize(source.read(index)) for index in (0, 6)]))
    np.testing.assert_allclose(found[[0, 6]], each.numpy(), rtol=1e-5, atol=1e-6)
    assert found.min() >= 0
    assert found.max() <= 6
    assert len(np.unique(found, axis=0)) == 7


def test_the_digest_is_of_what_decides_the_features(folder: Path) -> None:
    tensors, source = drawn(), folder_source(folder)
    whole = efficientnet_extractor(tensors, "cpu")
    bare = {name: value for name, value in tensors.items() if not name.startswith("_fc.") and "num_batches" not in name}
    assert efficientnet_extractor(bare, "cpu").weights_sha256 == whole.weights_sha256
    other = efficientnet_extractor(tensors | {"_bn1.bias": tensors["_bn1.bias"] + 0.5}, "cpu")
    assert cache_key(source, other) != cache_key(source, whole)
    key = cache_key(source, whole)
    assert (key["extractor"], key["resize"]) == ("efficientnet-lite0", "pillow_8bit-224")


def test_other_weights_are_refused_by_name() -> None:
    tensors = drawn()
    del tensors["_blocks.3._bn0.weight"]
    with pytest.raises(UserError, match=r"weights of efficientnet-lite0.*(?s:.*)_blocks\.3\._bn0\.weight"):
        efficientnet_extractor(tensors, "cpu")


@pytest.mark.parametrize(("kernel", "stride", "side"), [(3, 1, 5), (3, 2, 6), (3, 2, 5), (5, 2, 6), (5, 2, 9)])
def test_padding_is_tensorflows(kernel: int, stride: int, side: int) -> None:
    """Of n values come ceil(n / stride); each lies where zeros on both sides, an odd one last, put it."""
    count = -(-side // stride)
    zeros = (count - 1) * stride + kernel - side
    convolution = Convolution(1, 1, kernel, stride)
    x = torch.randn(1, 1, side, side, generator=torch.Generator().manual_seed(0))
    before, after = zeros // 2, (zeros + 1) // 2
    padded = np.pad(x[0, 0].numpy(), ((before, after), (before, after)))
    taps = convolution.weight.detach()[0, 0].numpy()
    expected = [
        [(padded[i : i + kernel, j : j + kernel] * taps).sum() for j in range(0, stride * count, stride)]
        for i in range(0, stride * count, stride)
    ]
    np.testing.assert_allclose(convolution(x).detach()[0, 0].numpy(), expected, atol=1e-6)


# Photographs and the number of the class, of ImageNet's 1,000, that they show: a tabby cat, a rotisserie, a church.
SHOWN = {
    "coco_stuff/train_img/000000017914.jpg": 281,
    "coco_stuff/train_img/000000184101.jpg": 766,
    "ade20k/ADEChallengeData2016/images/validation/ADE_val_00000001.jpg": 497,
}


@pytest.mark.parametrize("name", SHOWN)
def test_the_published_weights_know_what_photographs_show(name: str) -> None:
    tensors, path = read_safetensors(cached("efficientnet-lite0")), SHARED / "data" / name
    if not path.is_file():
        pytest.skip(f"no photograph {path}")
    extractor = efficientnet_extractor(tensors, "cpu")
    picture = np.array(Image.open(path).convert("RGB"))
    with torch.no_grad():
        features = extractor.module(extractor.resize(picture)[None])
    assert int(F.linear(features, tensors["_fc.weight"], tensors["_fc.bias"]).argmax()) == SHOWN[name]
