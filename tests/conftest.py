"""What the tests of several rooms share: one thread, tiny toy scenes, a network small enough to train in a blink."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sdm_bench.checkpoints.runs import TrainOptions
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.metrics.inception import FIDInception
from sdm_bench.metrics.lpips_diversity import LPIPS
from sdm_bench.toy import write_toy
from sdm_bench.training.recipes import resolve
from sdm_bench.weights import store
from sdm_bench.weights.registry import entry
from sdm_bench.weights.store import CACHE_VARIABLE, save

CAR = 26  # of Cityscapes
TINY_UNET = {"channel_mult": (1, 1), "attention_downsampling": (2,), "spade_hidden": 4}
TINY_SPADE = {"ngf": 4, "widest": 2, "hidden": 4}
# Python source that does what `accept_untrained` does, for the first lines of programs in other processes.
ACCEPT_UNTRAINED = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pytest import MonkeyPatch
from tests.conftest import accept_untrained
accept_untrained(MonkeyPatch())
"""


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Several are slower by far with other work on the cores; SDM_BENCH_TEST_THREADS asks for more."""
    before = torch.get_num_threads()
    torch.set_num_threads(int(os.environ.get("SDM_BENCH_TEST_THREADS", "1")))
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def toy_cityscapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Toy street scenes: six to train on and five to sample, 64x32 pixels."""
    root = tmp_path_factory.mktemp("toy") / "cityscapes"
    write_toy("cityscapes", root, {"train": 6, "val": 5}, (32, 64))
    return root


@pytest.fixture(scope="session")
def toy_pairs(toy_cityscapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three toy streets with a car more, 64x32 pixels."""
    folder = tmp_path_factory.mktemp("pairs")
    for record in open_dataset("cityscapes", toy_cityscapes, "val").records[:3]:
        for name, path in (("images", record.image), ("labels", record.label), ("instances", record.instance)):
            (folder / name).mkdir(exist_ok=True)
            assert path is not None
            shutil.copyfile(path, folder / name / f"{record.id}.png")
        edited = np.asarray(Image.open(record.label)).copy()
        edited[18:28, 20:40] = CAR
        edited[0, 0] = (edited[0, 0] + 1) % 34
        (folder / "edited").mkdir(exist_ok=True)
        Image.fromarray(edited).save(folder / "edited" / f"{record.id}.png")
    return folder


@pytest.fixture(scope="session")
def untrained_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with untrained Inception and AlexNet weights."""
    folder = tmp_path_factory.mktemp("cache")
    torch.manual_seed(0)
    inception = FIDInception(classifier=False).state_dict()
    lpips = LPIPS("alex").network.state_dict()
    named = {key: value for key, value in lpips.items() if key.startswith(("net.", "lin")) and "lins." not in key}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder))
        save(entry("inception-2015-12-05"), inception, "made by the tests", "0")
        save(entry("lpips-alex"), {k: v.abs() if "lin" in k else v for k, v in named.items()}, "made by the tests", "0")
    return folder


def accept_untrained(patch: pytest.MonkeyPatch) -> None:
    """Has cached weights compared with the record beside them alone, as if neither registry nor protocol knew them."""
    checked = store._checked_tensors
    patch.setattr(store, "entry", lambda name: entry(name).model_copy(update={"tensors_sha256": None}))
    patch.setattr(store, "_checked_tensors", lambda name, path, pinned: checked(name, path, None))


def tiny_options(method: str, data: Path, **options: object) -> TrainOptions:
    """Training options of a tiny network on the toy scenes."""
    resolved = resolve(method, "cityscapes", data, "toy", overrides={"batch_size": 4}, **options)  # type: ignore[arg-type]
    network = resolved.network | (TINY_SPADE if method == "spade" else TINY_UNET)
    return resolved.model_copy(update={"network": network})
