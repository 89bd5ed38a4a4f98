"""Random conditions for tests of networks."""

import torch

from sdm_bench.conditioning import Condition


def condition(count: int, num_classes: int, height: int, width: int, styled: bool = False) -> Condition:
    """Label maps of random rectangles, three instances a row, and where asked for random styles."""
    generator = torch.Generator().manual_seed(0)
    label = torch.randint(num_classes, (count, height // 8, width // 8), generator=generator)
    label = label.repeat_interleave(8, 1).repeat_interleave(8, 2)
    instance = (torch.arange(width) * 3 // width).int().expand(count, height, width).contiguous()
    style = torch.rand((count, 3, height, width), generator=generator) * 2 - 1 if styled else None
    return Condition(label, instance, num_classes, torch.ones(count, dtype=torch.bool), style)
