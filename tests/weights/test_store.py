"""The cache: where it is, what is written beside the tensors, what is missing and what has changed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sdm_bench.errors import UserError
from sdm_bench.files import sha256_file
from sdm_bench.weights import store
from sdm_bench.weights.registry import Entry
from tests.weights.files import entry, published, state


def kept(register: dict[str, Entry]) -> Path:
    register["net"] = entry(published=(published("https://example.org/net.pth"),))
    return store.save(register["net"], state(), "somewhere", "ab" * 32)


def test_the_cache_is_where_the_variable_says(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.weights_path("lpips-alex") == cache / "weights" / "lpips-alex.safetensors"
    monkeypatch.delenv("SDM_BENCH_CACHE")
    assert store.cache_folder().name == "sdm-bench"


def test_saved_tensors_come_back_with_their_provenance(register: dict[str, Entry]) -> None:
    path = kept(register)
    assert torch.equal(load_file(path)["layer.weight"], state()["layer.weight"])
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["source"] == "somewhere"
    assert record["source_sha256"] == "ab" * 32
    assert record["sha256"] == sha256_file(path)
    assert (record["licence"], record["program_version"]) == ("MIT", "0.1.0")
    assert {path.name for path in path.parent.iterdir()} == {"net.safetensors", "net.json"}


def test_a_transposed_tensor_is_saved_as_it_looks(register: dict[str, Entry]) -> None:
    register["net"] = entry()
    value = torch.arange(6.0).reshape(2, 3).T
    assert torch.equal(load_file(store.save(register["net"], {"a": value}, "x", "0"))["a"], value)


def test_what_is_required_and_there_is_given(register: dict[str, Entry]) -> None:
    path = kept(register)
    assert store.require(["net"]) == {"net": path}


def test_everything_missing_is_listed_at_once(cache: Path) -> None:
    with pytest.raises(store.MissingWeights) as caught:
        store.require(["lpips-alex", "celebamask-hq-unet", "lpips-alex"])
    error = caught.value
    assert error.names == ("lpips-alex", "celebamask-hq-unet")
    assert error.exit_code == 2
    for text in (
        str(cache / "weights"),
        "LPIPS with AlexNet",
        "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        "sdm-bench weights fetch lpips-alex",
        "sdm-bench weights import lpips-alex FILE",
        "non-commercial",
        "sdm-bench weights import celebamask-hq-unet FILE",
    ):
        assert text in error.message
    assert "fetch celebamask-hq-unet" not in error.message


def test_a_file_without_its_record_is_missing(register: dict[str, Entry]) -> None:
    kept(register).with_suffix(".json").unlink()
    assert [each.name for each in store.missing(["net"])] == ["net"]


def test_verify_tells_whole_from_changed_from_missing(register: dict[str, Entry]) -> None:
    path = kept(register)
    register["other"] = entry("other")
    assert [check.state for check in store.verify(["net", "other"])] == ["ok", "missing"]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    (check,) = store.verify(["net"])
    assert check.state == "changed"
    assert check.found == sha256_file(path) != check.expected


def test_an_unknown_name_is_no_path() -> None:
    with pytest.raises(UserError, match="Unknown weights"):
        store.weights_path("../../etc/passwd")


def test_the_store_answers_without_torch() -> None:
    code = "import sys, sdm_bench.weights.store; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
