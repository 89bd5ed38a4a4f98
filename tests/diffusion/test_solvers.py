"""Solvers on a network that knows the answer."""

import numpy as np
import pytest
import torch
from torch import Tensor

from sdm_bench.base.errors import UserError
from sdm_bench.diffusion.gaussian_diffusion import extract_at_timestep, make_schedule, preset_schedule
from sdm_bench.diffusion.solvers import Solver, respaced_solver, solve
from sdm_bench.models.preset import DiffusionPreset

FULL = make_schedule("linear", 1000)


def oracle(x_start: Tensor):  # type: ignore[no-untyped-def]
    """A denoiser that knows x_0: it returns the very noise in x_t, and variance values of zero."""

    def denoise(x_t: Tensor, timestep: Tensor) -> Tensor:
        cumulative = extract_at_timestep(FULL.alphas_cumprod, timestep, x_t)
        eps = (x_t - cumulative.sqrt() * x_start) / (1 - cumulative).sqrt()
        return torch.cat([eps, torch.zeros_like(eps)], 1)

    return denoise


@pytest.mark.parametrize(
    ("name", "eta"),
    [("ddpm", 0.0), ("ddim", 0.0), ("ddim", 1.0), ("dpm-solver++", 0.0), ("dpm-solver++-sde", 0.0), ("unipc", 0.0)],
)
@pytest.mark.parametrize("steps", [2, 5, 50])
def test_with_the_true_noise_every_solver_ends_at_the_true_picture(name: str, eta: float, steps: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x_start = torch.rand(2, 3, 4, 5, generator=generator) * 2 - 1
    solver = Solver(name, steps, eta)
    noise = lambda: torch.randn(2, 3, 4, 5, generator=generator)  # noqa: E731
    states = list(solve(solver, solver.schedule(FULL), oracle(x_start), noise(), noise))
    assert len(states) == steps
    assert torch.allclose(states[-1].sample, x_start, atol=2e-3)


def test_the_network_sees_the_timesteps_of_the_original_schedule() -> None:
    seen: list[int] = []

    def denoise(x_t: Tensor, timestep: Tensor) -> Tensor:
        seen.append(int(timestep))
        return torch.zeros(1, 6, 2, 2)

    solver = Solver("ddim", 4)
    start = torch.zeros(1, 3, 2, 2)
    list(solve(solver, solver.schedule(FULL), denoise, start, lambda: start))
    assert seen == [750, 500, 250, 0]


def test_steps_without_a_stride_are_spread_evenly() -> None:
    assert Solver("ddim", 300).schedule(FULL).timestep_map[[0, -1]].tolist() == [0, 999]
    assert len(Solver("ddim", 300).schedule(FULL)) == 300
    assert Solver("ddpm", 1000).schedule(FULL) is FULL


def test_a_step_of_ancestral_sampling_has_the_posterior_variance() -> None:
    solver = Solver("ddpm", 1000)
    x_start, t = torch.zeros(4000, 3, 1, 1), 400
    x_t = torch.zeros_like(x_start)
    generator = torch.Generator().manual_seed(1)
    from sdm_bench.diffusion.solvers import STEPS

    output = torch.cat([torch.zeros_like(x_t), -torch.ones_like(x_t)], 1)
    noise = torch.randn(x_t.shape, generator=generator)
    sample = STEPS["ddpm"](solver, FULL, output, x_t, torch.full((1,), t), noise).sample
    assert float(sample.var()) == pytest.approx(FULL.posterior_variance[t], rel=0.05)


def gaussian_denoiser(deviation: float):  # type: ignore[no-untyped-def]
    """The best denoiser of pictures whose values are drawn from N(0, deviation^2)."""

    def denoise(x_t: Tensor, timestep: Tensor) -> Tensor:
        cumulative = extract_at_timestep(FULL.alphas_cumprod, timestep, x_t)
        eps = (1 - cumulative).sqrt() * x_t / (cumulative * deviation**2 + 1 - cumulative)
        return torch.cat([eps, torch.zeros_like(eps)], 1)

    return denoise


def deviation_of(name: str, steps: int, deviation: float = 0.5) -> float:
    """Relative error of a solver's end on the probability-flow line of N(0, deviation^2), which is a scaling."""
    solver = Solver(name, steps, threshold="none")
    schedule = solver.schedule(FULL)
    start = torch.ones(1, 3, 1, 1)
    last = list(solve(solver, schedule, gaussian_denoiser(deviation), start, lambda: start))[-1].sample
    first = FULL.alphas_cumprod[schedule.timestep_map[-1]]
    return abs(float(last.mean()) / (deviation / np.sqrt(first * deviation**2 + 1 - first)) - 1)


def test_multistep_solvers_follow_the_probability_flow_and_converge_faster_than_ddim() -> None:
    for name in ("dpm-solver++", "unipc"):
        errors = [deviation_of(name, steps) for steps in (10, 20, 80)]
        assert errors[0] > errors[1] > errors[2]
        assert errors[2] < 2e-3
        assert errors[1] < deviation_of("ddim", 20) / 2


def test_the_sde_form_draws_from_the_same_distribution() -> None:
    generator = torch.Generator().manual_seed(3)
    noise = lambda: torch.randn(2000, 3, 1, 1, generator=generator)  # noqa: E731
    for name in ("dpm-solver++-sde", "ddpm"):
        solver = Solver(name, 100, threshold="none")
        states = list(solve(solver, solver.schedule(FULL), gaussian_denoiser(0.5), noise(), noise))
        assert float(states[-1].sample.std()) == pytest.approx(0.5, rel=0.05)


def test_fresh_noise_is_the_samples_own_and_nobody_else_s() -> None:
    def end(around: int, own: int) -> Tensor:
        torch.manual_seed(around)
        generator = torch.Generator().manual_seed(own)
        noise = lambda: torch.randn(1, 3, 2, 2, generator=generator)  # noqa: E731
        solver = Solver("dpm-solver++-sde", 4, threshold="none")
        start = torch.ones(1, 3, 2, 2)
        return list(solve(solver, solver.schedule(FULL), gaussian_denoiser(0.5), start, noise))[-1].sample

    assert torch.equal(end(0, own=5), end(1, own=5))
    assert not torch.allclose(end(0, own=5), end(0, own=6), atol=1e-2)


def test_only_ddim_takes_eta() -> None:
    with pytest.raises(UserError, match=r"--eta 0\.5: only ddim takes it, not unipc"):
        Solver("unipc", 10, eta=0.5)


def test_bad_solvers_are_refused() -> None:
    with pytest.raises(UserError, match=r"Unknown solver 'ddimm'\. Did you mean 'ddim'"):
        Solver("ddimm", 10)
    with pytest.raises(UserError, match="--solver-steps 1"):
        Solver("ddim", 1)
    with pytest.raises(UserError, match="--solver-steps 2000: the schedule has 1000 timesteps"):
        Solver("ddpm", 2000).schedule(FULL)


def test_alphas_of_the_oracle_are_in_range() -> None:
    assert np.all((FULL.alphas_cumprod > 0) & (FULL.alphas_cumprod < 1))


def test_a_respacing_is_walked_as_the_released_code_spells_it() -> None:
    sections = respaced_solver("ddim", "6", FULL).schedule(FULL).timestep_map.tolist()
    assert sections == [0, 200, 400, 599, 799, 999]
    assert respaced_solver("ddim", "ddim6", FULL).schedule(FULL).timestep_map.tolist() == list(range(0, 1000, 167))
    two = respaced_solver("ddpm", "3,2", FULL)
    assert (two.steps, two.schedule(FULL).timestep_map.tolist()) == (5, [0, 250, 499, 500, 999])


def test_there_is_one_name_for_what_a_solver_walks_anyway() -> None:
    assert respaced_solver("ddim", "ddim6", FULL) == Solver("ddim", 6)
    assert respaced_solver("ddpm", "6", FULL) == Solver("ddpm", 6)
    assert respaced_solver("ddim", "6", FULL).respacing == "6"


def test_respacings_that_cannot_be_are_refused() -> None:
    with pytest.raises(UserError, match="--timestep-respacing 6: ddpm and ddim take it"):
        respaced_solver("unipc", "6", FULL)
    with pytest.raises(UserError, match="--timestep-respacing 1: keeps 1 timesteps; expected at least 2"):
        respaced_solver("ddpm", "1", FULL)


def test_a_network_sees_rescaled_timesteps() -> None:
    seen: list[float] = []

    def denoise(x_t: Tensor, timestep: Tensor) -> Tensor:
        seen.append(timestep.item())
        return torch.zeros(1, 3, 2, 2)

    full = preset_schedule(DiffusionPreset(steps=500, rescale_timesteps=True))
    for name in ("ddpm", "unipc"):
        solver = Solver(name, 3)
        list(solve(solver, solver.schedule(full), denoise, torch.zeros(1, 3, 2, 2), lambda: torch.zeros(1, 3, 2, 2)))
    assert seen[:3] == [998, 500, 0]
    assert max(seen[3:]) == 998
