"""Noise schedules, beyond what the parity cases fix."""

import numpy as np
import pytest

from sdm_bench.diffusion.schedule import make_schedule, space_timesteps
from sdm_bench.errors import UserError


def test_respacing_keeps_the_cumulative_products() -> None:
    full = make_schedule("linear", 1000)
    kept = space_timesteps(1000, "25")
    respaced = full.respaced(kept)
    assert np.allclose(respaced.alphas_cumprod, full.alphas_cumprod[kept], rtol=1e-12)
    assert respaced.timestep_map.tolist() == kept
    assert (kept[0], kept[-1], len(kept)) == (0, 999, 25)


def test_respacing_twice_is_respacing_once() -> None:
    full = make_schedule("cosine", 100)
    twice = full.respaced([0, 20, 50, 99]).respaced([0, 2, 3])
    assert twice.timestep_map.tolist() == [0, 50, 99]
    assert np.allclose(twice.alphas_cumprod, full.alphas_cumprod[[0, 50, 99]])


def test_the_posterior_of_the_first_step_has_no_variance() -> None:
    schedule = make_schedule("linear", 100)
    assert schedule.posterior_variance[0] == 0
    assert schedule.posterior_mean_coef1[0] == pytest.approx(1)
    assert np.isfinite(schedule.posterior_log_variance_clipped).all()


def test_impossible_spacings_are_refused() -> None:
    with pytest.raises(UserError, match="no integer stride takes 300 of 1000"):
        space_timesteps(1000, "ddim300")
    with pytest.raises(UserError, match="cannot take 1001 steps from 1000"):
        space_timesteps(1000, "1001")
    with pytest.raises(UserError, match=r"Unknown noise schedule 'linar'\. Did you mean 'linear'"):
        make_schedule("linar", 10)
