"""Weights inside PyTorch's files: beside other objects, behind prefixes, averaged; and files that are none."""

import argparse
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from sdm_bench.base.filekinds import RefusedFile
from sdm_bench.base.tensors import read_tensors
from sdm_bench.base.torchfiles import bare, flatten, generator_of, read_torch
from sdm_bench.checkpoints.matching import PresetMatch
from sdm_bench.models import methods
from sdm_bench.models.methods import METHODS

WEIGHTS = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2).half()}


class HistoryBuffer:
    """Stands for MMEngine's, whose state names methods of its class."""

    def __init__(self) -> None:
        self.history = np.arange(3.0)

    def mean(self) -> float:
        return float(self.history.mean())


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "beside",
    [argparse.Namespace(rate=1), np.float64(0.5), {"loss": HistoryBuffer()}, np.int64(3).dtype, {1, 2}],
    ids=["namespace", "scalar", "history", "dtype", "set"],
)
def test_tensors_are_read_beside_other_objects(tmp_path: Path, zipped: bool, beside: Any) -> None:
    HistoryBuffer.__module__ = "mmengine.logging.history_buffer"
    import sys
    import types

    module = types.ModuleType("mmengine.logging.history_buffer")
    module.HistoryBuffer = HistoryBuffer  # type: ignore[attr-defined]
    before = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module
    try:
        value = {"state_dict": WEIGHTS, "beside": beside, "parameter": torch.nn.Parameter(torch.ones(1))}
        torch.save(value, tmp_path / "f.pth", _use_new_zipfile_serialization=zipped)
    finally:
        del sys.modules[module.__name__]
        if before is not None:
            sys.modules[module.__name__] = before
        HistoryBuffer.__module__ = __name__
    found = read_torch(tmp_path / "f.pth")
    assert list(found) == list(WEIGHTS)
    for name, value in WEIGHTS.items():
        assert found[name].dtype == value.dtype
        assert torch.equal(found[name], value)


@pytest.mark.parametrize("zipped", [True, False])
def test_no_other_object_is_built(tmp_path: Path, zipped: bool) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Callable, tuple[str]]:
            return os.mkdir, (str(tmp_path / "made"),)

    torch.save({"a": torch.ones(1), "b": Evil()}, tmp_path / "f.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(RefusedFile, match=r"asks for posix\.mkdir"):
        read_torch(tmp_path / "f.pth")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_network_s_own_state_dict_is_read_beside_other_objects(tmp_path: Path, zipped: bool) -> None:
    # it has an attribute of its own, which lists of tensors made by hand lack
    held = torch.nn.BatchNorm2d(2).state_dict()
    value = {"state_dict": held, "args": argparse.Namespace(rate=1)}
    torch.save(value, tmp_path / "f.pth", _use_new_zipfile_serialization=zipped)
    found = read_torch(tmp_path / "f.pth")
    assert list(found) == list(held)
    assert all(torch.equal(found[key], held[key]) for key in held)


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "netG.", "module._orig_mod.", "model.", "generator.", "_fsdp_wrapped_module."]
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_prefixes_of_wrappers_go(tmp_path: Path, prefix: str, suffix: str) -> None:
    named = {f"{prefix}{key}": value for key, value in WEIGHTS.items()}
    path = tmp_path / f"f{suffix}"
    save_file(named, path) if suffix == ".safetensors" else torch.save(named, path)
    assert list(read_tensors(path)) == list(WEIGHTS)


def test_names_that_wrappers_put_inside_keys_go() -> None:
    assert list(bare({"a._checkpoint_wrapped_module.weight": torch.ones(1), "b": torch.ones(1)})) == ["a.weight", "b"]


@pytest.mark.parametrize("prefix", ["", "model.", "module.", "netG.", "module.model."])
def test_a_network_s_own_sequence_called_model_stays(prefix: str) -> None:
    own = ["model.1.weight", "model.4.conv_block.1.weight"]
    assert list(bare({f"{prefix}{key}": torch.ones(1) for key in own})) == own


@pytest.mark.parametrize("method", METHODS)
def test_no_network_s_own_keys_are_taken_for_a_wrapper_s(method: str) -> None:
    dataset = next(iter(methods.datasets(method)))
    network = PresetMatch.of(method, "toy", dataset).network(encoder=True)
    keys = network.state_dict()
    assert list(bare(generator_of(Path("f.pth"), keys))) == list(keys)


@pytest.mark.parametrize("name", ["netG", "G", "generator"])
@pytest.mark.parametrize("form", ["dictionaries", "prefixes", "safetensors"])
def test_of_a_generator_and_a_discriminator_the_generator_is_taken_and_said(
    tmp_path: Path, name: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {key: value + 1 for key, value in WEIGHTS.items()}
    flat = {f"{prefix}.{key}": value for prefix, held in (("D", other), (name, WEIGHTS)) for key, value in held.items()}
    path = tmp_path / f"f{'.safetensors' if form == 'safetensors' else '.pth'}"
    if form == "safetensors":
        save_file(flat, path)
    else:
        torch.save({"state_dict": flat} if form == "prefixes" else {"D": other, name: WEIGHTS, "step": 3}, path)
    found = read_tensors(path)
    assert list(found) == list(WEIGHTS)
    assert torch.equal(found["a.weight"], WEIGHTS["a.weight"])
    assert capsys.readouterr().err == f"{path}: taken: {name}; beside it D\n"


def test_an_average_without_names_is_not_passed_over_in_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"model": WEIGHTS, "ema": {"shadow_params": [*WEIGHTS.values()]}}, tmp_path / "f.pth")
    assert list(read_torch(tmp_path / "f.pth")) == list(WEIGHTS)
    assert "taken: the weights as trained; their average (ema) has no names" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("held", "called"), [("safetensors", "f.pth"), ("safetensors", "f"), ("torch", "f.SafeTensors")]
)
def test_content_says_which_kind_of_file_it_is(tmp_path: Path, held: str, called: str) -> None:
    save_file(WEIGHTS, tmp_path / called) if held == "safetensors" else torch.save(WEIGHTS, tmp_path / called)
    assert list(read_tensors(tmp_path / called)) == list(WEIGHTS)


def test_the_counter_of_an_average_goes_with_its_prefix() -> None:
    counted = {"n_averaged": torch.tensor(3), "module.a": torch.ones(2)}
    assert list(bare(counted)) == ["a"]
    assert list(bare({"n_averaged": torch.tensor(3), "a": torch.ones(2)})) == ["n_averaged", "a"]


def average(value: float) -> dict[str, Tensor]:
    return {"a": torch.full((2,), value)}


@pytest.mark.parametrize(
    ("key", "held"),
    [
        ("ema", average(9)),
        ("model_ema", average(9)),
        ("G_ema", average(9)),
        ("state_dict_ema", average(9)),
        ("ema", {"decay": 0.9, "shadow": average(9)}),
        ("ema_state_dict", {"steps": torch.tensor(4), "module.a": torch.full((2,), 9.0)}),
    ],
)
def test_the_average_is_taken_unless_raw_and_said(
    tmp_path: Path, key: str, held: dict, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"state_dict": average(1), key: held}, tmp_path / "f.pth")
    assert read_torch(tmp_path / "f.pth")["a"].tolist() == [9, 9]
    assert f"taken: the averaged weights ({key}); --raw takes" in capsys.readouterr().err
    assert read_torch(tmp_path / "f.pth", raw=True)["a"].tolist() == [1, 1]
    assert "taken: the weights as trained" in capsys.readouterr().err


def test_raw_is_refused_where_there_is_no_choice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"state_dict": average(1)}, tmp_path / "one.pth")
    torch.save({"model_ema": average(9)}, tmp_path / "average.pth")
    for name in ("one.pth", "average.pth"):
        with pytest.raises(RefusedFile, match=rf"{name}: --raw: "):
            read_torch(tmp_path / name, raw=True)
        read_torch(tmp_path / name)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "an empty file, not weights"),
        (b"\n<!DOCTYPE html><html><title>Quota  exceeded</title>", r"a web page, not weights \('Quota exceeded'\)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\n", "a Git LFS pointer, not weights"),
        (b"\x1f\x8b\x08\x00" + bytes(20), "a gzip archive; unpack it first"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"\x89HDF\r\n\x1a\n" + bytes(20), "an HDF5 file"),
        (b'{"weight_map": {}}', "a JSON, the index of weights in several files"),
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_what_is_no_weights_says_what_it_is(tmp_path: Path, body: bytes, what: str, suffix: str) -> None:
    (tmp_path / f"f{suffix}").write_bytes(body)
    with pytest.raises(RefusedFile, match=rf"f{suffix}: {what}"):
        read_tensors(tmp_path / f"f{suffix}")


def test_torchscript_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "f.pth", "w") as archive:
        for name in ("data.pkl", "constants.pkl", "code/x.py"):
            archive.writestr(f"f/{name}", b"")
    with pytest.raises(RefusedFile, match=r"f\.pth: a TorchScript archive; expected a state dict"):
        read_torch(tmp_path / "f.pth")


def test_a_view_that_asks_for_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1).expand(100_000, 100_000)}, tmp_path / "f.pth")
    with pytest.raises(RefusedFile, match=r"f\.pth: tensors of 40\.0 GB in a file of \d+ bytes"):
        read_torch(tmp_path / "f.pth")


def test_dictionaries_without_end_are_refused() -> None:
    tree: dict = {}
    tree["again"] = tree
    with pytest.raises(RefusedFile, match="nested more than"):
        flatten(tree)


def test_pipes_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pth")
    with pytest.raises(Exception, match=r"pipe\.pth: a pipe or a device; expected a file"):
        read_tensors(tmp_path / "pipe.pth")


def test_a_zip_whose_end_is_damaged_is_refused_in_a_line(tmp_path: Path) -> None:
    torch.save(WEIGHTS, tmp_path / "f.pth")
    body = bytearray((tmp_path / "f.pth").read_bytes())
    # PyTorch ends its files with the locator of zip's 64-bit kind, whose last field counts the disks
    body[body.rindex(b"PK\x06\x07") + 16] = 3
    (tmp_path / "f.pth").write_bytes(body)
    with pytest.raises(RefusedFile, match=r"f\.pth: "):
        read_torch(tmp_path / "f.pth")
