"""Exponential moving averages of weights."""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Tensors = tuple[Tensor, ...] | list[Tensor]


def exponential_average(module: nn.Module, decay: float, warmup: bool) -> AveragedModel:
    """A copy of `module` whose `update_parameters(module)` takes it the share 1 - decay towards the module.

    Buffers are averaged too. With `warmup` the decay of the n-th update is at most (1 + n) / (10 + n), so that short
    runs forget where they started.
    """

    @torch.no_grad()
    def average(averaged: Tensors, current: Tensors, updates: Tensor | int) -> None:
        n = int(updates)
        rate = min(decay, (1 + n) / (10 + n)) if warmup else decay
        if torch.is_floating_point(averaged[0]):
            torch._foreach_lerp_(averaged, current, 1 - rate)
        else:
            for value, new in zip(averaged, current, strict=True):
                value.copy_(rate * value + (1 - rate) * new)

    model = AveragedModel(module, multi_avg_fn=average, use_buffers=True)
    # The average starts at the initial weights, not at those of the first step.
    model.n_averaged += 1
    return model.requires_grad_(False).eval()
