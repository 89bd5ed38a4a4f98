"""Label map -> network input: the one-hot channels, the instance edges after them, the null label."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sdm_bench.base.errors import UserError
from sdm_bench.base.tensors import to_unit_range
from sdm_bench.datasets.base import Example


@dataclass(frozen=True)
class Condition:
    """An immutable batch of label maps, kept as integers.

    label: int64 (N, H, W), values 0..num_classes-1. instance: int32 (N, H, W) or None.
    keep: bool (N,), False where the label is dropped: that item's channels, edges included, are all zero.
    style: float32 (N, 3, H, W) in [-1, 1], a picture whose style is to be taken, or None.
    """

    label: Tensor
    instance: Tensor | None
    num_classes: int
    keep: Tensor
    style: Tensor | None = None

    @staticmethod
    def of(examples: Sequence[Example], num_classes: int, styled: bool = False) -> "Condition":
        """The batch of `examples`, which must have one size; raises UserError where they differ.

        styled: with the style of their own photographs.
        """
        sizes = {example.label.shape for example in examples}
        if len(sizes) > 1:
            raise UserError(f"label maps of different sizes in one batch: {sorted(sizes)}; resize to one size first")
        label = torch.from_numpy(np.stack([example.label for example in examples]))
        instances = [example.instance for example in examples if example.instance is not None]
        if instances and len(instances) != len(examples):
            lacking = next(example.id for example in examples if example.instance is None)
            raise UserError(f"{lacking}: no instance map, but other examples of the dataset have one")
        instance = torch.from_numpy(np.stack(instances)) if instances else None
        keep = torch.ones(len(examples), dtype=torch.bool)
        return Condition(label, instance, num_classes, keep, photographs(examples) if styled else None)

    def __len__(self) -> int:
        return len(self.label)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.label.shape[1], self.label.shape[2]

    def to(self, device: torch.device | str) -> "Condition":
        """The same batch on `device`."""
        instance = None if self.instance is None else self.instance.to(device)
        style = None if self.style is None else self.style.to(device)
        return replace(self, label=self.label.to(device), instance=instance, keep=self.keep.to(device), style=style)

    def null(self) -> "Condition":
        """The null label of classifier-free guidance for every item: all channels zero."""
        return replace(self, keep=torch.zeros_like(self.keep))

    def drop(self, dropped: Tensor) -> "Condition":
        """The same batch with the items of the bool mask `dropped` (N,) replaced by the null label."""
        return replace(self, keep=self.keep & ~dropped)

    def edges(self) -> Tensor:
        """float32 (N, 1, H, W): 1 where a pixel's instance differs from any of its four neighbours."""
        if self.instance is None:
            raise UserError(
                "this configuration has an instance edge channel, but the dataset has no instance maps; "
                "add them or choose a preset without edges"
            )
        return instance_edges(self.instance)

    def semantics(self, edges: bool) -> Tensor:
        """float32 (N, num_classes [+ 1], H, W): one-hot channels, the edge channel last, zero for dropped items.

        Source: WeilunWang/semantic-diffusion-model@7171f37, image_sample.py preprocess_input.
        """
        channels = F.one_hot(self.label, self.num_classes).permute(0, 3, 1, 2).float()
        if edges:
            channels = torch.cat([channels, self.edges()], dim=1)
        return channels * self.keep[:, None, None, None]


def photographs(examples: Sequence[Example]) -> Tensor:
    """float32 (N, 3, H, W) in [-1, 1]; raises UserError where an example has no photograph."""
    images = [example.image for example in examples if example.image is not None]
    if len(images) != len(examples):
        lacking = next(example.id for example in examples if example.image is None)
        raise UserError(f"{lacking}: no photograph, which training and styles need; a label map alone can be sampled")
    return torch.stack([to_unit_range(image) for image in images])


def instance_edges(instance: Tensor) -> Tensor:
    """float32 (N, 1, H, W): 1 where an instance map (N, H, W) differs from any of its four neighbours."""
    vertical = instance[:, 1:] != instance[:, :-1]
    horizontal = instance[:, :, 1:] != instance[:, :, :-1]
    edge = torch.zeros(instance.shape, dtype=torch.bool, device=instance.device)
    edge[:, 1:] |= vertical
    edge[:, :-1] |= vertical
    edge[:, :, 1:] |= horizontal
    edge[:, :, :-1] |= horizontal
    return edge[:, None].float()
