"""Label maps become network inputs."""

import numpy as np
import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.conditioning import Condition, instance_edges
from sdm_bench.datasets.base import Example


def example(name: str, label: list, instance: list | None = None) -> Example:
    map_of = None if instance is None else np.array(instance, np.int32)
    return Example(name, None, np.array(label, np.int64), map_of)


def test_channels_are_one_hot_with_the_edges_last() -> None:
    condition = Condition.of([example("a", [[0, 2], [1, 1]], [[5, 5], [5, 7]])], num_classes=3)
    semantics = condition.semantics(edges=True)
    assert semantics.shape == (1, 4, 2, 2)
    assert semantics[0, :3].argmax(0).tolist() == [[0, 2], [1, 1]]
    assert (semantics[0, :3].sum(0) == 1).all()
    assert semantics[0, 3].tolist() == [[0, 1], [1, 1]]
    assert condition.semantics(edges=False).shape == (1, 3, 2, 2)


def test_an_edge_is_on_both_sides_of_a_border_and_nowhere_else() -> None:
    instance = torch.zeros(1, 5, 6, dtype=torch.int32)
    instance[0, 1:3, 2:4] = 26001
    edges = instance_edges(instance)[0, 0]
    expected = torch.tensor(
        [
            [0, 0, 1, 1, 0, 0],
            [0, 1, 1, 1, 1, 0],
            [0, 1, 1, 1, 1, 0],
            [0, 0, 1, 1, 0, 0],
            [0, 0, 0, 0, 0, 0],
        ]
    )
    assert torch.equal(edges, expected.float())


def test_the_null_label_is_zero_in_all_channels_edges_included() -> None:
    two = [example("a", [[0, 1]], [[1, 2]]), example("b", [[1, 1]], [[3, 4]])]
    condition = Condition.of(two, num_classes=2)
    assert condition.null().semantics(edges=True).abs().sum() == 0
    dropped = condition.drop(torch.tensor([True, False])).semantics(edges=True)
    assert dropped[0].abs().sum() == 0
    assert torch.equal(dropped[1], condition.semantics(edges=True)[1])


def test_a_batch_of_different_sizes_is_refused() -> None:
    with pytest.raises(UserError, match=r"different sizes in one batch: \[\(1, 2\), \(2, 1\)\]"):
        Condition.of([example("a", [[0, 1]]), example("b", [[0], [1]])], num_classes=2)


def test_instances_are_all_or_none() -> None:
    with pytest.raises(UserError, match="b: no instance map"):
        Condition.of([example("a", [[0]], [[1]]), example("b", [[0]])], num_classes=2)
    with pytest.raises(UserError, match="the dataset has no instance maps"):
        Condition.of([example("a", [[0]])], num_classes=2).semantics(edges=True)
