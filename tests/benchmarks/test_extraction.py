"""The table of extraction: that all programs computed the same, and what becomes of those that can't. No speed."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from sdm_bench.base.errors import UserError
from sdm_bench.benchmarks import extraction
from sdm_bench.benchmarks.extraction import extraction_speed
from sdm_bench.benchmarks.reference_packages import EXTRACTIONS, OURS, Setting, packed_weights, reason
from sdm_bench.metrics.inception import FIDInception

PACKAGES = ("cleanfid", "pytorch_fid", "torch_fidelity")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A picture, and a file that is none."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    (tmp_path / "pictures").mkdir()
    Image.fromarray(pixels).save(tmp_path / "pictures" / "one.png")
    (tmp_path / "pictures" / "run.json").write_text("{}")
    return tmp_path / "pictures"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Untrained weights under which the picture reaches the features."""
    torch.manual_seed(0)
    state = FIDInception(classifier=False).state_dict()
    for value in state.values():
        if value.ndim == 4:
            torch.nn.init.kaiming_normal_(value)
    save_file(state, tmp_path / "inception.safetensors")
    return tmp_path / "inception.safetensors"


@pytest.fixture
def no_weights(tmp_path: Path) -> Path:
    save_file({"unused": torch.zeros(1)}, tmp_path / "none.safetensors")
    return tmp_path / "none.safetensors"


def test_every_package_extracts_what_this_program_does(
    folder: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in PACKAGES:
        pytest.importorskip(package)
    once = {key: make for key, make in EXTRACTIONS.items() if key != ("legacy_pytorch", "clean-fid")}
    monkeypatch.setattr(extraction, "EXTRACTIONS", once)
    monkeypatch.setattr(torch.nn.Conv2d, "reset_parameters", lambda self: None)  # slow, and weights are loaded anyway
    hub, files = torch.hub.get_dir(), (str(folder / "one.png"),)
    with packed_weights(weights) as packed:
        setting = Setting(folder, files, weights, packed, 2, 0, torch.device("cpu"))
        runs, features, notes = extraction._first_runs(setting)
    assert (set(runs), notes) == (set(once), {})
    for reading, program in once:
        ours, theirs = features[reading, OURS], features[reading, program]
        assert theirs.shape == (1, 2048)
        np.testing.assert_allclose(theirs, ours, atol=1e-5 * np.abs(ours).max())
        assert program == OURS or (theirs != ours).any(), "another computation rounds otherwise"
    assert torch.hub.get_dir() == hub


def test_absent_and_failing_packages_are_rows(folder: Path, no_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cleanfid.fid", None)
    monkeypatch.setattr(
        extraction,
        "EXTRACTIONS",
        {
            ("clean", OURS): lambda setting, reading: lambda: np.ones((len(setting.files), 2)),
            ("clean", "clean-fid"): EXTRACTIONS["clean", "clean-fid"],
            ("clean", "torch-fidelity"): lambda setting, reading: lambda: np.ones((1, 2)) @ np.ones(3),
            ("clean", "another"): lambda setting, reading: lambda: np.full((len(setting.files), 2), 0.5),
        },
    )
    table = extraction_speed(folder, no_weights, repeats=2, workers=0, device="cpu").set_index("program")
    assert table.index.tolist() == [OURS, "clean-fid", "torch-fidelity", "another"]
    assert (table["reading"] == "clean").all()
    assert (table["pictures"] == 1).all()
    assert table.loc[OURS, ["times ours", "difference", "note"]].tolist() == [1.0, 0.0, ""]
    np.testing.assert_allclose(table.loc[OURS, "pictures/s"], 1 / table.loc[OURS, "seconds"])
    shares = table["of the limit"] / table["pictures/s"]
    np.testing.assert_allclose(shares.dropna(), shares[OURS])
    assert table["of the limit"].isna().tolist() == [False, True, True, False]
    assert table.loc["clean-fid", "note"].startswith("not installed: import of cleanfid.fid halted")
    assert table.loc["torch-fidelity", "note"].startswith("ValueError: matmul")
    assert table.loc[["clean-fid", "torch-fidelity"], ["seconds", "pictures/s", "times ours"]].isna().all(axis=None)
    assert table.loc["another", ["difference", "version", "note"]].tolist() == [0.5, "", ""]


def test_an_error_of_this_program_is_no_row(folder: Path, no_weights: Path) -> None:
    with pytest.raises(UserError, match="these are not the weights"):
        extraction_speed(folder, no_weights, device="cpu")
    with pytest.raises(UserError, match="0 repeats; expected at least 1"):
        extraction_speed(folder, no_weights, repeats=0)
    with pytest.raises(UserError, match="no such folder"):
        extraction_speed(folder / "nowhere", no_weights)


def test_programs_take_turns_in_alternating_order() -> None:
    ran: list[str] = []
    runs = {("clean", name): (lambda name=name: ran.append(name)) for name in ("a", "b", "c")}
    times = extraction._in_turns(runs, 3)  # type: ignore[arg-type]
    assert "".join(ran) == "abccbaabc"
    assert {len(each) for each in times.values()} == {3}


def test_reasons_fit_on_a_line() -> None:
    assert reason(RuntimeError("a\n  b " + "c" * 500)) == "RuntimeError: a b " + "c" * 196
