"""Keeping predictions of x_0 in the range of pictures, [-1, 1]: thresholding by name."""

import torch
from torch import Tensor

from sdm_bench.errors import UserError

DEFAULT_RATIO = 0.995


def threshold(name: str, x_start: Tensor) -> Tensor:
    """`x_start` (N, 3, H, W) after the thresholding called `name`; raises UserError for an unknown one.

    `clip`: values outside [-1, 1] become its ends, as in the released code. `dynamic`, or `dynamic-0.95` with another
    quantile than 0.995: each sample is clipped to its own quantile of |x_0|, at least 1, and divided by it (arXiv
    2205.11487 section 2.3). `none`: as it is.
    """
    if name == "clip":
        return x_start.clamp(-1, 1)
    if name == "none":
        return x_start
    limit = torch.quantile(x_start.abs().flatten(1).float(), dynamic_ratio(name), dim=1).clamp(min=1)
    limit = limit.reshape(-1, *[1] * (x_start.dim() - 1)).to(x_start.dtype)
    return x_start.clamp(-limit, limit) / limit


def dynamic_ratio(name: str) -> float:
    """The quantile of a dynamic thresholding called `name`; raises UserError where it isn't one."""
    kind, dash, ratio = name.partition("-")
    try:
        chosen = float(ratio) if dash else DEFAULT_RATIO
    except ValueError:
        chosen = 0.0
    if kind != "dynamic" or not 0 < chosen <= 1:
        raise UserError(
            f"--threshold {name}: expected clip, none, dynamic, or dynamic-0.95 with a quantile of your own"
        )
    return chosen


def check_threshold(name: str) -> str:
    """`name`, if it is a thresholding; raises UserError."""
    if name not in ("clip", "none"):
        dynamic_ratio(name)
    return name
