"""Parity of SDM's network, embedding and label encoding with semantic-diffusion-model."""

from typing import Any

import torch
from torch import Tensor

from sdm_bench.conditioning import Condition, instance_edges
from sdm_bench.models.sdm import SDM
from sdm_bench.models.unet import UNetConfig, timestep_embedding
from tests.parity.cases import Case, fill, keys_and_shapes

CHANNEL_MULT = {
    512: (0.5, 1, 1, 2, 2, 4, 4),
    256: (1, 1, 2, 2, 4, 4),
    128: (1, 1, 2, 3, 4),
    64: (1, 2, 3, 4),
}

# What create_model takes for what it is not told.
DEFAULTS = {
    "channel_mult": "",
    "learn_sigma": False,
    "attention_resolutions": "16",
    "num_heads": 1,
    "num_head_channels": -1,
    "num_heads_upsample": -1,
    "use_scale_shift_norm": False,
    "dropout": 0.0,
    "resblock_updown": False,
    "use_new_attention_order": False,
    "no_instance": False,
}


def config_of(told: dict) -> UNetConfig:
    """Our configuration for the official create_model arguments."""
    about = DEFAULTS | told
    size, mult = about["image_size"], about["channel_mult"]
    return UNetConfig(
        num_classes=about["num_classes"],
        edges=not about["no_instance"],
        model_channels=about["num_channels"],
        channel_mult=tuple(map(int, mult.split(","))) if mult else CHANNEL_MULT[size],
        num_res_blocks=about["num_res_blocks"],
        attention_downsampling=tuple(size // int(r) for r in about["attention_resolutions"].split(",")),
        head_channels=None if about["num_head_channels"] == -1 else about["num_head_channels"],
        num_heads=about["num_heads"],
        num_heads_upsample=None if about["num_heads_upsample"] == -1 else about["num_heads_upsample"],
        dropout=about["dropout"],
        scale_shift_norm=about["use_scale_shift_norm"],
        resblock_updown=about["resblock_updown"],
        new_attention_order=about["use_new_attention_order"],
        out_channels=6 if about["learn_sigma"] else 3,
    )


def network(case: Case) -> dict[str, Any]:
    """Keys and shapes, and where there are inputs the outputs with labels and with the null label."""
    config = config_of(case.arguments["create_model"])
    with torch.device("meta" if not case.stored else "cpu"):
        model = SDM(config)
    assert keys_and_shapes(model) == case.about["state_dict"], "state-dict keys or shapes differ"
    if not case.stored:
        return {}
    fill(model, case.about["state_dict"])
    out: dict[str, Any] = {}
    for name in case.stored:
        letter = name.rsplit("_", 1)[1]
        condition = _condition(case, config, letter)
        condition = condition.null() if "_null" in name else condition
        with torch.no_grad():
            x, timesteps = case.tensor(f"x_{letter}"), case.tensor(f"timesteps_{letter}")
            out[name] = model(x, timesteps, condition.semantics(config.edges))
    return out


def _condition(case: Case, config: UNetConfig, letter: str) -> Condition:
    label = case.tensor(f"label_{letter}")
    instance = case.tensor(f"instance_{letter}") if config.edges else None
    return Condition(label, instance, config.num_classes, torch.ones(len(label), dtype=torch.bool))


def semantics(case: Case) -> dict[str, Any]:
    """The one-hot label map with and without the edge channel, and edges alone."""
    label, instance = case.tensor("label"), case.tensor("instance")
    keep = torch.ones(len(label), dtype=torch.bool)
    condition = Condition(label, instance, case.arguments["num_classes"], keep)
    return {
        "y": condition.semantics(edges=True),
        "y_without_instance": condition.semantics(edges=False),
        "edges_noise": instance_edges(case.tensor("instance_noise")[:, 0]),
    }


def embedding(case: Case) -> dict[str, Any]:
    """Sinusoidal embeddings of several widths."""
    out = {}
    for name, stored in case.stored.items():
        timesteps: Tensor = case.tensor("fractional_timesteps" if "fractional" in name else "timesteps")
        out[name] = timestep_embedding(timesteps, stored.shape[1], case.arguments["max_period"])
    return out


HANDLERS = [
    (lambda case: "guided_diffusion/unet.py UNetModel" in case.about["source"], network),
    (lambda case: "preprocess_input, get_edges" in case.about["source"], semantics),
    (lambda case: "nn.py timestep_embedding" in case.about["source"], embedding),
]
