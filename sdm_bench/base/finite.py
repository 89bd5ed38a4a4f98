"""NaN and Inf: found where they arise, named, and never written."""

from collections.abc import Mapping, Sequence

import click
import numpy as np
import torch
from torch import Tensor

SHOWN = 4  # names, at most


class NotFinite(click.ClickException):
    """Numbers that are none. Exit code 1."""

    exit_code = 1


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """The names of those tensors that hold NaN or Inf."""
    return [name for name, value in tensors.items() if value.is_floating_point() and not torch.isfinite(value).all()]


def named(names: Sequence[str]) -> str:
    """Some of the names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def refuse_weights(tensors: Mapping[str, Tensor], source: object) -> None:
    """Raises NotFinite, which names `source`, where a network's tensors hold NaN or Inf."""
    wrong = not_finite(tensors)
    if wrong:
        raise NotFinite(f"{source}: NaN or Inf in {named(wrong)}; expected weights of a training that did not diverge")


def refuse_pictures(pictures: np.ndarray, names: Sequence[str]) -> None:
    """Raises NotFinite where pictures (N, ...) hold NaN or Inf; `names` are theirs, and there may be fewer."""
    whole = np.isfinite(pictures).reshape(len(pictures), -1).all(axis=1)
    wrong = [name for name, good in zip(names, whole, strict=False) if not good]
    if wrong:
        raise NotFinite(f"NaN or Inf in the pictures of {named(wrong)}; nothing was written of them")
