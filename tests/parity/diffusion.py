"""Parity of schedules, losses, reverse steps and sampling loops with semantic-diffusion-model's guided_diffusion."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sdm_bench.diffusion import gaussian_diffusion, losses
from sdm_bench.diffusion.gaussian_diffusion import NoiseSchedule, preset_schedule
from sdm_bench.diffusion.guidance import guide
from sdm_bench.diffusion.respacing import space_timesteps
from sdm_bench.diffusion.solvers import STEPS, Solver, respaced_solver, solve
from sdm_bench.models.preset import DiffusionPreset
from tests.parity.cases import Case

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
    """Forward process, posterior and the losses of one step, of every kind that the case lists."""
    schedule = _schedule(case.arguments)
    x_start, noise, t = case.tensor("x_start"), case.tensor("noise"), case.tensor("t")
    x_t = gaussian_diffusion.q_sample(schedule, x_start, t, noise)
    q_mean, q_variance, q_log_variance = gaussian_diffusion.q_mean_variance(schedule, x_start, t)
    out = {
        "q_sample": x_t,
        "q_mean": q_mean,
        "q_variance": q_variance.flatten(),
        "q_log_variance": q_log_variance.flatten(),
        "posterior_mean": gaussian_diffusion.q_posterior_mean(schedule, x_start, x_t, t),
        "posterior_variance": schedule.posterior_variance[t].astype(np.float32),
        "posterior_log_variance_clipped": schedule.posterior_log_variance_clipped[t].astype(np.float32),
        "model_timesteps": schedule.network_timesteps(t),
    }
    y = _one_hot(case)
    for kind, about in case.about["loss_types"].items():
        chosen = case.arguments | about["arguments"]
        chain, preset = _schedule(chosen), _preset(chosen)
        output = _stub(chosen)(x_t, chain.network_timesteps(t), y)
        loss = losses.training_loss(chain, output, x_start, x_t, t, noise, preset.loss)
        out |= {f"{name}_{kind}": getattr(loss, name) for name in ("mse", "vb", "loss")}
    chosen = case.arguments | case.about["loss_types"]["default"]["arguments"]
    output = _stub(chosen)(x_t, schedule.network_timesteps(t), y)
    return out | _loss_gradients(_schedule(chosen), output, x_start, x_t, t, noise)


def _loss_gradients(schedule: NoiseSchedule, output: Tensor, *rest: Tensor) -> dict[str, Tensor]:
    halves = torch.ones(2, requires_grad=True)
    scaled = torch.cat([output[:, :3] * halves[0], output[:, 3:] * halves[1]], 1)
    loss = losses.training_loss(schedule, scaled, *rest)
    (of_vb,) = torch.autograd.grad(loss.vb.sum(), halves, retain_graph=True)
    (of_loss,) = torch.autograd.grad(loss.loss.sum(), halves)
    assert of_vb[0] == 0
    return {"grad_vb_variance_half": of_vb[1:], "grad_loss_halves": of_loss}


def reverse_steps(case: Case) -> dict[str, Any]:
    """Mean, variance, log-variance and x_0 of the reverse step, with and without clipping, label and guidance."""
    about = case.arguments["create_gaussian_diffusion"]
    schedule, network = _schedule(about), _stub(about)
    x, t = case.tensor("x"), case.tensor("t")
    timesteps, y = schedule.network_timesteps(t), _one_hot(case)
    outputs = {
        "": network(x, timesteps),
        "_y": network(x, timesteps, y),
        "_guided": _guided(case)(x, timesteps),
        "_s1": _guided(case, 1.0)(x, timesteps),
        "_s_half": _guided(case, 0.5)(x, timesteps),
    }
    out: dict[str, Any] = {"model_timesteps": timesteps}
    for suffix, output in outputs.items():
        for limit, ending in (("clip", ""), ("none", "_unclipped")):
            step = gaussian_diffusion.reverse_step(schedule, output, x, t, limit)
            out |= {
                f"mean{suffix}{ending}": step.mean,
                f"variance{suffix}{ending}": step.variance,
                f"log_variance{suffix}{ending}": step.log_variance,
                f"pred_xstart{suffix}{ending}": step.x_start,
            }
    for size, small in (("large", False), ("small", True)):
        fixed = gaussian_diffusion.fixed_variance(replace(schedule, sigma_small=small), x, t)
        for name, values in zip(("variance", "log_variance"), fixed, strict=True):
            out[f"{name}_fixed_{size}"] = values[:, 0, 0, 0]
    return out


def single_steps(case: Case) -> dict[str, Any]:
    """One ancestral step and one DDIM step for several eta, guided."""
    schedule = _schedule(case.arguments["create_gaussian_diffusion"])
    x, t, noise = case.tensor("x"), case.tensor("t"), torch.from_numpy(case.inputs["noise"][0])
    output = _guided(case)(x, schedule.network_timesteps(t))
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
    eta = case.arguments.get("eta")
    limit = "clip" if case.arguments.get("clip_denoised", True) else "none"
    name = "ddpm" if eta is None else "ddim"
    full, spacing = _schedule(about | {"timestep_respacing": ""}), about.get("timestep_respacing", "")
    solver = respaced_solver(name, spacing or str(len(full)), full, eta or 0.0, limit)
    schedule = solver.schedule(full)
    noises = iter(case.inputs["noise"])
    seen: list[float] = []
    guided = _guided(case)

    def denoise(x: Tensor, timestep: Tensor) -> Tensor:
        seen.append(timestep.item())
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
    about = case.arguments["create_gaussian_diffusion"]
    schedule, network = _schedule(about), _stub(about)
    limit = "clip" if case.arguments.get("clip_denoised", True) else "none"
    x_start, y = case.tensor("x_start"), _one_hot(case)
    columns: dict[str, list[Tensor]] = {"vb": [], "xstart_mse": [], "mse": []}
    for index, noise in zip(reversed(range(len(schedule))), map(torch.from_numpy, case.inputs["noise"]), strict=True):
        t = torch.full((len(x_start),), index)
        x_t = gaussian_diffusion.q_sample(schedule, x_start, t, noise)
        output = network(x_t, schedule.network_timesteps(t), y)
        columns["vb"].append(losses.variational_bound_term(schedule, output, x_start, x_t, t, limit))
        predicted = gaussian_diffusion.reverse_step(schedule, output, x_t, t, limit).x_start
        eps = gaussian_diffusion.eps_from_x_start(schedule, x_t, t, predicted)
        columns["xstart_mse"].append(losses.flat_mean((predicted - x_start) ** 2))
        columns["mse"].append(losses.flat_mean((eps - noise) ** 2))
    out = {name: torch.stack(values, 1) for name, values in columns.items()}
    prior = losses.prior_bound(schedule, x_start)
    return out | {"prior_bpd": prior, "total_bpd": out["vb"].sum(1) + prior}


def stub(x: Tensor, t: Tensor, y: Tensor | None = None, learn_sigma: bool = True) -> Tensor:
    """The stand-in network that the cases spell out: six channels, or three, that depend on x, t and y."""
    s = torch.sin(t.float() / 1000).reshape(-1, 1, 1, 1)
    mean, values = 0.3 * x + 0.1 * s, 0.2 * x
    if y is not None:
        weights = (torch.arange(y.shape[1]) + 1).reshape(1, -1, 1, 1) / y.shape[1]
        label = (y * weights).sum(1, keepdim=True)
        mean, values = mean + 0.4 * label, values + 0.3 * label
    return torch.cat([mean, values], 1) if learn_sigma else mean


def _stub(about: dict) -> Callable[..., Tensor]:
    return partial(stub, learn_sigma=about.get("learn_sigma", False))


def _preset(about: dict) -> DiffusionPreset:
    """Our preset of the official create_gaussian_diffusion arguments."""
    loss = "kl" if about.get("use_kl") else "rescaled-mse" if about.get("rescale_learned_sigmas") else "mse"
    spacing = about.get("timestep_respacing", "")
    return DiffusionPreset(
        steps=about.get("steps", 1000),
        schedule=about.get("noise_schedule", "linear"),
        timestep_respacing=spacing if isinstance(spacing, str) else ",".join(map(str, spacing)),
        rescale_timesteps=about.get("rescale_timesteps", False),
        predict_xstart=about.get("predict_xstart", False),
        sigma_small=about.get("sigma_small", False),
        loss=loss,
    )


def _schedule(about: dict) -> NoiseSchedule:
    return preset_schedule(_preset(about))


def _one_hot(case: Case) -> Tensor:
    label = case.tensor("label")
    channels = case.arguments.get("K", case.about["inputs"]["label"]["num_classes"])
    return F.one_hot(label, channels).permute(0, 3, 1, 2).float()


def _guided(case: Case, scale: float | None = None) -> Callable[[Tensor, Tensor], Tensor]:
    """The guided network; guidance is off up to a scale of 1."""
    y, chosen = _one_hot(case), case.arguments["guidance_scale"] if scale is None else scale
    network = _stub(case.arguments["create_gaussian_diffusion"])
    if chosen <= 1:
        return lambda x, t: network(x, t, y)
    return lambda x, t: guide(network(x, t, y), network(x, t, torch.zeros_like(y)), chosen)


def _stores(name: str) -> Callable[[Case], bool]:
    return lambda case: name in case.stored and "guided_diffusion" in case.about["source"]


HANDLERS = [
    (lambda case: "respace.py space_timesteps" in case.about["source"], kept_timesteps),
    (_stores("betas"), schedule_arrays),
    (lambda case: "loss_types" in case.about, training_losses),
    (_stores("total_bpd"), bits_per_dimension),
    (_stores("trajectory"), sampling_loop),
    (_stores("p_sample"), single_steps),
    (_stores("mean_guided"), reverse_steps),
]
