"""The one device argument, and the precision of what decides a number."""

import pytest
import torch

from sdm_bench.base.devices import full_precision, pick_device
from sdm_bench.base.errors import UserError


def test_auto_is_the_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert (pick_device("auto").type, pick_device("cuda:1").index) == ("cuda", 1)
    with pytest.raises(UserError, match="--device cuda:2: PyTorch finds 2 such devices"):
        pick_device("cuda:2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert pick_device("auto").type == pick_device("cpu").type == "cpu"
    with pytest.raises(UserError, match="--device cuda: PyTorch finds 0 such devices"):
        pick_device("cuda")


def test_apples_device_is_taken_where_torch_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device("mps").type == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UserError, match="--device mps: PyTorch finds 0 such devices"):
        pick_device("mps")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cpu:1", "mps:0", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"--device {name}: expected auto, cpu, cuda, cuda:NUMBER or mps"):
        pick_device(name)


def flags() -> list[object]:
    """What decides how float32 products and convolutions are rounded, on GPUs and CPUs."""
    backends = torch.backends
    float32 = (
        backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn, backends.mkldnn.matmul, backends.mkldnn.conv,
    )  # fmt: skip
    products = backends.cuda.matmul
    sums = [products.allow_fp16_reduced_precision_reduction, products.allow_bf16_reduced_precision_reduction]
    return [*(each.fp32_precision for each in float32), *sums]


WHOLE = ["ieee"] * 5 + [False, False]


def test_precision_is_whole_inside_and_as_before_outside() -> None:
    before = flags()
    assert before != WHOLE
    with full_precision():
        assert flags() == WHOLE
    assert flags() == before
    with pytest.raises(KeyError), full_precision():
        raise KeyError
    assert flags() == before
