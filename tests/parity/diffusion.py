"""Parity of schedules, losses, reverse steps and sampling loops with semantic-diffusion-model's guided_diffusion."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sdm_bench.diffusion import gaussian_diffusion, losses
from sdm_bench.diffusion.gaussian_diffusion import NoiseSchedule, make_schedule, space_timesteps
from sdm_bench.diffusion.guidance import guide
from sdm_bench.diffusion.solvers import STEPS, Solver, solve
from tests.parity.cases import Case
from tests.parity.not_supported import NotSupportedError

ARRAYS = {
    "betas": lambda s: s.betas,
    "alphas_cumprod": lambda s: s.alphas_cumprod,
    "alphas_cumprod_prev": lambda s: s.alphas_cumprod_prev,
    "alphas_cumprod_next": lambda s: s.alphas_cumprod_next,
    "sqrt_alphas_cumprod": lambda s: np.sqrt(s.alphas_cumprod),
    "sqrt_one_minus_alphas_cumprod": lambda s: np.sqrt(1 - s.alphas_cumprod),
    "log_one_minus_alphas_cumprod": lambda s: np.log(1 - s.alphas_cumprod),
    "sqrt_recip_alphas_cumprod": lambda s: np.sqrt(1 / s.alphas_cumprod),
    "sqrt_recipm1_alphas_cumprod": lambda s: np.sqrt(1 / s.alphas_cumprod - 1),
    "posterior_variance": lambda s: s.posterior_variance,
    "posterior_log_variance_clipped": lambda s: s.posterior_log_variance_clipped,
    "posterior_mean_coef1": lambda s: s.posterior_mean_coef1,
    "posterior_mean_coef2": lambda s: s.posterior_mean_coef2,
}


def schedule_arrays(case: Case) -> dict[str, Any]:
    """The arrays of a schedule at the listed indices."""
    schedule = _schedule(case.arguments["create_gaussian_diffusion"])
    out: dict[str, Any] = {
        name: function(schedule)[case.inputs["indices"]] for name, function in ARRAYS.items() if name in case.stored
    }
    return out | {"timestep_map": schedule.timestep_map}


def kept_timesteps(case: Case) -> dict[str, Any]:
    """Kept timesteps of section counts and strides, and the specs that must be refused."""
    for steps, spec in case.about["raises_value_error"]:
        try:
            space_timesteps(steps, spec)
        except Exception as error:
            if type(error).__name__ != "UserError":
                raise
        else:
            raise AssertionError(f"{steps}:{spec} was accepted")
    specs = [str(spec).split(":") for spec in case.inputs["specs"]]
    return {f"{steps}:{spec}": np.array(space_timesteps(int(steps), spec)) for steps, spec in specs}


def training_losses(case: Case) -> dict[str, Any]:
    """Forward process, posterior and the losses of one step."""
    schedule = _schedule(case.arguments)
    x_start, noise, t = case.tensor("x_start"), case.tensor("noise"), case.tensor("t")
    y = _one_hot(case)
    x_t = gaussian_diffusion.q_sample(schedule, x_start, t, noise)
    q_mean, q_variance, q_log_variance = gaussian_diffusion.q_mean_variance(schedule, x_start, t)
    output = stub(x_t, t, y)
    loss = losses.hybrid_loss(schedule, output, x_start, x_t, t, noise)
    scale = len(schedule) / 1000
    fixed = losses.flat_mean((noise - output[:, :3]) ** 2)
    bound = losses.variational_bound_term(schedule, output, x_start, x_t, t)
    out = {
        "q_sample": x_t,
        "q_mean": q_mean,
        "q_variance": q_variance.flatten(),
        "q_log_variance": q_log_variance.flatten(),
        "posterior_mean": gaussian_diffusion.q_posterior_mean(schedule, x_start, x_t, t),
        "posterior_variance": schedule.posterior_variance[t].astype(np.float32),
        "posterior_log_variance_clipped": schedule.posterior_log_variance_clipped[t].astype(np.float32),
        "mse_default": loss.mse,
        "vb_default": loss.vb,
        "loss_default": loss.loss,
        "mse_rescaled": loss.mse,
        "vb_rescaled": loss.vb * scale,
        "loss_rescaled": loss.mse + loss.vb * scale,
        "mse_fixed": fixed,
        "loss_fixed": fixed,
        "loss_kl": bound * len(schedule),
        "mse_xstart": losses.flat_mean((x_start - output[:, :3]) ** 2),
    }
    return out | _loss_gradients(schedule, output, x_start, x_t, t, noise)


def _loss_gradients(schedule: NoiseSchedule, output: Tensor, *rest: Tensor) -> dict[str, Tensor]:
    halves = torch.ones(2, requires_grad=True)
    scaled = torch.cat([output[:, :3] * halves[0], output[:, 3:] * halves[1]], 1)
    loss = losses.hybrid_loss(schedule, scaled, *rest)
    (of_vb,) = torch.autograd.grad(loss.vb.sum(), halves, retain_graph=True)
    (of_loss,) = torch.autograd.grad(loss.loss.sum(), halves)
    assert of_vb[0] == 0
    return {"grad_vb_variance_half": of_vb[1:], "grad_loss_halves": of_loss}


def reverse_steps(case: Case) -> dict[str, Any]:
    """Mean, variance, log-variance and x_0 of the reverse step, with and without clipping, label and guidance."""
    schedule = _schedule(case.arguments["create_gaussian_diffusion"])
    x, t, scale = case.tensor("x"), case.tensor("t"), case.arguments["guidance_scale"]
    timesteps = torch.from_numpy(schedule.timestep_map)[t]
    y = _one_hot(case)
    plain, labelled = stub(x, timesteps), stub(x, timesteps, y)
    guided = guide(labelled, stub(x, timesteps, torch.zeros_like(y)), scale)
    out: dict[str, Any] = {"model_timesteps": timesteps}
    for output, suffix in ((plain, ""), (labelled, "_y"), (guided, "_guided")):
        for limit, ending in (("clip", ""), ("none", "_unclipped")):
            step = gaussian_diffusion.reverse_step(schedule, output, x, t, limit)
            out |= {
                f"mean{suffix}{ending}": step.mean,
                f"variance{suffix}{ending}": step.variance,
                f"log_variance{suffix}{ending}": step.log_variance,
                f"pred_xstart{suffix}{ending}": step.x_start,
            }
    fixed_large = gaussian_diffusion.fixed_large(schedule, x, t)[:, 0, 0, 0]
    small = schedule.posterior_log_variance_clipped[t]
    return out | {
        "mean_s1": out["mean_y"],
        "mean_s_half": out["mean_y"],
        "variance_fixed_large": fixed_large.exp(),
        "log_variance_fixed_large": fixed_large,
        "variance_fixed_small": schedule.posterior_variance[t].astype(np.float32),
        "log_variance_fixed_small": small.astype(np.float32),
    }


def single_steps(case: Case) -> dict[str, Any]:
    """One ancestral step and one DDIM step for several eta, guided."""
    schedule = _schedule(case.arguments["create_gaussian_diffusion"])
    x, t, noise = case.tensor("x"), case.tensor("t"), torch.from_numpy(case.inputs["noise"][0])
    output = _guided(case)(x, torch.from_numpy(schedule.timestep_map)[t])
    ddpm = Solver("ddpm", len(schedule))
    free_ddpm = replace(ddpm, threshold="none")
    clipped, free = (STEPS["ddpm"](each, schedule, output, x, t, noise) for each in (ddpm, free_ddpm))
    out = {"p_sample": clipped.sample, "p_pred_xstart": clipped.x_start, "p_sample_unclipped": free.sample}
    for name in case.stored:
        if name.startswith("ddim_sample_eta_"):
            solver = Solver("ddim", len(schedule), eta=float(name.removeprefix("ddim_sample_eta_")))
            out[name] = STEPS["ddim"](solver, schedule, output, x, t, noise).sample
    step = gaussian_diffusion.reverse_step(schedule, output, x, t)
    eps = gaussian_diffusion.eps_from_x_start(schedule, x, t, step.x_start)
    following = gaussian_diffusion.extract_at_timestep(schedule.alphas_cumprod_next, t, x)
    out["ddim_reverse_sample"] = step.x_start * following.sqrt() + (1 - following).sqrt() * eps
    return out


def sampling_loop(case: Case) -> dict[str, Any]:
    """A whole loop with given start and step noises, guided."""
    about = case.arguments["create_gaussian_diffusion"]
    schedule = _schedule(about)
    eta = case.arguments.get("eta")
    limit = "clip" if case.arguments.get("clip_denoised", True) else "none"
    name = "ddpm" if eta is None else "ddim"
    solver = Solver(name, len(schedule), eta or 0.0, limit)
    if not np.array_equal(solver.schedule(_schedule(about | {"timestep_respacing": ""})).betas, schedule.betas):
        raise AssertionError(f"{solver} walks another schedule than {about['timestep_respacing']}")
    noises = iter(case.inputs["noise"])
    seen: list[int] = []
    guided = _guided(case)

    def denoise(x: Tensor, timestep: Tensor) -> Tensor:
        seen.append(int(timestep))
        return guided(x, timestep)

    states = list(solve(solver, schedule, denoise, case.tensor("start"), lambda: torch.from_numpy(next(noises))))
    return {
        "sample": states[-1].sample,
        "trajectory": torch.stack([state.sample for state in states]),
        "pred_xstart_trajectory": torch.stack([state.x_start for state in states]),
        "timestep_map": schedule.timestep_map,
        "model_timesteps": np.array(seen),
    }


def bits_per_dimension(case: Case) -> dict[str, Any]:
    """The whole variational bound over a respaced chain, from the noisiest step down."""
    schedule = _schedule(case.arguments["create_gaussian_diffusion"])
    x_start, y = case.tensor("x_start"), _one_hot(case)
    columns: dict[str, list[Tensor]] = {"vb": [], "xstart_mse": [], "mse": []}
    for index, noise in zip(reversed(range(len(schedule))), map(torch.from_numpy, case.inputs["noise"]), strict=True):
        t = torch.full((len(x_start),), index)
        x_t = gaussian_diffusion.q_sample(schedule, x_start, t, noise)
        output = stub(x_t, torch.from_numpy(schedule.timestep_map)[t], y)
        columns["vb"].append(losses.variational_bound_term(schedule, output, x_start, x_t, t, limit="clip"))
        predicted = gaussian_diffusion.reverse_step(schedule, output, x_t, t).x_start
        eps = gaussian_diffusion.eps_from_x_start(schedule, x_t, t, predicted)
        columns["xstart_mse"].append(losses.flat_mean((predicted - x_start) ** 2))
        columns["mse"].append(losses.flat_mean((eps - noise) ** 2))
    out = {name: torch.stack(values, 1) for name, values in columns.items()}
    prior = losses.prior_bound(schedule, x_start)
    return out | {"prior_bpd": prior, "total_bpd": out["vb"].sum(1) + prior}


def stub(x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
    """The stand-in network that the cases spell out: six channels that depend on x, t and y."""
    s = torch.sin(t.float() / 1000).reshape(-1, 1, 1, 1)
    mean, values = 0.3 * x + 0.1 * s, 0.2 * x
    if y is not None:
        weights = (torch.arange(y.shape[1]) + 1).reshape(1, -1, 1, 1) / y.shape[1]
        label = (y * weights).sum(1, keepdim=True)
        mean, values = mean + 0.4 * label, values + 0.3 * label
    return torch.cat([mean, values], 1)


def _schedule(about: dict) -> NoiseSchedule:
    if not about.get("learn_sigma", True) or about.get("predict_xstart") or about.get("use_kl"):
        raise NotSupportedError("diffusion options", about)
    full = make_schedule(about.get("noise_schedule", "linear"), about["steps"])
    spacing = about.get("timestep_respacing", "")
    return full.respaced(space_timesteps(len(full), spacing)) if spacing else full


def _one_hot(case: Case) -> Tensor:
    label = case.tensor("label")
    channels = case.arguments.get("K", case.about["inputs"]["label"]["num_classes"])
    return F.one_hot(label, channels).permute(0, 3, 1, 2).float()


def _guided(case: Case) -> Callable[[Tensor, Tensor], Tensor]:
    y, scale = _one_hot(case), case.arguments["guidance_scale"]
    return lambda x, t: guide(stub(x, t, y), stub(x, t, torch.zeros_like(y)), scale)


def _stores(name: str) -> Callable[[Case], bool]:
    return lambda case: name in case.stored and "guided_diffusion" in case.about["source"]


HANDLERS = [
    (lambda case: "respace.py space_timesteps" in case.about["source"], kept_timesteps),
    (_stores("betas"), schedule_arrays),
    (_stores("mse_default"), training_losses),
    (_stores("total_bpd"), bits_per_dimension),
    (_stores("trajectory"), sampling_loop),
    (_stores("p_sample"), single_steps),
    (_stores("mean_guided"), reverse_steps),
]
