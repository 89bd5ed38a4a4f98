"""The one device argument."""

import pytest
import torch

from sdm_bench.base.devices import pick_device
from sdm_bench.base.errors import UserError


def test_auto_is_the_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert (pick_device("auto").type, pick_device("cuda:1").index) == ("cuda", 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto").type == pick_device("cpu").type == "cpu"
    with pytest.raises(UserError, match="--device cuda: PyTorch finds no GPU"):
        pick_device("cuda")
    with pytest.raises(UserError, match="--device gpu: expected cpu, cuda or auto"):
        pick_device("gpu")
