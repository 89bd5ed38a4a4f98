"""Protocols are valid, known by name, and say what they don't know."""

import pytest

from sdm_bench.datasets.base import ClassTable
from sdm_bench.errors import UserError
from sdm_bench.metrics.resize import RESIZES
from sdm_bench.protocols.catalog import DEFAULT, covering, protocol, protocol_names, read_protocol
from sdm_bench.weights.registry import registry
from segmenters.catalog import released_names

DATASETS = {"celebamask_hq", "cityscapes", "ade20k", "coco_stuff", "folder"}


@pytest.mark.parametrize("name", protocol_names())
def test_every_protocol_is_valid_and_names_known_things(name: str) -> None:
    found = protocol(name)
    assert found.name == name
    assert {*found.fid, *found.lpips, *found.miou} <= DATASETS
    for each in found.fid.values():
        assert each.resize in RESIZES if each.extractor.startswith("inception") else each.resize == "its own"
    assert set(found.feature_weights) <= set(registry())
    for dataset, section in found.miou.items():
        assert section.segmenter is None or section.segmenter in released_names()
        if dataset != "folder":
            assert set(section.without) <= set(ClassTable.shipped(dataset).names)
    for metric, sections in (("fid", found.fid), ("lpips", found.lpips), ("miou", found.miou)):
        for dataset, each in sections.items():
            assert set(each.unknown) <= set(type(each).model_fields), f"{metric} on {dataset}: unknown fields"


def test_the_programs_own_protocol_covers_everything() -> None:
    found = protocol(DEFAULT)
    assert set(found.fid) == set(found.lpips) == set(found.miou) == DATASETS
    for dataset in DATASETS:
        for metric in ("fid", "lpips", "miou"):
            found.stated(metric, dataset)


def test_unknown_protocols_are_refused() -> None:
    assert DEFAULT in protocol_names()
    with pytest.raises(UserError, match=r"Unknown protocol 'sdm-bench@2'\. Did you mean 'sdm-bench@1'"):
        protocol("sdm-bench@2")


def test_what_no_source_states_is_not_measured() -> None:
    with pytest.raises(UserError, match=r"spade@1: fid on ade20k can't be reconstructed\. Not stated: real: which"):
        protocol("spade@1").fid_on("ade20k")
    with pytest.raises(UserError, match="ccfpse@1 says nothing about lpips on ade20k; it knows lpips on: none"):
        protocol("ccfpse@1").lpips_on("ade20k")
    assert protocol("ccfpse@1").miou_on("coco_stuff").average == "labels"


def test_protocols_of_a_metric_on_a_dataset() -> None:
    names = {each.name for each in covering("miou", "coco_stuff")}
    assert {"sdm-bench@1", "full-size@1", "scdm@1", "ccfpse@1"} <= names
    assert "clade@1" not in names


def test_a_broken_protocol_is_refused_with_the_field() -> None:
    text = "name: x@1\nsummary: y\nmiou: {datasets: {ade20k: {averag: all}}}\n"
    with pytest.raises(UserError, match=r"x\.yaml: not a protocol: miou\.ade20k\.average: .*averag: Extra inputs"):
        read_protocol(text, "x.yaml")
