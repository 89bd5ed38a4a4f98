"""The stream of training examples follows from seed and sample index."""

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.known_datasets import open_dataset
from sdm_bench.datasets.transforms import Transform
from sdm_bench.training.batches import Batch, TrainingStream


def stream(root: Path, seed: int = 0, in_memory: bool = False) -> TrainingStream:
    transform = Transform("sdm", (16, 32), keeps_aspect=True, training=True)
    return TrainingStream(open_dataset("cityscapes", root, "train"), transform, seed, in_memory)


def batches(root: Path, count: int, start: int = 0, **options: int) -> list[Batch]:
    return list(islice(stream(root).batches(4, start, **options), count))


def test_a_stream_entered_late_is_the_same_stream(toy_cityscapes: Path) -> None:
    whole, late = batches(toy_cityscapes, 5), batches(toy_cityscapes, 2, start=3)
    for a, b in zip(whole[3:], late, strict=True):
        assert a.noise_seeds == b.noise_seeds
        assert torch.equal(a.images, b.images)
        assert torch.equal(a.condition.label, b.condition.label)


def test_loader_processes_change_nothing(toy_cityscapes: Path) -> None:
    for a, b in zip(batches(toy_cityscapes, 3), batches(toy_cityscapes, 3, workers=2), strict=True):
        assert torch.equal(a.images, b.images)


def test_two_processes_share_the_batch_of_one(toy_cityscapes: Path) -> None:
    (whole,) = batches(toy_cityscapes, 1)
    halves = [batches(toy_cityscapes, 1, rank=rank, world_size=2)[0] for rank in range(2)]
    assert [
        seed for pair in zip(*(half.noise_seeds for half in halves), strict=True) for seed in pair
    ] == whole.noise_seeds
    assert torch.equal(halves[1].images[0], whole.images[1])


def test_every_epoch_holds_each_example_once_in_another_order(toy_cityscapes: Path) -> None:
    examples = stream(toy_cityscapes)
    epochs = [[examples[epoch * 6 + position][0].id for position in range(6)] for epoch in range(2)]
    assert all(Counter(epoch) == Counter(epochs[0]) and len(set(epoch)) == 6 for epoch in epochs)
    assert epochs[0] != epochs[1]


def test_kept_examples_are_the_read_ones_augmented_anew(toy_cityscapes: Path) -> None:
    read, kept = stream(toy_cityscapes), stream(toy_cityscapes, in_memory=True)
    for index in (0, 7, 0):
        assert (read[index][0].image == kept[index][0].image).all()
    another = stream(toy_cityscapes, seed=1)
    assert any((read[index][0].image != another[index][0].image).any() for index in range(3))


def test_noise_belongs_to_the_sample(toy_cityscapes: Path) -> None:
    two = next(stream(toy_cityscapes).batches(2, start=2)).noise_seeds
    assert two[0] != two[1]
    assert next(stream(toy_cityscapes).batches(1, start=5)).noise_seeds == two[1:]
    assert next(stream(toy_cityscapes, seed=1).batches(1, start=5)).noise_seeds != two[1:]


def test_label_maps_alone_cannot_be_trained_on(toy_cityscapes: Path, tmp_path: Path) -> None:
    (tmp_path / "gtFine").symlink_to(toy_cityscapes / "gtFine")
    with pytest.raises(UserError, match="no photograph"):
        next(stream(tmp_path).batches(2, start=0))
