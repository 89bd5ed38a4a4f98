"""Parity of SCGAN: generators, encoder, layers."""

import re
from typing import Any

import torch
from torch import nn
from torch.nn.utils import spectral_norm

from sdm_bench.models.gan import FREE_NORMS, ImageEncoder
from sdm_bench.models.scgan import (
    SCGANConfig,
    SCGANGenerator,
    SpatiallyConditionalConvolution,
    SpatiallyConditionalNorm,
    expert_scores,
    gaussian_positions,
)
from tests.parity.cases import Case
from tests.parity.gan import spade
from tests.parity.gan.common import Handler, built, condition_of, kept, of
from tests.parity.not_supported import NotSupportedError

REPOSITORY = "dvlab-research/SCGAN"
FREE = {"syncbatch": "batch", "batch": "batch", "instance": "instance"}


def generator_config(about: dict) -> SCGANConfig:
    """Our configuration for the official options."""
    parsed = re.fullmatch(r"(spectral)?scc(\D+)(\d)x\d", about["norm_G"])
    if parsed is None or parsed[2] not in FREE or about["num_upsampling_layers"] == "most":
        raise NotSupportedError("norm", f"{about['norm_G']}, {about['num_upsampling_layers']}")
    return SCGANConfig(
        **spade.common_fields(about),
        nff=about["nff"],
        nrf=about["nrf"],
        shortcut_kernel=int(parsed[3]),
        convolution_experts=about["num_experts_conv"],
        norm_experts=about["num_experts_norm"],
        temperature=about["temperature"],
        weighting=about["weight_type"],
        spectral=parsed[1] is not None,
        spectral_vectors=not about["no_spectral_on_routing"],
        free_norm=FREE[parsed[2]],
        position=("pyramid" if about["pyr_pos"] else "plain") if about["position"] else "none",
        position_levels=about["pyr_rng"] - 1,
        gaussian_size=about["ig_sz"],
        gaussian_sigma=about["ig_sigma"],
        gaussian_iterations=about["ig_iter"],
        gaussian_relative=about["ig_relative"],
    )


def generator(case: Case) -> dict[str, Any]:
    """The generator: keys and shapes, and where there are inputs both pictures, inner outputs and experts' scores."""
    config = generator_config(case.arguments)
    model = built(case, lambda: spade.without_encoder(config, SCGANGenerator))
    if model is None:
        return {}
    assert isinstance(model, SCGANGenerator)
    out = kept(model, case.stored)
    condition = condition_of(case, config)
    with torch.no_grad():
        generated = model(condition, case.tensor("z") if config.vae else None)
        vectors, _ = model.pyramid_spaital_routing(model.pyramid(condition.semantics(config.edges)))
    for name in [name for name in case.stored if name.startswith("routing")]:
        number = name.removeprefix("routing").strip("_")
        level = -1 if number == "last" else int(number)
        out[name] = expert_scores(vectors[level], config.convolution_experts)
    return out | {"image": generated.picture, "w_image": generated.auxiliary}


def encoder(case: Case) -> dict[str, Any]:
    """The image encoder, whose width is that of the generator unless given."""
    about = case.arguments
    nef = about["nef"] if about["nef"] > 0 else about["ngf"]
    model = built(case, lambda: ImageEncoder(nef, about["z_dim"]))
    if model is None:
        return {}
    with torch.no_grad():
        style = model(case.tensor("image"))
    return {"mu": style.mean, "logvar": style.log_variance}


def layers(case: Case) -> dict[str, Any]:
    """The norm and the convolution with given shares, and the Gaussian positions."""
    about = case.arguments
    spectral = any(key.endswith("_orig") for key, _ in case.about["state_dict"])
    width, experts = about["norm_nc"], about["experts"]

    def build() -> nn.Module:
        norm = SpatiallyConditionalNorm(width, experts, FREE_NORMS["batch"])
        convolution = SpatiallyConditionalConvolution(
            width, about["conv_out"], experts, spectral_norm if spectral else lambda base: base
        )
        return nn.ModuleDict({"norm": norm, "conv": convolution})

    model = built(case, build)
    assert isinstance(model, nn.ModuleDict)
    gaussian, labels = about["gaussian"], case.tensor("labels")
    one_hot = nn.functional.one_hot(labels, case.about["inputs"]["labels"]["num_classes"]).permute(0, 3, 1, 2).float()
    window = (gaussian["win_size"], gaussian["sigma"], gaussian["iters"], gaussian["relative"])
    shares = case.tensor("routing_normal").softmax(dim=1)
    with torch.no_grad():
        return {
            "norm": model["norm"](case.tensor("x"), shares),
            "conv": model["conv"](case.tensor("x"), shares),
            "gaussian": gaussian_positions(one_hot, *window),
        }


HANDLERS: list[Handler] = [
    (of(REPOSITORY, first_key="fc."), generator),
    (of(REPOSITORY, first_key="layer1."), encoder),
    (of(REPOSITORY, first_key="norm."), layers),
]
