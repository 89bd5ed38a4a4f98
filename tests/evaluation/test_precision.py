"""Every network that a number comes from computes in whole float32, on GPUs too."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sdm_bench.metrics.features import Extractor, extract
from sdm_bench.metrics.images import ImageSource
from sdm_bench.metrics.lpips_diversity import LPIPS, diversity
from sdm_bench.metrics.resize import resize_mode
from segmenters.prediction import Segmenter
from tests.base.test_devices import WHOLE, flags

CPU = torch.device("cpu")


def watching(call: Callable[..., Any], seen: list[list[object]]) -> Callable[..., Any]:
    """The same function, which notes the flags whenever it is called."""

    def watched(*arguments: Any, **options: Any) -> Any:
        seen.append(flags())
        return call(*arguments, **options)

    return watched


def test_features() -> None:
    seen: list[list[object]] = []

    class Network(nn.Module):
        forward = staticmethod(watching(lambda x: x.mean((2, 3)), seen))

    images = [np.zeros((4, 4, 3), np.uint8)] * 3
    source = ImageSource("made", ("a", "b", "c"), images.__getitem__, "m")
    extract(source, Extractor("made", "0", resize_mode("clean"), Network(), CPU))
    assert seen == [WHOLE]


def test_lpips() -> None:
    seen: list[list[object]] = []
    network = LPIPS("alex").eval()
    for name in ("features", "maps"):
        setattr(network, name, watching(getattr(network, name), seen))
    diversity(network, torch.zeros(2, 3, 32, 32), np.zeros((32, 32), np.int64))
    assert len(seen) >= 3
    assert all(each == WHOLE for each in seen)


def test_segmenters() -> None:
    seen: list[list[object]] = []

    class Network(nn.Module):
        def encode_decode(self, x: Tensor, about: list[dict]) -> Tensor:
            seen.append(flags())
            return x

    Segmenter("made", Network(), (4, 4), "0", CPU).scores([torch.zeros(1, 3, 4, 4)])
    assert seen == [WHOLE]
