"""Noise schedules and their respacing, in float64.

Source: Ho et al. 2020 (arXiv 2006.11239), Nichol & Dhariwal 2021 (arXiv 2102.09672);
WeilunWang/semantic-diffusion-model@7171f37, guided_diffusion/{gaussian_diffusion,respace}.py.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sdm_bench.errors import UserError, unknown_name


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    """T timesteps of noise; every array is float64 (T,).

    betas: variances added from step t-1 to t. timestep_map: int64 (T,), the timestep of the original schedule, which is
    what the network is given; equal to 0..T-1 unless respaced.
    """

    betas: np.ndarray
    timestep_map: np.ndarray
    original_steps: int

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
        return NoiseSchedule(betas, self.timestep_map[kept], self.original_steps)


def make_schedule(name: str, steps: int) -> NoiseSchedule:
    """The schedule called `name` (`linear` or `cosine`) with `steps` timesteps."""
    makers = {"linear": linear_betas, "cosine": cosine_betas}
    if name not in makers:
        raise unknown_name("noise schedule", name, makers)
    return NoiseSchedule(makers[name](steps), np.arange(steps), steps)


def linear_betas(steps: int) -> np.ndarray:
    """Evenly spaced from 0.0001 to 0.02 at 1,000 steps, scaled by 1000 / steps otherwise."""
    scale = 1000 / steps
    return np.linspace(scale * 0.0001, scale * 0.02, steps, dtype=np.float64)


def cosine_betas(steps: int, max_beta: float = 0.999) -> np.ndarray:
    """alpha_bar(t) = cos^2((t + 0.008) / 1.008 * pi / 2), eq. 17 of arXiv 2102.09672."""

    def alpha_bar(t: float) -> float:
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    return np.array([min(1 - alpha_bar((i + 1) / steps) / alpha_bar(i / steps), max_beta) for i in range(steps)])


def space_timesteps(num_timesteps: int, spec: str) -> list[int]:
    """The kept timesteps, sorted: `ddimN` for N evenly strided ones, or counts of equal sections such as `10,15,20`.

    Raises UserError when no integer stride gives N steps, or a section has fewer timesteps than asked for.
    """
    if spec.startswith("ddim"):
        return _strided(num_timesteps, int(spec.removeprefix("ddim")))
    counts = [int(count) for count in spec.split(",")]
    size, extra = divmod(num_timesteps, len(counts))
    kept: set[int] = set()
    start = 0
    for section, count in enumerate(counts):
        length = size + (section < extra)
        kept.update(start + offset for offset in _spread(length, count))
        start += length
    return sorted(kept)


def _strided(num_timesteps: int, count: int) -> list[int]:
    for stride in range(1, num_timesteps):
        kept = range(0, num_timesteps, stride)
        if len(kept) == count:
            return list(kept)
    raise UserError(f"no integer stride takes {count} of {num_timesteps} timesteps; try another number of steps")


def _spread(length: int, count: int) -> list[int]:
    if count > length:
        raise UserError(f"cannot take {count} steps from {length} timesteps; ask for at most {length}")
    stride = 1.0 if count <= 1 else (length - 1) / (count - 1)
    # Added up rather than multiplied: the reference accumulates, and the sums decide ties of the rounding.
    position, positions = 0.0, []
    for _ in range(count):
        positions.append(round(position))
        position += stride
    return positions
