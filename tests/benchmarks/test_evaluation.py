"""The speed tables: their rows, that all programs computed the same, and what becomes of those that can't. No speed."""

import multiprocessing
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from sdm_bench.base.errors import UserError
from sdm_bench.benchmarks import evaluation
from sdm_bench.benchmarks.evaluation import Timed, extraction_speed, frechet_speed, random_features
from sdm_bench.benchmarks.reference_packages import EXTRACTIONS, OURS, Setting, packed_weights, reason
from sdm_bench.metrics.frechet import frechet_distance
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
    monkeypatch.setattr(evaluation, "EXTRACTIONS", once)
    monkeypatch.setattr(torch.nn.Conv2d, "reset_parameters", lambda self: None)  # slow, and weights are loaded anyway
    hub, files = torch.hub.get_dir(), (str(folder / "one.png"),)
    with packed_weights(weights) as packed:
        setting = Setting(folder, files, weights, packed, 2, 0, torch.device("cpu"))
        runs, features, notes = evaluation._first_runs(setting)
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
        evaluation,
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
    times = evaluation._in_turns(runs, 3)  # type: ignore[arg-type]
    assert "".join(ran) == "abccbaabc"
    assert {len(each) for each in times.values()} == {3}


def test_every_program_computes_the_same_distance() -> None:
    for package in PACKAGES:
        pytest.importorskip(package)
    table = frechet_speed((40, 300), 64, repeats=2, limit=None)
    assert table["N"].tolist() == [40] * 4 + [300] * 4
    assert (table["note"] == "").all(), table
    assert (table["difference"][table["N"] == 300] < 1e-7).all(), table
    assert (table["difference"] < 1e-4).all(), "singular covariances, to which some add 1e-6"
    assert (table["times ours"][table["program"] == OURS] == 1).all()
    assert (table["seconds"] > 0).all()


def test_without_this_program_there_is_nothing_to_compare_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cleanfid.fid", None)
    pytest.importorskip("torch_fidelity")
    table = frechet_speed((20,), 4, limit=None, programs=("torch-fidelity", "clean-fid"))
    assert table["note"].iloc[0] == ""
    assert table["note"].iloc[1].startswith("not installed")
    assert table[["times ours", "difference"]].isna().all(axis=None)
    assert pd.notna(table["distance"]).tolist() == [True, False]
    with pytest.raises(UserError, match=r"Unknown program 'cleanfid'\. Did you mean 'clean-fid'"):
        frechet_speed((20,), 4, limit=None, programs=("cleanfid",))


def test_the_distance_of_random_features_is_known() -> None:
    """Common eigenvectors: |m1 - m2|^2 + sum (sqrt a_k - sqrt b_k)^2, and the mean itself is that of every feature."""
    first, second = (random_features(200_000, 8, seed) for seed in (0, 3))
    assert (first.dtype, first.shape) == (np.float32, (200_000, 8))
    k = np.arange(1, 9)
    eigenvalues = np.linalg.eigvalsh(np.cov(second, rowvar=False))[::-1]
    np.testing.assert_allclose(eigenvalues, k**-1.3, rtol=0.02)
    expected = 8 * 0.3**2 + ((k**-0.5 - k**-0.65) ** 2).sum()
    assert frechet_distance(first, second) == pytest.approx(expected, rel=0.02)


def test_a_distance_is_given_up_after_the_limit() -> None:
    ours, theirs = multiprocessing.Pipe()
    theirs.send(None)
    assert evaluation._received(ours, 0.01).note == "given up after 0.01 s"
    theirs.send(None)
    theirs.send(Timed(1.0, 2.0))
    assert evaluation._received(ours, 0.01) == Timed(1.0, 2.0)
    theirs.close()
    with pytest.raises(EOFError):
        evaluation._received(ours, 0.01)


def test_another_process_says_what_went_wrong_there() -> None:
    assert evaluation._timed("nothing", 4, 4, 10.0).note == "KeyError: 'nothing'"


def test_reasons_fit_on_a_line() -> None:
    assert reason(RuntimeError("a\n  b " + "c" * 500)) == "RuntimeError: a b " + "c" * 196
