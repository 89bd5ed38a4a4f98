"""The one device argument, and the precision of what decides a number."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import torch

from sdm_bench.base.errors import UserError

KINDS = ("cpu", "cuda", "mps")


def pick_device(device: str) -> torch.device:
    """The device called `cpu`, `cuda` (or `cuda:1`), `mps` (Apple), or `auto`: CUDA where there is one, else the CPU.

    Raises UserError for another name, and where PyTorch doesn't find the device.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, number = device.partition(":")
    if kind not in KINDS or (number and not (kind == "cuda" and number.isdecimal())):
        raise UserError(f"--device {device}: expected auto, cpu, cuda, cuda:NUMBER or mps")
    available = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}[kind]
    if int(number or 0) >= available:
        raise UserError(f"--device {device}: PyTorch finds {available} such devices on this machine; use cpu or auto")
    return torch.device(device)


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a device now."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available


@contextmanager
def full_precision() -> Iterator[None]:
    """Products and convolutions inside are in whole float32, and half-precision sums are not shortened.

    GPUs round float32 products and convolutions to ten bits, and CPUs may, unless they are told not to.
    """
    backends: Any = torch.backends
    float32 = (
        *(backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn),
        *(backends.mkldnn.matmul, backends.mkldnn.conv),
    )
    before = [each.fp32_precision for each in float32]
    products = backends.cuda.matmul
    sums = products.allow_fp16_reduced_precision_reduction, products.allow_bf16_reduced_precision_reduction
    try:
        for each in float32:
            each.fp32_precision = "ieee"
        products.allow_fp16_reduced_precision_reduction = False
        products.allow_bf16_reduced_precision_reduction = False
        yield
    finally:
        for each, precision in zip(float32, before, strict=True):
            each.fp32_precision = precision
        products.allow_fp16_reduced_precision_reduction, products.allow_bf16_reduced_precision_reduction = sums
