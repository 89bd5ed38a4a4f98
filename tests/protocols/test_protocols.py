"""Protocols are valid, known by name, and say what they don't know."""

from typing import Any

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.base import ClassTable
from sdm_bench.evaluation.fid import FIDSection
from sdm_bench.evaluation.metric import metric, metric_names, needed_weights, statements
from sdm_bench.evaluation.scoring import MIoUSection
from sdm_bench.metrics.resize import RESIZES
from sdm_bench.protocols.protocols import DEFAULT, Protocol, covering, protocol, protocol_names, read_protocol
from sdm_bench.weights.registry import registry
from segmenters.architectures import released_names

DATASETS = {"celebamask_hq", "cityscapes", "ade20k", "coco_stuff", "folder"}
HEAD = "name: x@1\nsummary: y\n"


def everything(found: Protocol) -> list[tuple[str, str, Any]]:
    """Metric, dataset and validated fields of all that a protocol states."""
    return [(each.name, dataset, section) for each, dataset, section in statements(found)]


@pytest.mark.parametrize("name", protocol_names())
def test_every_protocol_is_valid_and_names_known_things(name: str) -> None:
    found = protocol(name)
    assert found.name == name
    stated = everything(found)
    assert stated
    assert {dataset for _, dataset, _ in stated} <= DATASETS
    for _, dataset, section in stated:
        if isinstance(section, FIDSection):
            own = not section.extractor.startswith("inception")
            assert section.resize == "its own" if own else section.resize in RESIZES
        if isinstance(section, MIoUSection):
            assert section.segmenter is None or section.segmenter in released_names()
            if dataset != "folder":
                assert set(section.without) <= set(ClassTable.shipped(dataset).names)


@pytest.mark.parametrize("name", protocol_names())
def test_every_protocol_pins_the_weights_that_the_registry_knows(name: str) -> None:
    found = protocol(name)
    needed = needed_weights(found, metric_names())
    assert set(needed) <= set(registry())
    known = {each: registry()[each].tensors_sha256 for each in needed}
    assert found.weights == {each: digest for each, digest in known.items() if digest is not None}


def test_the_programs_own_protocol_covers_everything_that_the_papers_report() -> None:
    found = protocol(DEFAULT)
    for name in ("fid", "lpips", "miou"):
        assert set(found.datasets(name)) == DATASETS
        for dataset in DATASETS:
            metric(name).stated(found, dataset)


def test_every_metric_can_be_measured_on_every_dataset() -> None:
    for name in metric_names():
        for dataset in DATASETS:
            assert [each for each in covering(name, dataset) if not each.unknown(name, dataset)]


def test_unknown_protocols_are_refused() -> None:
    assert DEFAULT in protocol_names()
    with pytest.raises(UserError, match=r"Unknown protocol 'sdm-bench@2'\. Did you mean 'sdm-bench@1'"):
        protocol("sdm-bench@2")


def test_what_no_source_states_is_not_measured() -> None:
    with pytest.raises(UserError, match=r"spade@1: fid on ade20k can't be reconstructed\. Not stated: real: which"):
        metric("fid").stated(protocol("spade@1"), "ade20k")
    with pytest.raises(UserError, match="ccfpse@1 says nothing about lpips on ade20k; it knows lpips on: none"):
        metric("lpips").stated(protocol("ccfpse@1"), "ade20k")
    assert metric("miou").stated(protocol("ccfpse@1"), "coco_stuff").average == "labels"
    with pytest.raises(UserError, match=r"ccfpse@1 says nothing about miou on folder; it knows miou on: .*coco_stuff"):
        protocol("ccfpse@1").refuse_unstated("miou", "folder")


def test_what_is_unknown_is_told_by_field_and_is_no_field() -> None:
    found = protocol("spade@1")
    assert list(found.unknown("miou", "ade20k")) == ["picture_size"]
    assert found.fields("miou", "ade20k") == {"segmenter": "ade20k-upernet101", "average": "all"}
    assert protocol(DEFAULT).unknown("fid", "ade20k") == {}


def test_protocols_of_a_metric_on_a_dataset() -> None:
    names = {each.name for each in covering("miou", "coco_stuff")}
    assert {"sdm-bench@1", "full-size@1", "scdm@1", "ccfpse@1"} <= names
    assert "clade@1" not in names


def test_a_dataset_changes_what_stands_under_defaults() -> None:
    text = (
        f"{HEAD}miou: {{defaults: {{average: all, labels: file}}, datasets: {{ade20k: , folder: {{average: union}}}}}}"
    )
    found = read_protocol(text, "x.yaml")
    assert found.datasets("miou") == ["ade20k", "folder"]
    assert found.fields("miou", "ade20k") == {"average": "all", "labels": "file"}
    assert found.fields("miou", "folder") == {"average": "union", "labels": "file"}
    assert found.datasets("fid") == []


BROKEN = {
    "unknown field": ("miou: {datasets: {ade20k: {average: all, avrg: 1}}}", r"miou on ade20k: avrg: Extra inputs"),
    "absent field": ("fid: {datasets: {ade20k: {resize: clean}}}", r"fid on ade20k: extractor: Field required"),
    "wrong default": (
        "lpips: {defaults: {weights: lpips-squeeze}, datasets: {folder: }}",
        r"lpips on folder: weights: Input should be 'lpips-alex' or 'lpips-vgg'",
    ),
    "former name": (
        "lpips: {datasets: {folder: {weights: lpips-alex, reading: sdm}}}",
        r"lpips on folder: reading: Extra inputs",
    ),
    "unknown field under unknown": (
        "miou: {datasets: {ade20k: {average: all, unknown: {avrg: who knows}}}}",
        r"miou on ade20k: unknown names avrg, which are no fields of it",
    ),
    "unknown metric": ("fdi: {datasets: {ade20k: {resize: clean}}}", r"Unknown metric 'fdi'\. Did you mean 'fid'"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_section_is_refused_with_the_field(broken: str) -> None:
    text, message = BROKEN[broken]
    found = read_protocol(HEAD + text, "x.yaml")
    with pytest.raises(UserError, match=message) as caught:
        everything(found)
    assert "metric" in message or caught.value.message.startswith("x@1: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x@1\nsumary: y\n", r"sumary: expected defaults and datasets; found 'y'"),
        ("name: x@1\nfid: {datasets: {}}", r"not a protocol: summary: Field required"),
        (f"{HEAD}weights: [a]", r"not a protocol: weights: Input should be a valid dict"),
        (f"{HEAD}fid: {{default: {{}}, datasets: {{}}}}", r"fid: expected defaults and datasets; found"),
        (f"{HEAD}fid: {{defaults: {{}}}}", r"fid: expected defaults and datasets; found"),
        (f"{HEAD}fid: {{datasets: [ade20k]}}", r"fid: datasets: expected names with values; found \['ade20k'\]"),
        (f"{HEAD}fid: {{defaults: [a], datasets: {{}}}}", r"fid: defaults: expected names with values; found \['a'\]"),
        (f"{HEAD}fid: {{datasets: {{ade20k: 3}}}}", r"fid: ade20k: expected names with values; found 3"),
        (
            f"{HEAD}fid: {{datasets: {{ade20k: {{unknown: size}}}}}}",
            r"fid: ade20k: unknown: expected names with values",
        ),
        ("- a\n- b\n", r"not a protocol: expected fields; found list"),
        ("", r"not a protocol: expected fields; found NoneType"),
        ("name: [", r"not YAML: "),
    ],
)
def test_what_is_no_protocol_is_refused_with_the_file(text: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"^x\.yaml: {message}"):
        read_protocol(text, "x.yaml")


@pytest.mark.parametrize("dataset", ["ade20k", "coco_stuff"])
def test_protocols_of_text_to_image_priors_differ_where_their_sources_do(dataset: str) -> None:
    names = ("controlnetpp@1", "ctrlu@1", "seg2any@1", "controlar@1")
    first, same, original, single = (metric("miou").parsed(protocol(name), dataset) for name in names)
    assert first == same == original
    assert (first.samples, first.groups, first.sample_size, first.label_size) == (4, "corpus", (512, 512), (512, 512))
    assert (single.samples, single.groups, single.mmseg) == (1, "mean", first.mmseg)
    assert single.dropped == (("flag",) if dataset == "ade20k" else ())
    assert first.mmseg.sha256 == ("7120c214" if dataset == "ade20k" else "3cbca14d")
    fids = [metric("fid").parsed(protocol(name), dataset) for name in names]
    assert [each.samples for each in fids] == [4, 4, 4, 1]
    assert [each.real_recipe for each in fids[:3]] == ["spade", "spade", "stored"]
    assert set(protocol("controlar@1").unknown("fid", dataset)) == {"real_recipe"}
    scores = [metric("clip_score").stated(protocol(name), dataset) for name in names[:3]]
    assert [each.samples for each in scores] == [4, 4, 1]
    assert not protocol("controlar@1").datasets("clip_score")


def test_the_modern_protocol_covers_every_dataset_without_mmcv() -> None:
    found = protocol("modern@1")
    for name in ("fid", "cmmd", "kid", "lpips", "miou", "clip_score"):
        assert set(found.datasets(name)) == DATASETS
    named = {dataset: metric("miou").stated(found, dataset).segmenter for dataset in DATASETS}
    assert {dataset for dataset, segmenter in named.items() if segmenter} == {"ade20k", "cityscapes"}
    assert metric("fid").stated(found, "ade20k").extractor == "dinov2-vit-l-14"


def test_the_cross_check_differs_from_our_own_protocol_in_the_network_alone() -> None:
    ours, other = protocol(DEFAULT), protocol("cross-check@1")
    assert set(other.datasets("fid")) == DATASETS
    assert {each.name for each, _, _ in statements(other)} == {"fid"}
    for dataset in DATASETS:
        usual, stated = (metric("fid").stated(each, dataset).model_dump() for each in (ours, other))
        assert {name for name, value in stated.items() if value != usual[name]} == {"extractor", "resize"}
    assert other.weights == {"efficientnet-lite0": registry()["efficientnet-lite0"].tensors_sha256}
