"""Noise schedules and thresholding, beyond what the parity cases fix."""

import numpy as np
import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.diffusion.gaussian_diffusion import check_threshold, make_schedule, preset_schedule, threshold
from sdm_bench.diffusion.respacing import space_timesteps
from sdm_bench.models.preset import DiffusionPreset

X_START = torch.tensor([[-3.0, -0.5, 0.0, 0.5, 2.0], [-0.9, -0.5, 0.0, 0.5, 0.4]]).reshape(2, 1, 1, 5)


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


def test_clipping_and_nothing() -> None:
    assert threshold("clip", X_START).flatten().tolist()[:5] == [-1, -0.5, 0, 0.5, 1]
    assert torch.equal(threshold("none", X_START), X_START)


def test_dynamic_thresholding_divides_by_the_quantile_of_each_sample() -> None:
    half = threshold("dynamic-0.75", X_START)
    assert half[0].flatten().tolist() == [-1, -0.25, 0, 0.25, 1]
    assert torch.equal(half[1], X_START[1])
    whole = threshold("dynamic-1", X_START)
    assert torch.allclose(whole[0], X_START[0] / 3)
    assert threshold("dynamic", X_START).abs().max() <= 1


@pytest.mark.parametrize("name", ["clamp", "dynamic-x", "dynamic-0", "dynamic-1.5", ""])
def test_unknown_thresholdings_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"--threshold {name}: expected clip, none, dynamic"):
        check_threshold(name)


@pytest.mark.parametrize("spec", ["", "5,", "ddim", "a", "5,-1", "ddim5,5", "2.5"])
def test_spacings_of_another_spelling_are_refused(spec: str) -> None:
    with pytest.raises(UserError, match=r"--timestep-respacing .*: expected counts of sections like 25 or 10,15,20"):
        space_timesteps(1000, spec)


def test_a_schedule_that_ends_in_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="--diffusion-steps 20: too few for the linear schedule"):
        make_schedule("linear", 20)


def test_a_process_trained_in_part_says_so_and_only_then() -> None:
    assert DiffusionPreset().model_dump() == {"steps": 1000, "schedule": "linear"}
    preset = DiffusionPreset(timestep_respacing="2,3", sigma_small=True)
    assert preset.model_dump() == {
        "steps": 1000,
        "schedule": "linear",
        "timestep_respacing": "2,3",
        "sigma_small": True,
    }
    schedule = preset_schedule(preset)
    assert (schedule.timestep_map.tolist(), schedule.sigma_small) == ([0, 499, 500, 750, 999], True)
