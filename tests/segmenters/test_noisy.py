"""The segmenter of noisy pictures."""

import pytest
import torch

from sdm_bench.base.errors import UserError
from segmenters.architectures import build_noisy


def test_scores_are_of_the_pictures_size_and_depend_on_the_timestep() -> None:
    torch.manual_seed(0)
    network = build_noisy("unet", num_classes=5, feature_scale=16).eval()
    x = torch.randn(2, 3, 16, 32)
    with torch.no_grad():
        early, late = (network(x, torch.full((2,), t)) for t in (0.0, 900.0))
    assert early.shape == (2, 5, 16, 32)
    assert not torch.allclose(early, late)
    loss = network(x, torch.tensor([3.0, 700.0])).square().sum()
    loss.backward()
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in network.time_embed.parameters())


def test_other_architectures_know_no_noise() -> None:
    with pytest.raises(UserError, match="drn-c-26: knows no noisy pictures; expected unet"):
        build_noisy("drn-c-26", num_classes=5)
