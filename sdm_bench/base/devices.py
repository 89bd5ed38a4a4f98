"""The one device argument: cpu, cuda, auto."""

import psutil
import torch

from sdm_bench.base.errors import UserError


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


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a device now."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available
