"""Gaussian diffusion: the noise schedule and its respacing, the forward process and its posterior, the reverse step.

Symbols are those of arXiv 2102.09672; x_start is x_0, t indexes the schedule in use (0 is the least noisy). Schedules
are float64.
Source: Ho et al. 2020 (arXiv 2006.11239), Nichol & Dhariwal 2021 (arXiv 2102.09672);
WeilunWang/semantic-diffusion-model@7171f37, guided_diffusion/{gaussian_diffusion,respace}.py.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.diffusion.respacing import space_timesteps
from sdm_bench.models.preset import DiffusionPreset

DYNAMIC_QUANTILE = 0.995  # of |x_0|, in dynamic thresholding


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    """T timesteps of noise, and how networks on them are fed and read; every array is float64 (T,).

    betas: variances added from step t-1 to t. timestep_map: int64 (T,), the timestep of the original schedule, which is
    what the network is given; equal to 0..T-1 unless respaced. rescale_timesteps, predict_xstart, sigma_small: as in
    DiffusionPreset.
    """

    betas: np.ndarray
    timestep_map: np.ndarray
    original_steps: int
    rescale_timesteps: bool = False
    predict_xstart: bool = False
    sigma_small: bool = False

    def __post_init__(self) -> None:
        assert self.betas.dtype == np.float64
        assert self.betas.ndim == 1
        assert ((self.betas > 0) & (self.betas <= 1)).all()

    def __len__(self) -> int:
        return len(self.betas)

    @cached_property
    def alphas_cumprod(self) -> np.ndarray:
        """alpha_bar_t, the product of 1 - beta up to t."""
        return np.cumprod(1.0 - self.betas)

    @cached_property
    def alphas_cumprod_prev(self) -> np.ndarray:
        """alpha_bar_{t-1}, 1 at t = 0."""
        return np.append(1.0, self.alphas_cumprod[:-1])

    @cached_property
    def alphas_cumprod_next(self) -> np.ndarray:
        """alpha_bar_{t+1}, 0 after the last."""
        return np.append(self.alphas_cumprod[1:], 0.0)

    @cached_property
    def posterior_variance(self) -> np.ndarray:
        """Variance of q(x_{t-1} | x_t, x_0): beta_tilde_t."""
        return self.betas * (1.0 - self.alphas_cumprod_prev) / (1.0 - self.alphas_cumprod)

    @cached_property
    def posterior_log_variance_clipped(self) -> np.ndarray:
        """log beta_tilde_t, with the value of t = 1 at t = 0, where beta_tilde is 0."""
        variance = self.posterior_variance
        return np.log(np.append(variance[1], variance[1:]))

    @cached_property
    def posterior_mean_coef1(self) -> np.ndarray:
        """The factor of x_0 in the mean of q(x_{t-1} | x_t, x_0)."""
        return self.betas * np.sqrt(self.alphas_cumprod_prev) / (1.0 - self.alphas_cumprod)

    @cached_property
    def posterior_mean_coef2(self) -> np.ndarray:
        """The factor of x_t in the mean of q(x_{t-1} | x_t, x_0)."""
        return (1.0 - self.alphas_cumprod_prev) * np.sqrt(1.0 - self.betas) / (1.0 - self.alphas_cumprod)

    def respaced(self, kept: list[int]) -> "NoiseSchedule":
        """The schedule of the timesteps `kept` alone, with betas that keep their alpha_bar."""
        cumulative = self.alphas_cumprod[kept]
        betas = 1.0 - cumulative / np.append(1.0, cumulative[:-1])
        return replace(self, betas=betas, timestep_map=self.timestep_map[kept])

    def network_timesteps(self, t: Tensor) -> Tensor:
        """What the network is given for the indices t (N,): int64, or float32 in [0, 1000) where rescaled."""
        return self.scaled_timesteps(t) if self.rescale_timesteps else self._original(t)

    def scaled_timesteps(self, t: Tensor) -> Tensor:
        """The timesteps of the original schedule at the indices t (N,), float32 in [0, 1000) however many there are."""
        return self._original(t).float() * (1000.0 / self.original_steps)

    def _original(self, t: Tensor) -> Tensor:
        return torch.from_numpy(self.timestep_map).to(t.device)[t]


def preset_schedule(preset: DiffusionPreset) -> NoiseSchedule:
    """The schedule that a preset's networks are trained on."""
    full = replace(
        make_schedule(preset.schedule, preset.steps),
        rescale_timesteps=preset.rescale_timesteps,
        predict_xstart=preset.predict_xstart,
        sigma_small=preset.sigma_small,
    )
    respacing = preset.timestep_respacing
    return full.respaced(space_timesteps(len(full), respacing)) if respacing else full


def make_schedule(name: str, steps: int) -> NoiseSchedule:
    """The schedule called `name` (`linear` or `cosine`) with `steps` timesteps."""
    makers = {"linear": linear_betas, "cosine": cosine_betas}
    if name not in makers:
        raise unknown_name("noise schedule", name, makers)
    betas = makers[name](steps)
    if steps < 2 or betas.max() >= 1:
        raise UserError(f"--diffusion-steps {steps}: too few for the {name} schedule")
    return NoiseSchedule(betas, np.arange(steps), steps)


def linear_betas(steps: int) -> np.ndarray:
    """Evenly spaced from 0.0001 to 0.02 at 1,000 steps, scaled by 1000 / steps otherwise."""
    scale = 1000 / steps
    return np.linspace(scale * 0.0001, scale * 0.02, steps, dtype=np.float64)


def cosine_betas(steps: int, max_beta: float = 0.999) -> np.ndarray:
    """alpha_bar(t) = cos^2((t + 0.008) / 1.008 * pi / 2), eq. 17 of arXiv 2102.09672."""

    def alpha_bar(t: float) -> float:
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    return np.array([min(1 - alpha_bar((i + 1) / steps) / alpha_bar(i / steps), max_beta) for i in range(steps)])


def extract_at_timestep(values: np.ndarray, t: Tensor, like: Tensor) -> Tensor:
    """values[t] as float32, shaped (N, 1, ..., 1) to multiply `like` (N, ...)."""
    taken = torch.from_numpy(values).to(t.device)[t].float()
    return taken.reshape(-1, *[1] * (like.dim() - 1))


def q_mean_variance(schedule: NoiseSchedule, x_start: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, variance and log-variance of q(x_t | x_0)."""
    alpha_bar = schedule.alphas_cumprod
    mean = extract_at_timestep(np.sqrt(alpha_bar), t, x_start) * x_start
    variance = extract_at_timestep(1.0 - alpha_bar, t, x_start)
    return mean, variance, extract_at_timestep(np.log(1.0 - alpha_bar), t, x_start)


def q_sample(schedule: NoiseSchedule, x_start: Tensor, t: Tensor, noise: Tensor) -> Tensor:
    """x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) noise."""
    alpha_bar = schedule.alphas_cumprod
    of_x_start = extract_at_timestep(np.sqrt(alpha_bar), t, x_start)
    return of_x_start * x_start + extract_at_timestep(np.sqrt(1.0 - alpha_bar), t, x_start) * noise


def q_posterior_mean(schedule: NoiseSchedule, x_start: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
    """Mean of q(x_{t-1} | x_t, x_0)."""
    of_x_start = extract_at_timestep(schedule.posterior_mean_coef1, t, x_t)
    return of_x_start * x_start + extract_at_timestep(schedule.posterior_mean_coef2, t, x_t) * x_t


def x_start_from_eps(schedule: NoiseSchedule, x_t: Tensor, t: Tensor, eps: Tensor) -> Tensor:
    """The x_0 that noise `eps` implies."""
    alpha_bar = schedule.alphas_cumprod
    of_x_t = extract_at_timestep(np.sqrt(1.0 / alpha_bar), t, x_t)
    return of_x_t * x_t - extract_at_timestep(np.sqrt(1.0 / alpha_bar - 1.0), t, x_t) * eps


def eps_from_x_start(schedule: NoiseSchedule, x_t: Tensor, t: Tensor, x_start: Tensor) -> Tensor:
    """The noise that `x_start` implies."""
    alpha_bar = schedule.alphas_cumprod
    of_x_t = extract_at_timestep(np.sqrt(1.0 / alpha_bar), t, x_t)
    return (of_x_t * x_t - x_start) / extract_at_timestep(np.sqrt(1.0 / alpha_bar - 1.0), t, x_t)


@dataclass(frozen=True)
class ReverseStep:
    """p(x_{t-1} | x_t): mean, variance and log-variance, and the prediction of x_0 behind them; all like x_t."""

    mean: Tensor
    variance: Tensor
    log_variance: Tensor
    x_start: Tensor


def reverse_step(schedule: NoiseSchedule, output: Tensor, x_t: Tensor, t: Tensor, limit: str = "clip") -> ReverseStep:
    """What a network's `output` (N, 6, H, W) says of x_{t-1}: three channels of noise, three of variance values v.

    The log-variance interpolates between log beta_tilde (v = -1) and log beta (v = 1), eq. 15 of arXiv 2102.09672. An
    output of three channels has a fixed variance. The first three channels are the noise, or x_0 where the schedule
    says so; `limit` is the thresholding of x_0.
    """
    channels = x_t.shape[1]
    prediction, values = output[:, :channels], output[:, channels:]
    if values.shape[1]:
        log_variance = learned_log_variance(schedule, values, x_t, t)
        variance = log_variance.exp()
    else:
        variance, log_variance = fixed_variance(schedule, x_t, t)
    x_start = prediction if schedule.predict_xstart else x_start_from_eps(schedule, x_t, t, prediction)
    x_start = threshold(limit, x_start)
    return ReverseStep(q_posterior_mean(schedule, x_start, x_t, t), variance, log_variance, x_start)


def learned_log_variance(schedule: NoiseSchedule, values: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
    """Log-variance between log beta_tilde and log beta for values in [-1, 1]."""
    low = extract_at_timestep(schedule.posterior_log_variance_clipped, t, x_t)
    high = extract_at_timestep(np.log(schedule.betas), t, x_t)
    fraction = (values + 1) / 2
    return fraction * high + (1 - fraction) * low


def fixed_variance(schedule: NoiseSchedule, x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Variance and its logarithm where the network doesn't learn them, expanded like x_t.

    They are beta_t, with beta_tilde_1 at t = 0; or, small, beta_tilde_t, whose logarithm alone has the value of t = 1
    at t = 0.
    """
    large = np.append(schedule.posterior_variance[1], schedule.betas[1:])
    variance, log_variance = (
        (schedule.posterior_variance, schedule.posterior_log_variance_clipped)
        if schedule.sigma_small
        else (large, np.log(large))
    )
    expanded = (extract_at_timestep(values, t, x_t).expand_as(x_t) for values in (variance, log_variance))
    return next(expanded), next(expanded)


def threshold(name: str, x_start: Tensor) -> Tensor:
    """`x_start` (N, 3, H, W) after the thresholding called `name`; raises UserError for an unknown one.

    `clip`: values outside [-1, 1] become its ends, as in the released code. `dynamic`, or `dynamic-0.95` with another
    quantile than 0.995: each sample is clipped to its own quantile of |x_0|, at least 1, and divided by it (arXiv
    2205.11487 section 2.3). `none`: as it is.
    """
    if name == "clip":
        return x_start.clamp(-1, 1)
    if name == "none":
        return x_start
    limit = torch.quantile(x_start.abs().flatten(1).float(), dynamic_ratio(name), dim=1).clamp(min=1)
    limit = limit.reshape(-1, *[1] * (x_start.dim() - 1)).to(x_start.dtype)
    return x_start.clamp(-limit, limit) / limit


def dynamic_ratio(name: str) -> float:
    """The quantile of a dynamic thresholding called `name`; raises UserError where it isn't one."""
    kind, dash, ratio = name.partition("-")
    try:
        chosen = float(ratio) if dash else DYNAMIC_QUANTILE
    except ValueError:
        chosen = 0.0
    if kind != "dynamic" or not 0 < chosen <= 1:
        raise UserError(
            f"--threshold {name}: expected clip, none, dynamic, or dynamic-0.95 with a quantile of your own"
        )
    return chosen


def check_threshold(name: str) -> str:
    """`name`, if it is a thresholding; raises UserError."""
    if name not in ("clip", "none"):
        dynamic_ratio(name)
    return name
