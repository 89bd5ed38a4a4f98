"""Classifier-free guidance."""

import torch

from sdm_bench.diffusion.guidance import guide


def test_the_paper_counts_one_less() -> None:
    generator = torch.Generator().manual_seed(0)
    conditional, null = torch.randn(2, 2, 6, 3, 3, generator=generator)
    s = 0.5
    papers = conditional[:, :3] + s * (conditional[:, :3] - null[:, :3])
    assert torch.allclose(guide(conditional, null, 1 + s)[:, :3], papers, atol=1e-6)


def test_variances_stay_conditional_and_the_inputs_untouched() -> None:
    conditional, null = torch.ones(1, 6, 2, 2), torch.zeros(1, 6, 2, 2)
    guided = guide(conditional, null, 3.0)
    assert torch.equal(guided[:, 3:], conditional[:, 3:])
    assert (guided[:, :3] == 3).all()
    assert (conditional == 1).all()
