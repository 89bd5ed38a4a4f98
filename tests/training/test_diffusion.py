"""Timestep samplers in closed form."""

import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.training.diffusion import HISTORY, UNIFORM_SHARE, LossAwareTimesteps, make_timestep_sampler


def warm(losses: list[float]) -> LossAwareTimesteps:
    sampler = LossAwareTimesteps(len(losses))
    for _ in range(HISTORY):
        sampler.observe(torch.arange(len(losses)), torch.tensor(losses))
    return sampler


def test_timesteps_are_alike_until_each_was_seen_often_enough() -> None:
    sampler = LossAwareTimesteps(3)
    sampler.observe(torch.tensor([0] * 20 + [1] * 10 + [2] * 9), torch.full((39,), 5.0))
    assert sampler.probabilities().tolist() == pytest.approx([1 / 3] * 3)
    assert torch.allclose(sampler.weights(torch.tensor([0, 1])), torch.ones(2))


def test_probabilities_follow_the_root_mean_square_of_the_last_losses() -> None:
    sampler = warm([1.0, 2.0, 5.0])
    expected = [(1 - UNIFORM_SHARE) * share + UNIFORM_SHARE / 3 for share in (1 / 8, 2 / 8, 5 / 8)]
    assert sampler.probabilities().tolist() == pytest.approx(expected)
    for _ in range(HISTORY):
        sampler.observe(torch.tensor([0]), torch.tensor([2.0]))
    assert sampler.probabilities()[0] == pytest.approx(float(sampler.probabilities()[1]))


def test_weights_keep_the_mean_of_the_loss() -> None:
    losses = torch.tensor([1.0, 2.0, 5.0])
    sampler = warm(losses.tolist())
    weighted = sampler.weights(torch.arange(3)) * losses * sampler.probabilities()
    assert float(weighted.sum()) == pytest.approx(float(losses.mean()))


def test_timesteps_come_from_the_generator() -> None:
    sampler = warm([1.0, 2.0, 5.0])
    timesteps = [int(sampler.sample(torch.Generator().manual_seed(seed))) for seed in range(2000)]
    assert timesteps[:5] == [int(sampler.sample(torch.Generator().manual_seed(seed))) for seed in range(5)]
    assert timesteps.count(2) / 2000 == pytest.approx(5 / 8, abs=0.05)


def test_unknown_samplers_are_refused() -> None:
    with pytest.raises(UserError, match=r"Unknown timestep sampler 'unifrom'\. Did you mean 'uniform'"):
        make_timestep_sampler("unifrom", 10)
