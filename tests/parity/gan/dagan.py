"""Parity of DAGAN: generators and the two attention modules."""

from typing import Any

import torch
from torch import nn

from sdm_bench.models.dagan import ChannelAttention, DAGANConfig, DAGANGenerator, SpatialAttention
from tests.parity.cases import Case
from tests.parity.gan.common import Handler, built, condition_of, kept, of
from tests.parity.gan.spade import network_fields, without_encoder

REPOSITORY = "Ha0Tang/DAGAN"


def generator(case: Case) -> dict[str, Any]:
    """The generator: keys and shapes, and where there are inputs the picture and inner outputs."""
    config = DAGANConfig(**network_fields(case.arguments))
    model = built(case, lambda: without_encoder(config, DAGANGenerator))
    if model is None:
        return {}
    out = kept(model, case.stored)
    with torch.no_grad():
        out["image"] = model(condition_of(case, config), case.tensor("z") if config.vae else None).picture
    return out


def attention(case: Case) -> dict[str, Any]:
    """Channel and spatial attention of two given maps."""
    parts = {"cab": ChannelAttention(case.arguments["channels"]), "spatialAtt": SpatialAttention()}
    model = built(case, lambda: nn.ModuleDict(parts))
    assert isinstance(model, nn.ModuleDict)
    detail, x = case.tensor("x1"), case.tensor("x2")
    with torch.no_grad():
        return {"channel": model["cab"](detail, x), "spatial": model["spatialAtt"](x)}


HANDLERS: list[Handler] = [
    (of(REPOSITORY, first_key="fc."), generator),
    (of(REPOSITORY, first_key="cab."), attention),
]
