"""Tensors come out of files, and nothing in a file is run."""

import os
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sdm_bench.weights.readers import (
    RefusedFile,
    flatten,
    read_numpy_pickle,
    read_safetensors,
    read_torch,
    read_torchscript,
)
from tests.weights.files import put, torch_file, wheel


class Evil:
    """Unpickling this with pickle.load creates a folder."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.path),)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 2, 3)
        self.norm = nn.BatchNorm2d(2)
        self.sizes = [1, 2]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.stem(x))


def scripted(path: Path, network: nn.Module) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(network), path)
    return path


def test_a_torchscript_archive_gives_the_tensors_of_its_modules(tmp_path: Path) -> None:
    network = Net()
    found = read_torchscript(scripted(tmp_path / "net.pt", network))
    assert list(found) == list(network.state_dict())
    for name, value in network.state_dict().items():
        assert torch.equal(found[name], value), name
        assert found[name].dtype == value.dtype


def test_views_of_one_storage_are_read_by_offset_and_stride(tmp_path: Path) -> None:
    network = nn.Module()
    base = torch.arange(24.0)
    network.register_buffer("tail", base[4:].reshape(4, 5).T)
    network.register_buffer("whole", base)
    found = read_torchscript(scripted(tmp_path / "net.pt", network))
    assert torch.equal(found["tail"], base[4:].reshape(4, 5).T)
    assert torch.equal(found["whole"], base)


def test_the_code_in_a_torchscript_archive_is_not_looked_at(tmp_path: Path) -> None:
    path = scripted(tmp_path / "net.pt", Net())
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if "/code/" not in name}
    assert "stem.weight" in read_torchscript(put(tmp_path / "bare.pt", wheel(members)))


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("reader", [read_torchscript, read_numpy_pickle, read_torch])
def test_a_pickle_that_calls_something_is_refused_and_not_obeyed(tmp_path: Path, reader: Any, protocol: int) -> None:
    victim = tmp_path / "made"
    body = pickle.dumps({"layer": Evil(victim)}, protocol=protocol)
    if reader is not read_numpy_pickle:
        body = wheel({"net/data.pkl": body, "net/version": b"3", "net/byteorder": b"little"})
    with pytest.raises(RefusedFile, match=r"mkdir|operand") as caught:
        reader(put(tmp_path / "file", body))
    assert not victim.exists()
    assert "weights_only" not in caught.value.message


@pytest.mark.parametrize("name", ["builtins.eval", "torch.load", "numpy.load", "collections.Counter"])
def test_only_the_few_known_names_are_allowed(tmp_path: Path, name: str) -> None:
    module, _, function = name.rpartition(".")
    call = f"c{module}\n{function}\n(tR.".encode()
    with pytest.raises(RefusedFile, match=function):
        read_numpy_pickle(put(tmp_path / "a", call))
    with pytest.raises(RefusedFile, match=function):
        read_torchscript(put(tmp_path / "b", wheel({"net/data.pkl": call})))


@pytest.mark.parametrize("module", [b"numpy._core.multiarray", b"numpy.core.multiarray"])
def test_arrays_of_old_and_new_numpy_are_read(tmp_path: Path, module: bytes) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    body = pickle.dumps({"a": {"b": values}, "c": np.float32([1])}, protocol=3)
    found = read_numpy_pickle(put(tmp_path / "f", body.replace(b"numpy._core.multiarray", module)))
    assert found["a.b"].tolist() == values.tolist()
    assert list(found) == ["a.b", "c"]


def test_an_array_of_objects_is_refused(tmp_path: Path) -> None:
    body = pickle.dumps({"a": np.array([{}, []], object)}, protocol=3)
    with pytest.raises(RefusedFile, match="plain numpy arrays"):
        read_numpy_pickle(put(tmp_path / "f", body))


def test_a_storage_shorter_than_its_tensor_is_refused(tmp_path: Path) -> None:
    path = scripted(tmp_path / "net.pt", Net())
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name)[: 4 if "/data/" in name else None] for name in archive.namelist()}
    with pytest.raises(RefusedFile, match="TorchScript"):
        read_torchscript(put(tmp_path / "short.pt", wheel(members)))


def test_an_archive_without_a_pickle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedFile, match=r"one <name>/data.pkl inside, found 0"):
        read_torchscript(put(tmp_path / "f", wheel({"a/b/data.pkl": b""})))


@pytest.mark.parametrize("nested", [None, "state_dict", "model"])
def test_a_state_dict_is_found_inside_a_checkpoint(tmp_path: Path, nested: str | None) -> None:
    weights = {"a.weight": torch.ones(2)}
    value = weights if nested is None else {nested: weights, "epoch": 3}
    assert list(read_torch(put(tmp_path / "f.pth", torch_file(value)))) == ["a.weight"]


def test_a_file_without_tensors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedFile, match="no tensors"):
        read_torch(put(tmp_path / "f.pth", torch_file({"epoch": 3})))


@pytest.mark.parametrize("reader", [read_torch, read_torchscript, read_numpy_pickle, read_safetensors])
@pytest.mark.parametrize("body", [b"", b"<html>not found</html>", b"\x80\x04."])
def test_damaged_files_are_the_users_error(tmp_path: Path, reader: Any, body: bytes) -> None:
    path = put(tmp_path / "damaged", body)
    with pytest.raises(RefusedFile, match=str(path)):
        reader(path)


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "f.safetensors")
    assert read_safetensors(tmp_path / "f.safetensors")["a"].tolist() == [1, 1]


def test_leaves_that_are_no_tensors_are_left_out() -> None:
    assert list(flatten({"a": {"b": torch.ones(1), "n": 3}, "c": [torch.ones(1)], "d": np.ones(2)})) == ["a.b", "d"]
