"""What decides a number, as digests."""

import torch

from sdm_bench.evaluation.context import EvaluationContext
from sdm_bench.evaluation.metric import metric
from sdm_bench.protocols.protocols import read_protocol

HEAD = "name: x@1\nsummary: y\n"


def digest(fields: str, head: str = HEAD, dataset: str = "ade20k") -> str:
    """Of what a protocol states of mean IoU."""
    protocol = read_protocol(f"{head}miou: {fields}", "x.yaml")
    section = metric("miou").parsed(protocol, dataset)
    context = EvaluationContext(None, None, protocol, "miou", section, torch.device("cpu"))  # type: ignore[arg-type]
    return context.protocol_sha256


def test_the_digest_of_a_protocol_is_of_all_that_decides_a_number_and_of_nothing_else() -> None:
    stated = "{defaults: {labels: file}, datasets: {ade20k: {average: all}, folder: {average: union}}}"
    same = [
        digest(stated),
        digest("{datasets: {ade20k: {average: all, labels: file}}}"),
        digest("{datasets: {ade20k: {average: all, labels: file, score_corners: false}}}"),
        digest("{defaults: {average: all}, datasets: {ade20k: {labels: file}}}"),
        digest(stated, "name: z@2\nsummary: another\nsources: [somewhere]\n"),
    ]
    others = [
        digest(stated, dataset="folder"),
        digest("{datasets: {ade20k: {average: all}}}"),
        digest(stated, f"{HEAD}weights: {{lpips-alex: '{'0' * 64}'}}\n"),
        digest(stated, f"{HEAD}weights: {{lpips-alex: '{'1' * 64}'}}\n"),
    ]
    assert len(set(same)) == 1
    assert len({same[0], *others}) == 1 + len(others)
