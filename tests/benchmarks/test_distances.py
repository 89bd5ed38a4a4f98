"""The table of distances: its rows, that all programs computed the same, and what becomes of those that can't."""

import multiprocessing
import sys

import numpy as np
import pandas as pd
import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.benchmarks import distances
from sdm_bench.benchmarks.distances import Timed, frechet_speed, random_features
from sdm_bench.benchmarks.reference_packages import OURS
from sdm_bench.metrics.frechet import frechet_distance

PACKAGES = ("cleanfid", "pytorch_fid", "torch_fidelity")


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
    assert distances._received(ours, 0.01).note == "given up after 0.01 s"
    theirs.send(None)
    theirs.send(Timed(1.0, 2.0))
    assert distances._received(ours, 0.01) == Timed(1.0, 2.0)
    theirs.close()
    with pytest.raises(EOFError):
        distances._received(ours, 0.01)


def test_another_process_says_what_went_wrong_there() -> None:
    assert distances._timed("nothing", 4, 4, 10.0).note == "KeyError: 'nothing'"
