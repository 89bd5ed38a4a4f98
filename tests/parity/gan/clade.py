"""Parity of CLADE and CLADE-ICPE: generators, the normalisation layer, distance maps."""

from typing import Any

import torch

from sdm_bench.models.clade import CLADE, CLADEConfig, CLADEGenerator, Layout, distance_maps
from tests.parity.cases import Case
from tests.parity.gan.common import Handler, built, condition_of, kept, of
from tests.parity.gan.spade import common_fields, without_encoder

REPOSITORY = "tzt101/CLADE"


def norm_fields(name: str) -> dict[str, Any]:
    """The fields of our configurations that the option norm_G, such as `spectralspadesyncbatch3x3`, names."""
    return {"norm": "instance" if "instance" in name else "batch", "spectral": "spectral" in name}


def generator(case: Case) -> dict[str, Any]:
    """The generator: keys and shapes, and where there are inputs the picture and inner outputs."""
    about = case.arguments
    fields = common_fields(about) | norm_fields(about["norm_G"])
    config = CLADEConfig(**fields, positional=about["add_dist"])
    model = built(case, lambda: without_encoder(config, CLADEGenerator))
    if model is None:
        return {}
    assert isinstance(model, CLADEGenerator)
    out = kept(model, case.stored)
    latent = case.tensor("z") if config.vae else None
    distances = case.tensor("dist_normal").tanh() if config.positional else None
    with torch.no_grad():
        out["image"] = model.generate(condition_of(case, config), latent, distances).picture
    return out


def layer(case: Case) -> dict[str, Any]:
    """One normalisation layer, with label map, edges and distance maps at another size than its input."""
    about = case.arguments
    config = CLADEConfig(
        num_classes=about["label_nc"], edges=not about["no_instance"], positional=about.get("add_dist", False)
    )
    model = built(case, lambda: CLADE(about["norm_nc"], config))
    assert model is not None
    condition = condition_of(case, config)
    edges = condition.edges() if config.edges else None
    distances = case.tensor("dist_normal").tanh() if config.positional else None
    with torch.no_grad():
        return {"out": model(case.tensor("x"), Layout(condition.label[:, None].float(), edges, distances))}


def distances(case: Case) -> dict[str, Any]:
    """Distance maps of a literal label map, scaled per region and in pixels."""
    label = case.inputs["mask"].astype(int)
    vertical, horizontal = distance_maps(label)
    vertical_raw, horizontal_raw = distance_maps(label, normalised=False)
    return {
        "vertical": vertical,
        "horizontal": horizontal,
        "vertical_raw": vertical_raw,
        "horizontal_raw": horizontal_raw,
    }


HANDLERS: list[Handler] = [
    (of(REPOSITORY, first_key="fc."), generator),
    (of(REPOSITORY, first_key="param_free_norm."), layer),
    (of(REPOSITORY, "cal_dist_masks"), distances),
]
