"""The training losses: L_simple, the variational bound, and their hybrids.

Source: arXiv 2102.09672 section 3.1; WeilunWang/semantic-diffusion-model@7171f37,
guided_diffusion/{losses,gaussian_diffusion}.py.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from sdm_bench.diffusion.gaussian_diffusion import NoiseSchedule, extract_at_timestep, q_posterior_mean, reverse_step

BIN = 1.0 / 255.0  # half the width of an 8-bit value's bin in [-1, 1]


@dataclass(frozen=True)
class DiffusionLosses:
    """Per-sample losses, each (N,): mse of the noise or of x_0, vb in bits per dimension, and what is trained."""

    mse: Tensor
    vb: Tensor
    loss: Tensor


def training_loss(
    schedule: NoiseSchedule,
    output: Tensor,
    x_start: Tensor,
    x_t: Tensor,
    t: Tensor,
    noise: Tensor,
    kind: Literal["mse", "rescaled-mse", "kl"] = "mse",
) -> DiffusionLosses:
    """The loss called `kind` of a network's `output` at x_t = q_sample(x_start, t, noise).

    `mse` is L_simple + lambda L_vlb: vb is one term of the bound, unscaled, which at T = 1000 is lambda = 0.001 on
    L_vlb = T E[L_t]. The mean is detached in vb, so that it trains the variances alone; fixed ones leave L_simple.
    `rescaled-mse` has T / 1000 before vb, whatever T. `kl` is the bound alone, T E[L_t].
    """
    channels = x_t.shape[1]
    prediction, values = output[:, :channels], output[:, channels:]
    mse = flat_mean(((x_start if schedule.predict_xstart else noise) - prediction) ** 2)
    if kind == "kl":
        vb = variational_bound_term(schedule, output, x_start, x_t, t)
        return DiffusionLosses(mse=mse, vb=vb, loss=vb * len(schedule))
    frozen = torch.cat([prediction.detach(), values], dim=1)
    vb = variational_bound_term(schedule, frozen, x_start, x_t, t)
    if kind == "rescaled-mse":
        vb = vb * (len(schedule) / 1000)
    return DiffusionLosses(mse=mse, vb=vb, loss=mse + vb if values.shape[1] else mse)


def variational_bound_term(
    schedule: NoiseSchedule, output: Tensor, x_start: Tensor, x_t: Tensor, t: Tensor, limit: str = "none"
) -> Tensor:
    """L_t in bits per dimension, (N,): the KL of the reverse step, or at t = 0 the negative log-likelihood."""
    true_mean = q_posterior_mean(schedule, x_start, x_t, t)
    true_log_variance = extract_at_timestep(schedule.posterior_log_variance_clipped, t, x_t)
    step = reverse_step(schedule, output, x_t, t, limit)
    kl = flat_mean(normal_kl(true_mean, true_log_variance, step.mean, step.log_variance))
    nll = -flat_mean(discretized_log_likelihood(x_start, step.mean, 0.5 * step.log_variance))
    return torch.where(t == 0, nll, kl) / math.log(2.0)


def prior_bound(schedule: NoiseSchedule, x_start: Tensor) -> Tensor:
    """L_T in bits per dimension, (N,): the KL of q(x_T | x_0) against the standard normal."""
    last = torch.full((len(x_start),), len(schedule) - 1, device=x_start.device)
    cumulative = schedule.alphas_cumprod
    mean = extract_at_timestep(cumulative**0.5, last, x_start) * x_start
    log_variance = extract_at_timestep(np.log(1.0 - cumulative), last, x_start)
    zero = torch.zeros_like(mean)
    return flat_mean(normal_kl(mean, log_variance, zero, zero)) / math.log(2.0)


def normal_kl(mean1: Tensor, log_variance1: Tensor, mean2: Tensor, log_variance2: Tensor) -> Tensor:
    """KL(N(mean1, exp log_variance1) || N(mean2, exp log_variance2)) in nats, element by element."""
    ratio = (log_variance1 - log_variance2).exp()
    distance = (mean1 - mean2) ** 2 * (-log_variance2).exp()
    return 0.5 * (-1.0 + log_variance2 - log_variance1 + ratio + distance)


def discretized_log_likelihood(x: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """Log-probability of the 8-bit bin that x in [-1, 1] lies in, under a normal; the outer bins reach to infinity."""
    centred = x - mean
    inverse = (-log_scale).exp()
    above = approximate_cdf(inverse * (centred + BIN))
    below = approximate_cdf(inverse * (centred - BIN))
    inside = (above - below).clamp(min=1e-12).log()
    lowest, highest = above.clamp(min=1e-12).log(), (1.0 - below).clamp(min=1e-12).log()
    return torch.where(x < -0.999, lowest, torch.where(x > 0.999, highest, inside))


def approximate_cdf(x: Tensor) -> Tensor:
    """The normal distribution function, by the tanh formula that the reference losses were defined with."""
    return 0.5 * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))


def flat_mean(values: Tensor) -> Tensor:
    """Mean over all axes but the first."""
    return values.flatten(1).mean(1)
