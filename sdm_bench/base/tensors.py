"""Tensors out of files without running anything that the files hold, and into networks strictly."""

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from sdm_bench.base.eightbits import unpack
from sdm_bench.base.errors import UserError
from sdm_bench.base.filekinds import RefusedFile as RefusedFile
from sdm_bench.base.filekinds import is_safetensors, is_zip, refuse_no_weights, refuse_other_kinds
from sdm_bench.base.files import atomic_path, refuse_special
from sdm_bench.base.torchfiles import Tensors as Tensors
from sdm_bench.base.torchfiles import bare, generator_of, reason
from sdm_bench.base.torchfiles import read_torch as read_torch

Built = TypeVar("Built", bound=nn.Module)

KEYS_NAMED = 10
COUNTER = "num_batches_tracked"


def read_tensors(path: Path, raw: bool = False) -> Tensors:
    """The tensors of a safetensors file, or of a PyTorch file otherwise, see `read_torch`; raises RefusedFile.

    Which of the two it is its content says; its name does where it is neither.
    """
    refuse_special(path)
    if not path.is_file():
        raise UserError(f"{path}: no such weights file")
    named = path.suffix.lower() == ".safetensors"
    if not is_safetensors(path) and (is_zip(path) or not named):
        return read_torch(path, raw)
    if raw:
        raise UserError(f"{path}: --raw: weights of one kind in it, no average beside them")
    return bare(generator_of(path, read_safetensors(path)))


def read_safetensors(path: Path) -> Tensors:
    """The tensors of a safetensors file, packed ones in float32; raises RefusedFile when it is not one."""
    refuse_no_weights(path)
    try:
        with safe_open(path, "pt") as stored:
            metadata = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in stored.offset_keys()}
    except Exception as error:  # a damaged header fails in as many ways as there are bytes
        refuse_other_kinds(path)
        raise RefusedFile(f"{path}: not a readable safetensors file: {reason(error)}") from error
    return unpack(tensors, metadata, path)


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Writes a safetensors file, whole or not at all; raises OSError that names `path`."""
    with atomic_path(path) as temporary:
        try:
            save_file(dict(tensors), temporary, metadata)
        except SafetensorError as error:
            raise _of_disk(error) from error


def _of_disk(error: SafetensorError) -> Exception:
    """What the system refused, which safetensors says in words."""
    code = re.search(r"code: (\d+)|os error (\d+)", str(error))
    if code is None:
        return error
    number = int(code[1] or code[2])
    return OSError(number, os.strerror(number))


@dataclass(frozen=True)
class Differences:
    """How a state dict differs from a network's: the keys, and for shapes and types what both sides say."""

    missing: list[str]
    unexpected: list[str]
    shapes: list[str]
    types: list[str]

    def __len__(self) -> int:
        return len(self.missing) + len(self.unexpected) + len(self.shapes) + len(self.types)

    def text(self) -> str:
        """A line a kind, at most ten keys each."""
        kinds = {"missing": self.missing, "unexpected": self.unexpected}
        kinds |= {"of another shape": self.shapes, "of another type": self.types}
        return "\n".join(_listed(kind, keys) for kind, keys in kinds.items() if keys)


def differences(module: nn.Module, tensors: Tensors) -> Differences:
    """What keeps `tensors` from being loaded into `module`.

    Batch counters may be absent, as in files of early PyTorch, and instance norms without weights may have running
    statistics, which early PyTorch kept for them; nothing depends on either.
    """
    expected = module.state_dict()
    unused = _unused_statistics(module)
    return Differences(
        missing=[key for key in expected if key not in tensors and not key.endswith(COUNTER)],
        unexpected=[key for key in tensors if key not in expected and key not in unused],
        shapes=[
            f"{key} (file {tuple(tensors[key].shape)}, network {tuple(value.shape)})"
            for key, value in expected.items()
            if key in tensors and tensors[key].shape != value.shape
        ],
        types=[
            f"{key} (file {tensors[key].dtype}, network {value.dtype})"
            for key, value in expected.items()
            if key in tensors and value.is_floating_point() and not tensors[key].is_floating_point()
        ],
    )


def _unused_statistics(module: nn.Module) -> set[str]:
    names = [name for name, part in module.named_modules() if isinstance(part, nn.InstanceNorm2d)]
    return {f"{name}.{kind}" for name in names for kind in ("running_mean", "running_var", COUNTER)}


def load_strictly(module: nn.Module, tensors: Tensors, source: object) -> None:
    """Loads a state dict; the module may be on the meta device and then takes the tensors themselves.

    Raises UserError that lists missing, unexpected and differently shaped keys, at most ten each.
    """
    _refuse_others(module, tensors, source)
    expected = module.state_dict()
    counters = {key: torch.zeros((), dtype=torch.int64) for key in expected if key.endswith(COUNTER)}
    known = {key: value for key, value in tensors.items() if key in expected}
    module.load_state_dict(counters | known, assign=any(value.is_meta for value in expected.values()))


def _refuse_others(module: nn.Module, tensors: Tensors, source: object) -> None:
    found = differences(module, tensors)
    if found:
        raise UserError(f"{source}: these are not the weights of {type(module).__name__}:\n{found.text()}")


def build_fitting(build: Callable[[], Built], tensors: Tensors, source: object) -> Built:
    """The network that `build` makes, with the weights `tensors` of the file `source`.

    It is tried without memory first, since a damaged description can ask for any amount. Raises UserError where it
    can't be built, or the weights are others.
    """
    try:
        with torch.device("meta"):
            tried = build()
    except Exception as error:  # what a description says that isn't one of a network
        raise UserError(f"{source}: no network can be built as it says: {reason(error)}") from error
    _refuse_others(tried, tensors, source)
    network = build()
    load_strictly(network, tensors, source)
    return network


def _listed(kind: str, keys: list[str]) -> str:
    rest = f", and {len(keys) - KEYS_NAMED} more" if len(keys) > KEYS_NAMED else ""
    return f"  {len(keys)} {kind}: {', '.join(keys[:KEYS_NAMED])}{rest}"


def to_unit_range(image: np.ndarray) -> Tensor:
    """float32 (3, H, W) in [-1, 1] of uint8 (H, W, 3)."""
    return torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1)


def tensors_sha256(tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256, in hex, of names, types, shapes and values, whatever file they lie in and in whatever order."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
