"""Guidance without a classifier (arXiv 2207.12598), in the released code's convention, and by one (2105.05233)."""

from collections.abc import Callable

from torch import Tensor

from sdm_bench.diffusion.gaussian_diffusion import NoiseSchedule, extract_at_timestep

# (x_t (N, 3, H, W), indices of the schedule in use (1,)) -> s grad log p(label map | x_t), like x_t.
Pull = Callable[[Tensor, Tensor], Tensor]


def guide(conditional: Tensor, null: Tensor, scale: float, channels: int = 3) -> Tensor:
    """eps_null + scale * (eps_cond - eps_null) on the first `channels`; the variance channels stay conditional.

    conditional, null: network outputs (N, C, H, W). scale: s of the released code; the paper's equation, eps_cond +
    s (eps_cond - eps_null), has s = scale - 1. Source: WeilunWang/semantic-diffusion-model@7171f37, p_mean_variance.
    """
    guided = conditional.clone()
    guided[:, :channels] = null[:, :channels] + scale * (conditional[:, :channels] - null[:, :channels])
    return guided


def pulled_mean(mean: Tensor, variance: Tensor, pull: Tensor) -> Tensor:
    """mu + s Sigma grad log p(label map | x_t): arXiv 2105.05233 algorithm 1, arXiv 2207.00050 section 3.3.

    mean, variance: of p(x_{t-1} | x_t). pull: s times the gradient at x_t. All (N, 3, H, W).
    """
    return mean + variance * pull


def pulled_eps(schedule: NoiseSchedule, eps: Tensor, t: Tensor, pull: Tensor) -> Tensor:
    """eps - sqrt(1 - alpha_bar_t) s grad log p(label map | x_t): arXiv 2105.05233 algorithm 2, for DDIM."""
    return eps - (1 - extract_at_timestep(schedule.alphas_cumprod, t, eps)).sqrt() * pull
