"""An endless stream of training batches in which everything follows from (seed, sample index).

The sample index counts the examples of a whole run: 0 is the first one ever seen. An example's place in the shuffled
epoch, its crop and its noise depend on the seed and the sample index alone, so that a resumed run, another number of
workers or of processes sees the same stream.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from sdm_bench.checkpoints.runs import TrainOptions
from sdm_bench.conditioning import Condition, photographs
from sdm_bench.datasets.base import Example, SemanticDataset
from sdm_bench.datasets.transforms import Transform

# What a seed is for: the second number of its key, after the run's seed.
ORDER, AUGMENTATION, NOISE = 1, 2, 3

# Datasets up to this size, in bytes as read, are kept in memory.
MEMORY_LIMIT = 512 * 2**20


@dataclass(frozen=True)
class Batch:
    """images: float32 (N, 3, H, W) in [-1, 1]; their condition; noise_seeds: of each sample's timestep and noises.

    ids: of the examples, for messages.
    """

    images: Tensor
    condition: Condition
    noise_seeds: list[int]
    ids: tuple[str, ...] = ()


def seed_of(*key: int) -> int:
    """A seed that depends on the integers of `key` alone."""
    state = np.random.SeedSequence(key).generate_state(1, np.uint64)[0]
    return int(state >> np.uint64(1))


class TrainingStream(Dataset):
    """The training examples by sample index: shuffled anew every epoch, each with its own random crop and flip."""

    def __init__(self, dataset: SemanticDataset, transform: Transform, seed: int, in_memory: bool):
        self.dataset = dataset
        self.transform = transform
        self.seed = seed
        self.kept: dict[int, Example] | None = {} if in_memory else None
        self.epoch, self.order = -1, np.empty(0, np.int64)

    @staticmethod
    def of(dataset: SemanticDataset, options: TrainOptions) -> "TrainingStream":
        """The stream of a run; a small dataset is kept in memory."""
        recipe, mirrored = options.training.recipe, dataset.classes.mirrored
        transform = Transform(recipe, options.image_size, dataset.keeps_aspect, training=True, mirrored=mirrored)
        first = dataset[0]
        parts = (first.image, first.label, first.instance)
        bytes_in_all = len(dataset) * sum(part.nbytes for part in parts if part is not None)
        return TrainingStream(dataset, transform, options.seed, in_memory=bytes_in_all <= MEMORY_LIMIT)

    def batches(
        self,
        batch_size: int,
        start: int,
        rank: int = 0,
        world_size: int = 1,
        workers: int = 0,
        device: torch.device | str = "cpu",
    ) -> Iterator[Batch]:
        """Batches from batch `start` on: `batch_size` examples over all processes, this rank's share, on `device`."""
        assert batch_size % world_size == 0
        num_classes = len(self.dataset.classes)

        def collate(items: list[tuple[Example, int]]) -> Batch:
            examples = [example for example, _ in items]
            noise_seeds = [seed_of(self.seed, NOISE, index) for _, index in items]
            ids = tuple(example.id for example in examples)
            return Batch(photographs(examples), Condition.of(examples, num_classes), noise_seeds, ids)

        loader = DataLoader(
            self,
            batch_sampler=_BatchSampler(batch_size, start, rank, world_size),
            collate_fn=collate,
            num_workers=workers,
            persistent_workers=workers > 0,
        )
        for batch in loader:
            yield replace(batch, images=batch.images.to(device), condition=batch.condition.to(device))

    def __getitem__(self, sample_index: int) -> tuple[Example, int]:
        epoch, position = divmod(sample_index, len(self.dataset))
        if epoch != self.epoch:
            rng = np.random.default_rng((self.seed, ORDER, epoch))
            self.epoch, self.order = epoch, rng.permutation(len(self.dataset))
        example = self._read(int(self.order[position]))
        rng = np.random.default_rng((self.seed, AUGMENTATION, sample_index))
        return self.transform(example, rng), sample_index

    def _read(self, number: int) -> Example:
        if self.kept is None:
            return self.dataset[number]
        if number not in self.kept:
            self.kept[number] = self.dataset[number]
        return self.kept[number]


@dataclass(frozen=True)
class _BatchSampler:
    """The sample indices of every batch from `start` on, without end."""

    batch_size: int
    start: int
    rank: int
    world_size: int

    def __iter__(self) -> Iterator[list[int]]:
        batch = self.start
        while True:
            first = batch * self.batch_size
            yield list(range(first + self.rank, first + self.batch_size, self.world_size))
            batch += 1
