"""The losses in closed form, beyond what the parity cases fix."""

import math

import pytest
import torch

from sdm_bench.diffusion.gaussian_diffusion import make_schedule, q_sample
from sdm_bench.diffusion.losses import discretized_log_likelihood, normal_kl, training_loss


def test_the_kl_of_normals_in_closed_form() -> None:
    mean1, mean2, sigma1, sigma2 = 0.3, -0.5, 0.7, 1.9
    expected = math.log(sigma2 / sigma1) + (sigma1**2 + (mean1 - mean2) ** 2) / (2 * sigma2**2) - 0.5
    values = [torch.tensor(v) for v in (mean1, 2 * math.log(sigma1), mean2, 2 * math.log(sigma2))]
    assert float(normal_kl(*values)) == pytest.approx(expected, rel=1e-5)


def test_the_likelihoods_of_all_256_values_add_up_to_one() -> None:
    x = torch.arange(256).float() / 127.5 - 1
    for mean, scale in ((0.1, 0.05), (0.0, 2.0), (-0.98, 0.3)):
        log_p = discretized_log_likelihood(x, torch.tensor(mean), torch.tensor(math.log(scale)))
        assert float(log_p.exp().sum()) == pytest.approx(1, abs=2e-4)


def test_the_true_noise_has_no_simple_loss_and_trains_no_mean() -> None:
    schedule = make_schedule("linear", 1000)
    generator = torch.Generator().manual_seed(0)
    x_start = torch.rand(2, 3, 4, 4, generator=generator) * 2 - 1
    noise, t = torch.randn(2, 3, 4, 4, generator=generator), torch.tensor([10, 900])
    x_t = q_sample(schedule, x_start, t, noise)
    output = torch.cat([noise, torch.zeros_like(noise)], 1).requires_grad_()
    losses = training_loss(schedule, output, x_start, x_t, t, noise)
    assert losses.mse.abs().max() == 0
    assert torch.equal(losses.loss, losses.vb)
    (gradient,) = torch.autograd.grad(losses.vb.sum(), output)
    assert gradient[:, :3].abs().max() == 0
    assert gradient[:, 3:].abs().max() > 0
