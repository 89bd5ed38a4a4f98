"""An endless stream of training batches in which everything follows from (seed, draw).

A draw is the number of a training example in the stream: draw 0 is the first example ever seen. Its place in the
shuffled epoch, its crop and its noise depend on the seed and the draw alone, so that a resumed run, another number of
workers or of processes sees the same stream.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from sdm_bench.conditioning import Condition, photographs
from sdm_bench.datasets.base import Example, SemanticDataset
from sdm_bench.datasets.transforms import Transform

ORDER, AUGMENTATION, NOISE = 1, 2, 3


@dataclass(frozen=True)
class Batch:
    """images: float32 (N, 3, H, W) in [-1, 1]; their condition; draws: int64 (N,), see the module's docstring."""

    images: Tensor
    condition: Condition
    draws: Tensor

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch with images and condition on `device`; draws stay on the CPU."""
        return Batch(self.images.to(device), self.condition.to(device), self.draws)


def noise_generators(draws: Tensor, seed: int) -> list[torch.Generator]:
    """One CPU generator a draw, for timesteps and noises."""
    return [seeded(seed, NOISE, int(draw)) for draw in draws]


def seeded(*key: int) -> torch.Generator:
    """A CPU generator that depends on the integers of `key` alone."""
    state = np.random.SeedSequence(key).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


class Draws(Dataset):
    """The training examples by draw: shuffled anew every epoch, transformed with the draw's own randomness."""

    def __init__(self, dataset: SemanticDataset, transform: Transform, seed: int, in_memory: bool):
        self.dataset = dataset
        self.transform = transform
        self.seed = seed
        self.kept: dict[int, Example] | None = {} if in_memory else None
        self.epoch, self.order = -1, np.empty(0, np.int64)

    def __getitem__(self, draw: int) -> tuple[Example, int]:
        rng = np.random.default_rng((self.seed, AUGMENTATION, draw))
        return self.transform(self._read(self._index(draw)), rng), draw

    def _index(self, draw: int) -> int:
        epoch, position = divmod(draw, len(self.dataset))
        if epoch != self.epoch:
            rng = np.random.default_rng((self.seed, ORDER, epoch))
            self.epoch, self.order = epoch, rng.permutation(len(self.dataset))
        return int(self.order[position])

    def _read(self, index: int) -> Example:
        if self.kept is None:
            return self.dataset[index]
        if index not in self.kept:
            self.kept[index] = self.dataset[index]
        return self.kept[index]


def stream(draws: Draws, batch_size: int, start: int, rank: int, world_size: int, workers: int) -> Iterator[Batch]:
    """Batches from step `start` on: `batch_size` examples a step over all processes, this rank's share of them."""
    assert batch_size % world_size == 0
    num_classes = len(draws.dataset.classes)

    def collate(items: list[tuple[Example, int]]) -> Batch:
        examples = [example for example, _ in items]
        draws = torch.tensor([draw for _, draw in items])
        return Batch(photographs(examples), Condition.of(examples, num_classes), draws)

    loader = DataLoader(
        draws,
        batch_sampler=_Steps(batch_size, start, rank, world_size),
        collate_fn=collate,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    return iter(loader)


@dataclass(frozen=True)
class _Steps:
    """The draws of every step from `start` on, without end."""

    batch_size: int
    start: int
    rank: int
    world_size: int

    def __iter__(self) -> Iterator[list[int]]:
        step = self.start
        while True:
            first = step * self.batch_size
            yield list(range(first + self.rank, first + self.batch_size, self.world_size))
            step += 1
