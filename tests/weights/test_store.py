"""The cache: where it is, what is written beside the tensors, what is missing and what has changed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from safetensors.torch import load_file

from sdm_bench.base import tensors
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_file
from sdm_bench.base.tensors import tensors_sha256
from sdm_bench.weights import store
from sdm_bench.weights.registry import Entry
from tests.weights.files import entry, published, state

DIGEST = tensors_sha256(state())
# Whether the registry states the digest of the tensors; if not, the cache's record of the file is what is known.
STATED = pytest.mark.parametrize("stated", [DIGEST, None], ids=["digest in the registry", "none there"])


def kept(register: dict[str, Entry], stated: str | None = None) -> Path:
    register["net"] = entry(published=(published("https://example.org/net.pth"),), tensors_sha256=stated)
    return store.save(register["net"], state(), "somewhere", "ab" * 32)


def flip_a_bit(path: Path) -> None:
    """Changes the last value, and the time of change whatever the clock's steps are."""
    before = path.stat().st_mtime_ns
    with path.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        last = stream.read(1)[0]
        stream.seek(-1, os.SEEK_END)
        stream.write(bytes([last ^ 1]))
    os.utime(path, ns=(before + 1, before + 1))


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
    flip_a_bit(path)
    (check,) = store.verify(["net"])
    assert check.state == "changed"
    assert check.found == sha256_file(path) != check.expected


@STATED
def test_loaded_weights_are_those_that_were_saved(register: dict[str, Entry], stated: str | None) -> None:
    kept(register, stated)
    register["other"] = entry("other")
    store.save(register["other"], {"a": torch.ones(2)}, "somewhere", "cd" * 32)
    found = store.load_weights(["other", "net"], {"net": DIGEST, "neither": "0" * 64})
    assert list(found) == ["other", "net"]
    assert tensors_sha256(found["net"]) == DIGEST
    assert found["other"]["a"].tolist() == [1, 1]


@STATED
def test_weights_with_a_flipped_bit_are_not_loaded(register: dict[str, Entry], stated: str | None) -> None:
    path = kept(register, stated)
    store.load_weights(["net"])
    flip_a_bit(path)
    with pytest.raises(store.ChangedWeights, match=r"the weights net have the digest \w{64}; expected") as caught:
        store.load_weights(["net"])
    assert caught.value.message.startswith(f"{path}: ")
    assert DIGEST in caught.value.message
    assert caught.value.message.endswith(f"Delete {path.with_suffix('')}.* and bring them again")


@STATED
def test_weights_are_those_that_a_protocol_pins(register: dict[str, Entry], stated: str | None) -> None:
    """A pinned digest holds, also where the registry, or the record, says that these are the weights."""
    kept(register, stated)
    for _ in range(2):
        with pytest.raises(store.ChangedWeights, match=f"have the digest {DIGEST}; expected {'0' * 64}"):
            store.load_weights(["net"], {"net": "0" * 64})
    store.load_weights(["net"], {"net": DIGEST})
    store.load_weights(["net"], {})


def test_other_weights_than_the_registry_s_are_not_loaded(register: dict[str, Entry]) -> None:
    kept(register, "1" * 64)
    with pytest.raises(store.ChangedWeights, match=f"have the digest {DIGEST}; expected {'1' * 64}"):
        store.load_weights(["net"])


@pytest.mark.parametrize("changes", [{"tensors_sha256": "2" * 64}, {"tensors_sha256": "", "sha256": "2" * 64}], ids=str)
def test_a_record_that_was_changed_is_noticed(register: dict[str, Entry], changes: dict[str, str]) -> None:
    """Also one of an earlier version of the program, which knew the file's digest alone."""
    record = kept(register).with_suffix(".json")
    record.write_text(json.dumps(json.loads(record.read_text()) | changes))
    with pytest.raises(store.ChangedWeights, match=f"expected {'2' * 64}"):
        store.load_weights(["net"])


@STATED
def test_an_unchanged_file_is_digested_once(
    register: dict[str, Entry], monkeypatch: pytest.MonkeyPatch, stated: str | None
) -> None:
    path = kept(register, stated)
    of_tensors, of_files = Mock(wraps=tensors_sha256), Mock(wraps=sha256_file)
    monkeypatch.setattr(tensors, "tensors_sha256", of_tensors)
    monkeypatch.setattr(store, "sha256_file", of_files)
    for _ in range(3):
        store.load_weights(["net"])
    assert (of_tensors.call_count, of_files.call_count) == (1, 0)
    flip_a_bit(path)
    for _ in range(2):
        with pytest.raises(store.ChangedWeights):
            store.load_weights(["net"])
    assert (of_tensors.call_count, of_files.call_count) == (2, 0)


def test_loading_lists_everything_missing_at_once(register: dict[str, Entry]) -> None:
    kept(register)
    register |= {name: entry(name) for name in ("first", "second")}
    with pytest.raises(store.MissingWeights) as caught:
        store.load_weights(["first", "net", "second"])
    assert caught.value.names == ("first", "second")


def test_an_unknown_name_is_no_path() -> None:
    with pytest.raises(UserError, match="Unknown weights"):
        store.weights_path("../../etc/passwd")


def test_the_store_answers_without_torch() -> None:
    code = "import sys, sdm_bench.weights.store; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
