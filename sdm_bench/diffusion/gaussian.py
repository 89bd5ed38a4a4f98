"""The forward process, its posterior, and the reverse step that a network's output describes.

Symbols are those of arXiv 2102.09672; x_start is x_0, t indexes the schedule in use (0 is the least noisy).
Source: WeilunWang/semantic-diffusion-model@7171f37, guided_diffusion/gaussian_diffusion.py.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sdm_bench.diffusion.schedule import NoiseSchedule
from sdm_bench.diffusion.thresholding import threshold


def at(values: np.ndarray, t: Tensor, like: Tensor) -> Tensor:
    """values[t] as float32, shaped (N, 1, ..., 1) to multiply `like` (N, ...)."""
    taken = torch.from_numpy(values).to(t.device)[t].float()
    return taken.reshape(-1, *[1] * (like.dim() - 1))


def q_mean_variance(schedule: NoiseSchedule, x_start: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, variance and log-variance of q(x_t | x_0)."""
    cumulative = schedule.alphas_cumprod
    mean = at(np.sqrt(cumulative), t, x_start) * x_start
    return mean, at(1.0 - cumulative, t, x_start), at(np.log(1.0 - cumulative), t, x_start)


def q_sample(schedule: NoiseSchedule, x_start: Tensor, t: Tensor, noise: Tensor) -> Tensor:
    """x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) noise."""
    cumulative = schedule.alphas_cumprod
    return at(np.sqrt(cumulative), t, x_start) * x_start + at(np.sqrt(1.0 - cumulative), t, x_start) * noise


def q_posterior_mean(schedule: NoiseSchedule, x_start: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
    """Mean of q(x_{t-1} | x_t, x_0)."""
    return at(schedule.posterior_mean_coef1, t, x_t) * x_start + at(schedule.posterior_mean_coef2, t, x_t) * x_t


def x_start_from_eps(schedule: NoiseSchedule, x_t: Tensor, t: Tensor, eps: Tensor) -> Tensor:
    """The x_0 that noise `eps` implies."""
    cumulative = schedule.alphas_cumprod
    return at(np.sqrt(1.0 / cumulative), t, x_t) * x_t - at(np.sqrt(1.0 / cumulative - 1.0), t, x_t) * eps


def eps_from_x_start(schedule: NoiseSchedule, x_t: Tensor, t: Tensor, x_start: Tensor) -> Tensor:
    """The noise that `x_start` implies."""
    cumulative = schedule.alphas_cumprod
    return (at(np.sqrt(1.0 / cumulative), t, x_t) * x_t - x_start) / at(np.sqrt(1.0 / cumulative - 1.0), t, x_t)


@dataclass(frozen=True)
class ReverseStep:
    """p(x_{t-1} | x_t): mean, variance and log-variance, and the prediction of x_0 behind them; all like x_t."""

    mean: Tensor
    variance: Tensor
    log_variance: Tensor
    x_start: Tensor


def reverse_step(
    schedule: NoiseSchedule, output: Tensor, x_t: Tensor, t: Tensor, limit: str = "clip", predicts: str = "eps"
) -> ReverseStep:
    """What a network's `output` (N, 6, H, W) says of x_{t-1}: three channels of noise, three of variance values v.

    The log-variance interpolates between log beta_tilde (v = -1) and log beta (v = 1), eq. 15 of arXiv 2102.09672.
    An output of three channels has the variance fixed to beta (beta_tilde_1 at t = 0). `predicts` says whether the
    first three channels are the noise ("eps") or x_0 ("x_start"); `limit` is the thresholding of x_0.
    """
    channels = x_t.shape[1]
    prediction, values = output[:, :channels], output[:, channels:]
    log_variance = learned_log_variance(schedule, values, x_t, t) if values.shape[1] else fixed_large(schedule, x_t, t)
    x_start = x_start_from_eps(schedule, x_t, t, prediction) if predicts == "eps" else prediction
    x_start = threshold(limit, x_start)
    return ReverseStep(
        mean=q_posterior_mean(schedule, x_start, x_t, t),
        variance=log_variance.exp(),
        log_variance=log_variance,
        x_start=x_start,
    )


def learned_log_variance(schedule: NoiseSchedule, values: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
    """Log-variance between log beta_tilde and log beta for values in [-1, 1]."""
    low = at(schedule.posterior_log_variance_clipped, t, x_t)
    high = at(np.log(schedule.betas), t, x_t)
    fraction = (values + 1) / 2
    return fraction * high + (1 - fraction) * low


def fixed_large(schedule: NoiseSchedule, x_t: Tensor, t: Tensor) -> Tensor:
    """log beta_t, with beta_tilde_1 at t = 0, expanded like x_t."""
    variance = np.append(schedule.posterior_variance[1], schedule.betas[1:])
    return at(np.log(variance), t, x_t).expand_as(x_t)
