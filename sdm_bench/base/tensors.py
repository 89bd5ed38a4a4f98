"""Tensors out of files without running anything that the files hold, and into networks strictly."""

import hashlib
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from sdm_bench.base.errors import UserError

Tensors = dict[str, Tensor]

# Where training programs put the weights inside a checkpoint.
NESTED = ("state_dict", "model", "model_state_dict")
KEYS_NAMED = 10
COUNTER = "num_batches_tracked"


class RefusedFile(UserError):
    """A file that is broken, or that asks for code to be run before it gives its tensors."""


def read_tensors(path: Path) -> Tensors:
    """The tensors of a safetensors file, or of a PyTorch file otherwise; raises RefusedFile."""
    if not path.is_file():
        raise UserError(f"{path}: no such weights file")
    return read_safetensors(path) if path.suffix == ".safetensors" else read_torch(path)


def read_safetensors(path: Path) -> Tensors:
    """The tensors of a safetensors file; raises RefusedFile when it is not one."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise RefusedFile(f"{path}: not a readable safetensors file: {error}") from error


def read_torch(path: Path) -> Tensors:
    """The state dict of a PyTorch file, which may lie inside a checkpoint; raises RefusedFile with the reason."""
    try:
        with warnings.catch_warnings():
            # a pickle of another protocol is read all the same, or refused
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            value = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in as many ways as there are bytes
        raise RefusedFile(f"{path}: not a PyTorch file of plain tensors: {reason(error)}") from error
    tensors = flatten(_state_dict(value))
    if not tensors:
        raise RefusedFile(f"{path}: no tensors found; expected a state dict")
    return tensors


def flatten(tree: Any) -> Tensors:
    """The tensors and arrays in nested dictionaries by dotted path; other leaves are left out."""
    return dict(_leaves(tree, ""))


def _leaves(tree: Any, prefix: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(tree, Tensor):
        yield prefix, tree.detach()
    elif isinstance(tree, np.ndarray):
        yield prefix, torch.from_numpy(np.array(tree))
    elif isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _leaves(value, f"{prefix}.{key}" if prefix else str(key))


def _state_dict(value: Any) -> Any:
    nested = [value[key] for key in NESTED if isinstance(value, Mapping) and isinstance(value.get(key), Mapping)]
    return nested[0] if nested else value


def reason(error: Exception) -> str:
    """The first sentence that says something; torch's own message goes on to recommend unsafe loading."""
    lines = [line.strip() for line in str(error).splitlines() if "Unsupported" in line or "GLOBAL" in line]
    text = lines[0] if lines else (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {text[:200]}"


@dataclass(frozen=True)
class Differences:
    """How a state dict differs from a network's: the keys, and for shapes what both sides say."""

    missing: list[str]
    unexpected: list[str]
    shapes: list[str]

    def __len__(self) -> int:
        return len(self.missing) + len(self.unexpected) + len(self.shapes)

    def text(self) -> str:
        """A line a kind, at most ten keys each."""
        kinds = (("missing", self.missing), ("unexpected", self.unexpected), ("of another shape", self.shapes))
        return "\n".join(_listed(kind, keys) for kind, keys in kinds if keys)


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
    )


def _unused_statistics(module: nn.Module) -> set[str]:
    names = [name for name, part in module.named_modules() if isinstance(part, nn.InstanceNorm2d)]
    return {f"{name}.{kind}" for name in names for kind in ("running_mean", "running_var", COUNTER)}


def load_strictly(module: nn.Module, tensors: Tensors, source: object) -> None:
    """Loads a state dict; the module may be on the meta device and then takes the tensors themselves.

    Raises UserError that lists missing, unexpected and differently shaped keys, at most ten each.
    """
    found = differences(module, tensors)
    if found:
        raise UserError(f"{source}: these are not the weights of {type(module).__name__}:\n{found.text()}")
    expected = module.state_dict()
    counters = {key: torch.zeros((), dtype=torch.int64) for key in expected if key.endswith(COUNTER)}
    known = {key: value for key, value in tensors.items() if key in expected}
    module.load_state_dict(counters | known, assign=any(value.is_meta for value in expected.values()))


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
