"""Exponential moving averages in closed form."""

import pytest
import torch
from torch import nn

from sdm_bench.training.objective import exponential_average


def test_the_average_starts_at_the_initial_weights() -> None:
    module = nn.Linear(1, 1, bias=False)
    module.weight.data.fill_(2.0)
    average = exponential_average(module, decay=0.9, warmup=False)
    expected = 2.0
    for value in (3.0, 5.0, -1.0):
        module.weight.data.fill_(value)
        average.update_parameters(module)
        expected = 0.9 * expected + 0.1 * value
    assert float(average.module.weight) == pytest.approx(expected, rel=1e-6)


def test_warm_up_forgets_the_start_faster() -> None:
    module = nn.Linear(1, 1, bias=False)
    module.weight.data.fill_(1.0)
    average = exponential_average(module, decay=0.999, warmup=True)
    module.weight.data.fill_(0.0)
    average.update_parameters(module)
    assert float(average.module.weight) == pytest.approx(2 / 11, rel=1e-6)


def test_running_statistics_are_averaged_and_the_original_is_untouched() -> None:
    module = nn.BatchNorm1d(1)
    average = exponential_average(module, decay=0.5, warmup=False)
    module.running_mean.fill_(4.0)
    module.num_batches_tracked.fill_(9)
    average.update_parameters(module)
    assert average.module.running_mean.tolist() == [2.0]
    assert int(average.module.num_batches_tracked) == 4
    assert module.running_mean.tolist() == [4.0]
    assert not any(parameter.requires_grad for parameter in average.parameters())


def test_the_state_of_an_average_round_trips() -> None:
    module = nn.Linear(2, 2)
    average = exponential_average(module, decay=0.9, warmup=True)
    average.update_parameters(module)
    other = exponential_average(nn.Linear(2, 2), decay=0.9, warmup=True)
    other.load_state_dict(average.state_dict())
    assert torch.equal(other.module.weight, average.module.weight)
    assert int(other.n_averaged) == int(average.n_averaged) == 2
