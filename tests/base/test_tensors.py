"""How tensors are read, loaded and named."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sdm_bench.base.errors import UserError
from sdm_bench.base.tensors import load_strictly, read_tensors, tensors_sha256


def test_weights_load_into_a_network_without_memory(tmp_path: Path) -> None:
    with torch.device("meta"):
        network = nn.Linear(2, 1)
    load_strictly(network, {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}, tmp_path)
    assert network(torch.tensor([3.0, 4.0])).item() == 7


def test_a_misfit_lists_missing_unexpected_and_differently_shaped_keys() -> None:
    extra = {f"extra{index:02d}": torch.ones(1) for index in range(12)}
    with pytest.raises(UserError) as caught:
        load_strictly(nn.Linear(2, 1), {"weight": torch.ones(1, 3), **extra}, "file.pt")
    lines = caught.value.message.splitlines()
    assert lines[0] == "file.pt: these are not the weights of Linear:"
    assert lines[1] == "  1 missing: bias"
    assert lines[2].startswith("  12 unexpected: extra00, extra01,")
    assert lines[2].endswith("extra09, and 2 more")
    assert lines[3] == "  1 of another shape: weight (file (1, 3), network (1, 2))"


@pytest.mark.parametrize("kind", [torch.complex64, torch.int64, torch.bool])
def test_weights_of_another_type_are_refused(kind: torch.dtype) -> None:
    # a copy would drop imaginary parts, and quantised numbers lack their scale
    tensors = {"weight": torch.ones(1, 2).to(kind), "bias": torch.zeros(1).half()}
    with pytest.raises(UserError, match=rf"1 of another type: weight \(file {kind}, network torch\.float32\)"):
        load_strictly(nn.Linear(2, 1), tensors, "file.pt")


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors")
    assert read_tensors(tmp_path / "a.safetensors")["a"].tolist() == [1, 1]
    for name in ("b.safetensors", "b.pt"):
        (tmp_path / name).write_bytes(b"no")
        with pytest.raises(UserError, match=str(tmp_path / name)):
            read_tensors(tmp_path / name)
    with pytest.raises(UserError, match=r"absent\.pt: no such weights file"):
        read_tensors(tmp_path / "absent.pt")


def test_the_name_of_tensors_is_that_of_their_values() -> None:
    a, b = torch.arange(6.0).reshape(2, 3), torch.tensor(3)
    name = tensors_sha256({"a": a, "b": b})
    assert name == tensors_sha256({"b": b, "a": a.T.contiguous().T})
    others = [{"a": a, "c": b}, {"a": a.reshape(3, 2), "b": b}, {"a": a.double(), "b": b}, {"a": a + 1e-6, "b": b}]
    assert name not in [tensors_sha256(other) for other in others]
