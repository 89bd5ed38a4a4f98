"""Pickles, of which a few objects are built and nothing else: what PyTorch's own reader of plain tensors refuses.

A pickle names the functions that rebuild its objects. A reader here knows a few by name and replaces them by its own;
names of well-known harmless classes (a checkpoint's `argparse.Namespace`, MMEngine's HistoryBuffer) become an object
that keeps nothing and does nothing; the file is refused for any other name.
"""

import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from sdm_bench.base.filekinds import is_zip

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
# Packages whose objects training programs put beside the weights, and single classes of others.
INERT_PACKAGES = ("addict", "easydict", "lightning", "mmcv", "mmengine", "omegaconf", "pytorch_lightning", "yacs")
INERT = {
    ("argparse", "Namespace"),
    ("types", "SimpleNamespace"),
    ("collections", "Counter"),
    ("collections", "defaultdict"),
    ("datetime", "datetime"),
    ("datetime", "timedelta"),
    # how a method of an object is stored
    ("builtins", "getattr"),
    ("__builtin__", "getattr"),
}
# The first object of a file as PyTorch wrote them before it took to zip archives.
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


class Inert(dict[str, Any]):
    """Stands for an object of any class, or for what a function gives: it is empty and does nothing."""

    def __new__(cls, *_: Any, **__: Any) -> "Inert":
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any):
        super().__init__()

    def __call__(self, *_: Any, **__: Any) -> "Inert":
        return self

    def __setstate__(self, _: Any) -> None:
        return None

    def __setitem__(self, key: Any, value: Any) -> None:
        return None

    def append(self, _: Any) -> None:
        """Takes an element of a list, and leaves it."""

    def extend(self, _: Any) -> None:
        """Takes elements of a list, and leaves them."""

    def add(self, _: Any) -> None:
        """Takes an element of a set, and leaves it."""


class RestrictedUnpickler(pickle.Unpickler):
    """Builds what `allowed` has by (module, name) and refuses the file for any other name."""

    allowed: ClassVar[dict[tuple[str, str], Any]]

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"Unsupported: the file asks for {module}.{name}")
        return self.allowed[module, name]


def _array(*_: object) -> np.ndarray:
    """An empty array, whose state the pickle sets; the sizes that it names here are not believed."""
    return np.ndarray((0,), np.int8)


def _text_as_bytes(text: str, encoding: str = "latin1") -> bytes:
    """What pickles of Python 2's kind say for bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"Unsupported: bytes as {encoding}")
    return text.encode("latin1")


class _Ordered(dict[str, Any]):
    """Stands for an OrderedDict. A network's state dict keeps versions of its modules beside its items: left out."""

    def __setstate__(self, _: Any) -> None:
        return None


ARRAYS: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _array,
    ("numpy._core.multiarray", "_reconstruct"): _array,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


def rebuild_tensor(storage: Tensor, offset: int, size: tuple, stride: tuple, *_: object) -> Tensor:
    """A view of a storage, as it was stored."""
    return torch.as_strided(storage, size, stride, offset)


class CheckpointUnpickler(RestrictedUnpickler):
    """Tensors, arrays and what is plain of a checkpoint; `storage` gives a storage by its key, type and length."""

    allowed: ClassVar[dict[tuple[str, str], Any]] = {
        **ARRAYS,
        ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
        ("torch._utils", "_rebuild_tensor"): rebuild_tensor,
        ("torch._utils", "_rebuild_parameter"): lambda data, *_: data,
        ("torch._utils", "_rebuild_parameter_with_state"): lambda data, *_: data,
        ("torch", "Size"): tuple,
        ("torch", "device"): Inert,
        ("collections", "OrderedDict"): _Ordered,
        ("numpy.core.multiarray", "scalar"): Inert,
        ("numpy._core.multiarray", "scalar"): Inert,
        ("_codecs", "encode"): _text_as_bytes,
        ("builtins", "set"): set,
        ("__builtin__", "set"): set,
        **{("torch", name): dtype for name, dtype in TORCH_STORAGES.items()},
        **{("torch", str(dtype).removeprefix("torch.")): dtype for dtype in TORCH_STORAGES.values()},
    }

    def __init__(self, stream: IO[bytes], storage: Callable[[str, torch.dtype, int], Tensor]):
        super().__init__(stream, encoding="latin1")
        self.storage = storage
        self.storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in INERT or module.split(".")[0] in INERT_PACKAGES:
            return Inert
        return super().find_class(module, name)

    def persistent_load(self, pid: Any) -> Tensor:
        kind, dtype, key, _, count, *_ = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype) or sys.byteorder != "little":
            raise pickle.UnpicklingError(f"Unsupported: persistent id {kind!r} on a {sys.byteorder}-endian machine")
        if key not in self.storages:
            self.storages[key] = self.storage(key, dtype, count)
        return self.storages[key]


def load_checkpoint(path: Path) -> Any:
    """What PyTorch saved at `path`, with tensors, arrays and plain values; anything harmless else is Inert.

    Raises pickle.UnpicklingError for other names, and whatever a damaged file has it raise.
    """
    if is_zip(path):
        with zipfile.ZipFile(path) as archive:
            return _load_zip(archive)
    with path.open("rb") as stream:
        return _load_legacy(stream, path.stat().st_size)


def _load_zip(archive: zipfile.ZipFile) -> Any:
    pickles = [name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise ValueError(f"expected one <name>/data.pkl inside, found {len(pickles)}")
    prefix = pickles[0].removesuffix("data.pkl")

    def storage(key: str, dtype: torch.dtype, count: int) -> Tensor:
        return torch.frombuffer(bytearray(archive.read(f"{prefix}data/{key}")), dtype=dtype, count=count)

    with archive.open(pickles[0]) as stream:
        return CheckpointUnpickler(stream, storage).load()


class _Plain(RestrictedUnpickler):
    allowed: ClassVar[dict[tuple[str, str], Any]] = {}


def _load_legacy(stream: IO[bytes], size: int) -> Any:
    """A pickle of the objects, then the keys of their storages, then each storage's length and bytes."""
    if _Plain(stream).load() != LEGACY_MAGIC:
        raise pickle.UnpicklingError("the magic number of PyTorch's files is not there")
    _Plain(stream).load()
    if _Plain(stream).load().get("little_endian") is not True:
        raise pickle.UnpicklingError("Unsupported: big-endian storages")

    def storage(key: str, dtype: torch.dtype, count: int) -> Tensor:
        if not 0 <= count * dtype.itemsize <= size:
            raise ValueError(f"a storage of {count} values in a file of {size} bytes")
        return torch.empty(count, dtype=dtype)

    unpickler = CheckpointUnpickler(stream, storage)
    value = unpickler.load()
    for key in _Plain(stream).load():
        held = unpickler.storages[key]
        if int.from_bytes(stream.read(8), "little") != len(held):
            raise ValueError(f"another length than announced of storage {key}")
        data = held.view(torch.uint8).numpy()
        if stream.readinto(data.data) != len(data):  # type: ignore[attr-defined]
            raise EOFError(f"storage {key} is cut short")
    return value
