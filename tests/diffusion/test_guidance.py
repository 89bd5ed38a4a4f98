"""Guidance without a classifier and by one."""

import pytest
import torch
from torch import Tensor

from sdm_bench.base.errors import UserError
from sdm_bench.diffusion.gaussian_diffusion import extract_at_timestep, make_schedule
from sdm_bench.diffusion.guidance import guide
from sdm_bench.diffusion.solvers import Solver, solve


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


@pytest.mark.parametrize(("name", "steps"), [("ddpm", 1000), ("ddim", 250)])
def test_a_classifier_tilts_a_gaussian_as_bayes_rule_has_it(name: str, steps: int) -> None:
    """y ~ N(0, d^2) and p(x | y) ~ exp(w y) give y | x ~ N(d^2 w, d^2); log p(x | y_t) is linear in y_t.

    The scale s is a power of the classifier, so that it multiplies w.
    """
    deviation, weight, scale = 0.5, 0.8, 2.0
    full = make_schedule("linear", 1000)
    solver = Solver(name, steps, threshold="none")
    schedule = solver.schedule(full)
    generator = torch.Generator().manual_seed(0)
    shape = (2000, 3, 1, 1)

    def total(t: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        cumulative = extract_at_timestep(full.alphas_cumprod, t, like)
        return cumulative, cumulative * deviation**2 + 1 - cumulative

    def denoise(x_t: Tensor, timestep: Tensor) -> Tensor:
        cumulative, variance = total(timestep, x_t)
        eps = (1 - cumulative).sqrt() * x_t / variance
        return torch.cat([eps, torch.zeros_like(eps)], 1)

    def pull(x_t: Tensor, t: Tensor) -> Tensor:
        cumulative, variance = total(schedule.network_timesteps(t), x_t)
        return (scale * weight * cumulative.sqrt() * deviation**2 / variance).expand_as(x_t)

    noise = lambda: torch.randn(shape, generator=generator)  # noqa: E731
    *_, last = solve(solver, schedule, denoise, noise(), noise, pull)
    assert float(last.sample.mean()) == pytest.approx(deviation**2 * scale * weight, abs=0.02)
    assert float(last.sample.std()) == pytest.approx(deviation, rel=0.05)


def test_other_solvers_take_no_classifier() -> None:
    start = torch.zeros(1, 3, 2, 2)
    solver, full = Solver("unipc", 4), make_schedule("linear", 1000)
    with pytest.raises(UserError, match="--solver unipc: guidance by a segmenter is defined for ddpm and ddim"):
        solve(solver, full, lambda x, t: torch.zeros(1, 6, 2, 2), start, lambda: start, lambda x, t: x)
