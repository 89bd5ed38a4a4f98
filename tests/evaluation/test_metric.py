"""The registry of metrics: what tables, help texts and published numbers read."""

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.evaluation.metric import all_outputs, main_outputs, metric, metric_names
from sdm_bench.protocols.protocols import read_protocol


def test_every_metric_says_what_it_gives() -> None:
    for name in metric_names():
        each = metric(name)
        assert (each.name, bool(each.summary), bool(each.__doc__)) == (name, True, True)
        # edits have a table of their own
        assert each.outputs[0].main != each.edits
    names = [output.name for name in metric_names() for output in metric(name).outputs]
    assert len(set(names)) == len(names)
    titles = [output.title for output in all_outputs().values()]
    assert len(set(titles)) == len(titles)
    assert {"fid": "FID", "lpips": "LPIPS", "miou": "mIoU"}.items() <= {
        name: output.title for name, output in main_outputs().items()
    }.items()


def test_a_protocols_fields_are_those_of_the_metric() -> None:
    text = "name: x@1\nsummary: y\nmiou: {datasets: {ade20k: {averag: all}}}\n"
    with pytest.raises(UserError, match=r"x@1: miou on ade20k: .*averag: Extra inputs"):
        metric("miou").parsed(read_protocol(text, "x.yaml"), "ade20k")
    text = "name: x@1\nsummary: y\nlpips: {datasets: {ade20k: {weights: lpips-alex, unknown: {nets: which}}}}\n"
    with pytest.raises(UserError, match="x@1: lpips on ade20k: unknown names nets, which are no fields of it"):
        metric("lpips").parsed(read_protocol(text, "x.yaml"), "ade20k")
