"""The options that say what diffusion process a network is trained on, named as the flags of SDM's script."""

from typing import Any

import click

from sdm_bench.commands import options

PROCESS_OPTIONS = (
    click.option("--noise-schedule", type=click.Choice(["linear", "cosine"]), help="Default: the preset's."),
    click.option("--diffusion-steps", type=click.IntRange(min=2), help="Timesteps in all (default: the preset's)."),
    click.option("--rescale-timesteps", is_flag=True, help="The network sees timesteps in [0, 1000), however many."),
    click.option("--predict-xstart", is_flag=True, help="The network predicts x_0 instead of the noise."),
    click.option("--sigma-small", is_flag=True, help="Fixed variances are beta tilde instead of beta."),
)
TRAINING_OPTIONS = (
    *PROCESS_OPTIONS,
    click.option(
        "--timestep-respacing",
        metavar="SPEC",
        help="Train on these timesteps alone (default: all): like 100, 10,15,20 or ddim25.",
    ),
    click.option(
        "--loss",
        type=click.Choice(["mse", "rescaled-mse", "kl"]),
        help="mse (the default) with a term of the bound for learnt variances, rescaled-mse with the term times "
        "steps / 1000, kl: the bound alone.",
    ),
    click.option("--no-learn-sigma", is_flag=True, help="Three output channels: variances are fixed, not learnt."),
    click.option(
        "--channel-mult",
        type=options.NumberList(),
        help="Widths from the finest resolution on, in units of the preset's channels: 0.5,1,1,2,2,4,4 for 512 pixels "
        "(default: the preset's).",
    ),
)
FIELDS = {"noise_schedule": "schedule", "diffusion_steps": "steps"}
NAMES = ("noise_schedule", "diffusion_steps", "rescale_timesteps", "predict_xstart", "sigma_small")


def take_process(chosen: dict[str, Any], *further: str) -> dict[str, Any]:
    """Takes what replaces fields of the diffusion preset out of a command's options."""
    asked = {FIELDS.get(name, name): chosen.pop(name) for name in (*NAMES, *further)}
    return {name: value for name, value in asked.items() if value not in (None, False)}


def take_noise(chosen: dict[str, Any]) -> dict[str, Any]:
    """Takes what replaces the noise schedule of a preset out of a command's options."""
    asked = {FIELDS[name]: chosen.pop(name) for name in NAMES[:2]}
    return {name: value for name, value in asked.items() if value is not None}


def take_network(chosen: dict[str, Any]) -> dict[str, Any]:
    """Takes what replaces fields of the network's preset out of a command's options."""
    fixed, widths = chosen.pop("no_learn_sigma"), chosen.pop("channel_mult")
    return ({"out_channels": 3} if fixed else {}) | ({"channel_mult": widths} if widths else {})
