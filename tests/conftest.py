"""What the tests of several rooms share: one thread, tiny toy scenes, a network small enough to train in a blink."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sdm_bench.datasets.toy import write_toy
from sdm_bench.training.recipes import resolve
from sdm_bench.training.runs import TrainOptions

TINY_UNET = {"channel_mult": (1, 1), "attention_downsampling": (2,), "spade_hidden": 4}
TINY_SPADE = {"ngf": 4, "widest": 2, "hidden": 4}


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """With other work on the cores several threads are slower than one, by far."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def toy_cityscapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Toy street scenes: six to train on and five to sample, 64x32 pixels."""
    root = tmp_path_factory.mktemp("toy") / "cityscapes"
    write_toy("cityscapes", root, {"train": 6, "val": 5}, (32, 64))
    return root


def tiny_options(method: str, data: Path, **options: object) -> TrainOptions:
    """Training options of a tiny network on the toy scenes."""
    resolved = resolve(method, "cityscapes", data, "toy", overrides={"batch_size": 4}, **options)  # type: ignore[arg-type]
    network = resolved.network | (TINY_SPADE if method == "spade" else TINY_UNET)
    return resolved.model_copy(update={"network": network})
