"""Classifier-free guidance (arXiv 2207.12598), in the released code's convention."""

from torch import Tensor


def guide(conditional: Tensor, null: Tensor, scale: float, channels: int = 3) -> Tensor:
    """eps_null + scale * (eps_cond - eps_null) on the first `channels`; the variance channels stay conditional.

    conditional, null: network outputs (N, C, H, W). scale: s of the released code; the paper's equation, eps_cond +
    s (eps_cond - eps_null), has s = scale - 1. Source: WeilunWang/semantic-diffusion-model@7171f37, p_mean_variance.
    """
    guided = conditional.clone()
    guided[:, :channels] = null[:, :channels] + scale * (conditional[:, :channels] - null[:, :channels])
    return guided
