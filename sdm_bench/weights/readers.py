"""Tensors out of files, without running anything that the files hold.

A pickle names the functions that rebuild its objects; these readers know a few by name, replace them by their own
and refuse the file for any other.
"""

import pickle
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sdm_bench.errors import UserError

NESTED = ("state_dict", "model", "model_state_dict")
"""Where training programs put the weights inside a checkpoint."""
TORCH_STORAGES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class RefusedFile(UserError):
    """A file that is broken, or that asks for code to be run before it gives its tensors."""


def read_torch(path: Path) -> dict[str, Tensor]:
    """The state dict of a PyTorch file, which may lie inside a checkpoint; raises RefusedFile with the reason."""
    try:
        with warnings.catch_warnings():
            # a pickle of another protocol is read all the same, or refused
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            value = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in as many ways as there are bytes
        raise RefusedFile(f"{path}: not a PyTorch file of plain tensors: {_reason(error)}") from error
    tensors = flatten(_state_dict(value))
    if not tensors:
        raise RefusedFile(f"{path}: no tensors found; expected a state dict")
    return tensors


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file; raises RefusedFile when it is not one."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise RefusedFile(f"{path}: not a readable safetensors file: {error}") from error


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """The tensors of a TorchScript archive by attribute path (`net.layers.conv.weight`), in the order they are stored.

    The module classes become inert objects and the archive's code is not looked at; raises RefusedFile.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            pickles = [name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl")]
            if len(pickles) != 1:
                raise RefusedFile(f"{path}: expected one <name>/data.pkl inside, found {len(pickles)}")
            with archive.open(pickles[0]) as stream:
                return flatten(_TorchScript(stream, archive, pickles[0].removesuffix("data.pkl")).load())
    except RefusedFile:
        raise
    except Exception as error:  # see read_torch
        raise RefusedFile(f"{path}: not a TorchScript archive of plain tensors: {_reason(error)}") from error


def read_numpy_pickle(path: Path) -> dict[str, Tensor]:
    """The arrays of a pickled, nested dictionary by dotted path; raises RefusedFile for anything but arrays in it."""
    try:
        with path.open("rb") as stream:
            return flatten(_NumpyPickle(stream).load())
    except Exception as error:  # see read_torch
        raise RefusedFile(f"{path}: not a pickle of plain numpy arrays: {_reason(error)}") from error


READERS: dict[str, Callable[[Path], dict[str, Tensor]]] = {
    "torch": read_torch,
    "safetensors": read_safetensors,
    "torchscript": read_torchscript,
    "numpy_pickle": read_numpy_pickle,
}


def flatten(tree: Any) -> dict[str, Tensor]:
    """The tensors and arrays in nested dictionaries (or inert modules) by dotted path; other leaves are left out."""
    return dict(_leaves(tree, ""))


def _leaves(tree: Any, prefix: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(tree, Tensor):
        yield prefix, tree.detach()
    elif isinstance(tree, np.ndarray):
        yield prefix, torch.from_numpy(np.array(tree))
    elif isinstance(tree, _Inert | Mapping):
        for key, value in (tree.state if isinstance(tree, _Inert) else tree).items():
            yield from _leaves(value, f"{prefix}.{key}" if prefix else str(key))


def _state_dict(value: Any) -> Any:
    nested = [value[key] for key in NESTED if isinstance(value, Mapping) and isinstance(value.get(key), Mapping)]
    return nested[0] if nested else value


def _reason(error: Exception) -> str:
    """The first sentence that says something; torch's own message goes on to recommend unsafe loading."""
    lines = [line.strip() for line in str(error).splitlines() if "Unsupported" in line or "GLOBAL" in line]
    text = lines[0] if lines else (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {text[:200]}"


class _Inert:
    """Stands for an object of any class: it keeps the state and does nothing."""

    state: Mapping[str, Any] = MappingProxyType({})

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = dict(state)


class _Restricted(pickle.Unpickler):
    allowed: ClassVar[dict[tuple[str, str], Any]]

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"Unsupported: the file asks for {module}.{name}")
        return self.allowed[module, name]


class _NumpyPickle(_Restricted):
    _reconstruct = np.empty(0).__reduce__()[0]
    allowed: ClassVar[dict[tuple[str, str], Any]] = {
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }


def _rebuild_tensor(storage: Tensor, offset: int, size: tuple, stride: tuple, *_: object) -> Tensor:
    return torch.as_strided(storage, size, stride, offset).clone()


class _TorchScript(_Restricted):
    allowed: ClassVar[dict[tuple[str, str], Any]] = {
        ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
        ("collections", "OrderedDict"): dict,
        **{("torch.jit._pickle", f"build_{kind}list"): list for kind in ("int", "double", "bool", "tensor")},
        **{("torch", name): dtype for name, dtype in TORCH_STORAGES.items()},
    }

    def __init__(self, stream: Any, archive: zipfile.ZipFile, prefix: str):
        super().__init__(stream)
        self.archive, self.prefix = archive, prefix
        self.storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        return _Inert if module.split(".")[0] == "__torch__" else super().find_class(module, name)

    def persistent_load(self, pid: Any) -> Tensor:
        kind, dtype, key, _, count = pid
        if kind != "storage" or sys.byteorder != "little":
            raise pickle.UnpicklingError(f"Unsupported: persistent id {kind!r} on a {sys.byteorder}-endian machine")
        if key not in self.storages:
            data = bytearray(self.archive.read(f"{self.prefix}data/{key}"))
            self.storages[key] = torch.frombuffer(data, dtype=dtype, count=count)
        return self.storages[key]
