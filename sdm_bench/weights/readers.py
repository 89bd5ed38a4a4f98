"""Tensors out of files, without running anything that the files hold; see sdm_bench/base/pickles.py."""

import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from sdm_bench.base.filekinds import RefusedFile, refuse_inflated, refuse_no_weights
from sdm_bench.base.pickles import ARRAYS, TORCH_STORAGES, RestrictedUnpickler, rebuild_tensor
from sdm_bench.base.tensors import read_safetensors
from sdm_bench.base.torchfiles import believable, flatten, read_torch, reason


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """The tensors of a TorchScript archive by attribute path (`net.layers.conv.weight`), in the order they are stored.

    The module classes become inert objects and the archive's code is not looked at; raises RefusedFile.
    """
    refuse_no_weights(path)
    try:
        with zipfile.ZipFile(path) as archive:
            pickles = [name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl")]
            if len(pickles) != 1:
                raise RefusedFile(f"{path}: expected one <name>/data.pkl inside, found {len(pickles)}")
            refuse_inflated(path)
            with archive.open(pickles[0]) as stream:
                found = flatten(_TorchScript(stream, archive, pickles[0].removesuffix("data.pkl")).load())
                return {name: value.clone() for name, value in believable(path, found).items()}
    except RefusedFile:
        raise
    except Exception as error:  # see read_torch
        raise RefusedFile(f"{path}: not a TorchScript archive of plain tensors: {reason(error)}") from error


def read_numpy_pickle(path: Path) -> dict[str, Tensor]:
    """The arrays of a pickled, nested dictionary by dotted path; raises RefusedFile for anything but arrays in it."""
    refuse_no_weights(path)
    try:
        with path.open("rb") as stream:
            return flatten(_NumpyPickle(stream).load())
    except Exception as error:  # see read_torch
        raise RefusedFile(f"{path}: not a pickle of plain numpy arrays: {reason(error)}") from error


READERS: dict[str, Callable[[Path], dict[str, Tensor]]] = {
    "torch": read_torch,
    "safetensors": read_safetensors,
    "torchscript": read_torchscript,
    "numpy_pickle": read_numpy_pickle,
}


class _Module(dict[str, Any]):
    """Stands for a module of any class: it keeps the state as its items and does nothing."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.update(state)


class _NumpyPickle(RestrictedUnpickler):
    allowed: ClassVar[dict[tuple[str, str], Any]] = ARRAYS


class _TorchScript(RestrictedUnpickler):
    allowed: ClassVar[dict[tuple[str, str], Any]] = {
        ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
        ("collections", "OrderedDict"): dict,
        **{("torch.jit._pickle", f"build_{kind}list"): list for kind in ("int", "double", "bool", "tensor")},
        **{("torch", name): dtype for name, dtype in TORCH_STORAGES.items()},
    }

    def __init__(self, stream: Any, archive: zipfile.ZipFile, prefix: str):
        super().__init__(stream)
        self.archive, self.prefix = archive, prefix
        self.storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        return _Module if module.split(".")[0] == "__torch__" else super().find_class(module, name)

    def persistent_load(self, pid: Any) -> Tensor:
        kind, dtype, key, _, count = pid
        if kind != "storage" or sys.byteorder != "little":
            raise pickle.UnpicklingError(f"Unsupported: persistent id {kind!r} on a {sys.byteorder}-endian machine")
        if key not in self.storages:
            data = bytearray(self.archive.read(f"{self.prefix}data/{key}"))
            self.storages[key] = torch.frombuffer(data, dtype=dtype, count=count)
        return self.storages[key]
