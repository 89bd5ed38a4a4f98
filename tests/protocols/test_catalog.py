"""Protocols are valid and known by name."""

import pytest

from sdm_bench.errors import UserError
from sdm_bench.metrics.resize import RESIZES
from sdm_bench.protocols.catalog import DEFAULT, protocol, protocol_names
from sdm_bench.weights.registry import registry


@pytest.mark.parametrize("name", protocol_names())
def test_every_protocol_is_valid_and_names_known_things(name: str) -> None:
    found = protocol(name)
    assert found.name == name
    assert found.fid.resize in RESIZES
    segmenters = {weights for weights in found.miou.segmenter.values() if weights is not None}
    assert {found.fid.extractor, found.lpips.weights, *segmenters} <= set(registry())


def test_unknown_protocols_are_refused() -> None:
    assert DEFAULT in protocol_names()
    with pytest.raises(UserError, match=r"Unknown protocol 'sdm-bench@2'\. Did you mean 'sdm-bench@1'"):
        protocol("sdm-bench@2")
