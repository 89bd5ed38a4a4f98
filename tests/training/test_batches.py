"""The stream of training examples follows from seed and draw."""

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
import torch

from sdm_bench.datasets.catalog import open_dataset
from sdm_bench.datasets.transforms import Transform
from sdm_bench.errors import UserError
from sdm_bench.training.batches import Batch, Draws, noise_generators, stream


def draws_of(root: Path, seed: int = 0, in_memory: bool = False) -> Draws:
    transform = Transform("sdm", (16, 32), keeps_aspect=True, training=True)
    return Draws(open_dataset("cityscapes", root, "train"), transform, seed, in_memory)


def batches(root: Path, count: int, start: int = 0, **options: int) -> list[Batch]:
    settings = {"batch_size": 4, "rank": 0, "world_size": 1, "workers": 0} | options
    return list(islice(stream(draws_of(root), start=start, **settings), count))


def test_a_stream_entered_late_is_the_same_stream(toy_cityscapes: Path) -> None:
    whole, late = batches(toy_cityscapes, 5), batches(toy_cityscapes, 2, start=3)
    for a, b in zip(whole[3:], late, strict=True):
        assert torch.equal(a.draws, b.draws)
        assert torch.equal(a.images, b.images)
        assert torch.equal(a.condition.label, b.condition.label)


def test_loader_processes_change_nothing(toy_cityscapes: Path) -> None:
    for a, b in zip(batches(toy_cityscapes, 3), batches(toy_cityscapes, 3, workers=2), strict=True):
        assert torch.equal(a.images, b.images)


def test_two_processes_share_the_batch_of_one(toy_cityscapes: Path) -> None:
    (whole,) = batches(toy_cityscapes, 1)
    halves = [batches(toy_cityscapes, 1, rank=rank, world_size=2)[0] for rank in range(2)]
    assert sorted(torch.cat([half.draws for half in halves]).tolist()) == whole.draws.tolist()
    assert torch.equal(halves[1].images[0], whole.images[1])


def test_every_epoch_holds_each_example_once_in_another_order(toy_cityscapes: Path) -> None:
    draws = draws_of(toy_cityscapes)
    epochs = [[draws[epoch * 6 + position][0].id for position in range(6)] for epoch in range(2)]
    assert all(Counter(epoch) == Counter(epochs[0]) and len(set(epoch)) == 6 for epoch in epochs)
    assert epochs[0] != epochs[1]


def test_kept_examples_are_the_read_ones_augmented_anew(toy_cityscapes: Path) -> None:
    read, kept = draws_of(toy_cityscapes), draws_of(toy_cityscapes, in_memory=True)
    for draw in (0, 7, 0):
        assert (read[draw][0].image == kept[draw][0].image).all()
    another = draws_of(toy_cityscapes, seed=1)
    assert any((read[draw][0].image != another[draw][0].image).any() for draw in range(3))


def test_noise_belongs_to_the_draw() -> None:
    first, second = (torch.randn(3, generator=g) for g in noise_generators(torch.tensor([4, 5]), seed=0))
    (again,) = (torch.randn(3, generator=g) for g in noise_generators(torch.tensor([5]), seed=0))
    (other,) = (torch.randn(3, generator=g) for g in noise_generators(torch.tensor([5]), seed=1))
    assert torch.equal(second, again)
    assert not torch.equal(first, second)
    assert not torch.equal(again, other)


def test_label_maps_alone_cannot_be_trained_on(toy_cityscapes: Path, tmp_path: Path) -> None:
    (tmp_path / "gtFine").symlink_to(toy_cityscapes / "gtFine")
    with pytest.raises(UserError, match="no photograph"):
        next(stream(draws_of(tmp_path), 2, start=0, rank=0, world_size=1, workers=0))
