"""What the feature networks share: where they run, how their weights load, how their weights are named in results."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from sdm_bench.errors import UserError


def pick_device(device: str) -> torch.device:
    """The device called `cpu`, `cuda` (or `cuda:1`), or `auto`, the GPU where there is one; raises UserError."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise UserError(f"--device {device}: expected cpu, cuda or auto")
    if kind == "cuda" and not torch.cuda.is_available():
        raise UserError(f"--device {device}: PyTorch finds no GPU on this machine; use cpu or auto")
    return torch.device(device)


def load_weights(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> nn.Module:
    """Loads `tensors` strictly into `network`, in evaluation mode and without gradients.

    The network may have been built on the meta device. Raises UserError that names `path` where keys or shapes differ.
    """
    try:
        network.load_state_dict(dict(tensors), strict=True, assign=True)
    except RuntimeError as error:
        raise UserError(f"{path}: these are not the weights of {type(network).__name__}: {error}") from error
    return network.eval().requires_grad_(False)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file; raises UserError where it is missing or broken."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a readable safetensors file: {error}") from error


def tensors_sha256(tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256, in hex, of names, types, shapes and values, whatever file they lie in and in whatever order."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
