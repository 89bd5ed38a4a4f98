"""Where networks run, how weights load, how weights are named."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sdm_bench.errors import UserError
from sdm_bench.metrics.networks import load_weights, pick_device, read_weights, tensors_sha256


def test_auto_is_the_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert (pick_device("auto").type, pick_device("cuda:1").index) == ("cuda", 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto").type == pick_device("cpu").type == "cpu"
    with pytest.raises(UserError, match="--device cuda: PyTorch finds no GPU"):
        pick_device("cuda")
    with pytest.raises(UserError, match="--device gpu: expected cpu, cuda or auto"):
        pick_device("gpu")


def test_weights_load_strictly_into_a_network_without_memory(tmp_path: Path) -> None:
    with torch.device("meta"):
        network = nn.Linear(2, 1)
    load_weights(network, {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}, tmp_path)
    assert network(torch.tensor([3.0, 4.0])).item() == 7
    assert not network.training
    assert not network.weight.requires_grad
    with pytest.raises(UserError, match=rf"{tmp_path}: these are not the weights of Linear(?s:.*)bias"):
        load_weights(nn.Linear(2, 1), {"weight": torch.ones(1, 2)}, tmp_path)
    with pytest.raises(UserError, match="extra"):
        load_weights(nn.Linear(2, 1, bias=False), {"weight": torch.ones(1, 2), "extra": torch.ones(1)}, tmp_path)


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors")
    assert read_weights(tmp_path / "a.safetensors")["a"].tolist() == [1, 1]
    (tmp_path / "b").write_bytes(b"no")
    for name in ("b", "absent"):
        with pytest.raises(UserError, match=str(tmp_path / name)):
            read_weights(tmp_path / name)


def test_the_name_of_tensors_is_that_of_their_values() -> None:
    a, b = torch.arange(6.0).reshape(2, 3), torch.tensor(3)
    name = tensors_sha256({"a": a, "b": b})
    assert name == tensors_sha256({"b": b, "a": a.T.contiguous().T})
    others = [{"a": a, "c": b}, {"a": a.reshape(3, 2), "b": b}, {"a": a.double(), "b": b}, {"a": a + 1e-6, "b": b}]
    assert name not in [tensors_sha256(other) for other in others]
