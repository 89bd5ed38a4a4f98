"""Statistics in files: what other programs write is read, what we write they read, and what is broken is named."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.metrics.frechet import Statistics, frechet_distance, statistics
from sdm_bench.metrics.statistics_files import read_statistics, write_statistics

ABOUT = {"extractor": "small", "resize": "clean", "weights_sha256": "00", "manifest": "ab"}


def features(seed: int, count: int = 40, dimensions: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(seed, 1, (count, dimensions)).astype(np.float32)


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    write_statistics(tmp_path / "ours.npz", statistics(features(1)), ABOUT)
    return tmp_path / "ours.npz"


def test_what_is_written_is_read_to_the_bit_with_all_it_says(ours: Path) -> None:
    made, found = statistics(features(1)), read_statistics(ours)
    np.testing.assert_array_equal(found.mean, made.mean)
    np.testing.assert_array_equal(found.covariance, made.covariance)
    assert (found.mean.dtype, found.covariance.dtype) == (np.float64, np.float64)
    assert (found.count, found.about) == (40, ABOUT)
    assert [path.name for path in ours.parent.iterdir()] == ["ours.npz"]
    assert frechet_distance(found.statistics(), features(2)) == frechet_distance(made, features(2))


def test_pytorch_fid_reads_ours(ours: Path) -> None:
    from pytorch_fid.fid_score import compute_statistics_of_path

    mean, covariance = compute_statistics_of_path(str(ours), None, 1, 6, "cpu")
    np.testing.assert_array_equal(mean, features(1).astype(np.float64).mean(0))
    np.testing.assert_allclose(covariance, np.cov(features(1), rowvar=False), rtol=1e-6)


def test_clean_fid_reads_ours(ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cleanfid import features as clean

    monkeypatch.setattr(clean, "check_download_url", lambda local_folder, url: str(ours))
    mean, covariance = clean.get_reference_statistics("ours", 299, split="custom")
    found = read_statistics(ours)
    np.testing.assert_array_equal(mean, found.mean)
    np.testing.assert_array_equal(covariance, found.covariance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_foreign_statistics_give_the_same_distance_and_no_count(tmp_path: Path, dtype: type) -> None:
    """As pytorch-fid's np.savez_compressed and INADE's np.save write them."""
    mean, covariance = features(1).mean(0).astype(dtype), np.cov(features(1), rowvar=False).astype(dtype)
    np.savez_compressed(tmp_path / "foreign.npz", mu=mean, sigma=covariance)
    pair = tmp_path / "pair"
    pair.mkdir()
    np.save(pair / "m.npy", mean)
    np.save(pair / "s.npy", covariance)
    for path in (tmp_path / "foreign.npz", pair):
        found = read_statistics(path)
        assert (found.count, found.about, found.statistics().count) == (None, {}, 0)
        assert frechet_distance(found.statistics(), features(2)) == pytest.approx(
            frechet_distance(features(1), features(2)), rel=1e-5
        )


def test_a_covariance_with_the_rounding_of_float32_is_made_symmetric(tmp_path: Path) -> None:
    covariance = np.cov(features(1), rowvar=False).astype(np.float32)
    covariance[0, 1] += 1e-6
    np.savez(tmp_path / "a.npz", mu=features(1).mean(0), sigma=covariance)
    found = read_statistics(tmp_path / "a.npz").covariance
    np.testing.assert_array_equal(found, found.T)
    assert found[0, 1] == pytest.approx((float(covariance[0, 1]) + float(covariance[1, 0])) / 2, abs=1e-15)


def changed(entry: tuple[int, ...], value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        array[entry] = value
        return array

    return change


@pytest.mark.parametrize(
    ("array", "change", "message"),
    [
        ("mu", lambda a: a[None], r"a mean of shape \(1, 6\) and a covariance of shape \(6, 6\)"),
        ("mu", lambda a: a[:0], r"a mean of shape \(0,\)"),
        ("sigma", lambda a: a[:5], r"a covariance of shape \(5, 6\); expected \(D,\) and \(D, D\)"),
        ("mu", changed((2,), np.nan), "a mean that is not finite"),
        ("sigma", changed((2, 3), np.inf), "a covariance that is not finite"),
        ("sigma", changed((2, 3), 0.5), "not symmetric: mirrored entries differ by"),
        ("sigma", changed((2, 2), -0.5), "the variance -0.5; expected none below 0"),
        ("sigma", lambda a: a + 9 - 9 * np.eye(6), "not positive semi-definite"),
        ("mu", lambda a: a.astype(int), "a mean of type int64; expected floats"),
        ("mu", lambda a: a.astype(object), "not a readable file of plain arrays: Object arrays"),
        ("n", lambda _: np.array(1), "n = 1; expected a whole number from 2 on"),
        ("n", lambda _: np.array([5, 5]), "expected a whole number from 2 on"),
        ("about", lambda _: np.array("{"), "`about` is not JSON"),
        ("about", lambda _: np.array("[1]"), r"`about` is \[1\]; expected names and values"),
    ],
)
def test_broken_statistics_are_named(
    tmp_path: Path, array: str, change: Callable[[np.ndarray], np.ndarray], message: str
) -> None:
    made = statistics(features(1))
    arrays = {"mu": made.mean, "sigma": made.covariance, "n": np.array(made.count), "about": np.array("{}")}
    np.savez(tmp_path / "a.npz", allow_pickle=True, **(arrays | {array: change(arrays[array])}))
    with pytest.raises(UserError, match=rf"a\.npz: .*{message}"):
        read_statistics(tmp_path / "a.npz")


def test_what_is_missing_or_something_else_is_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", mu=np.zeros(3), other=np.zeros(3))
    with pytest.raises(UserError, match=r"a\.npz: no sigma in it; it holds mu, other"):
        read_statistics(tmp_path / "a.npz")
    with pytest.raises(UserError, match=r"b\.npz: no such file"):
        read_statistics(tmp_path / "b.npz")
    np.save(tmp_path / "m.npy", np.zeros(3))
    with pytest.raises(UserError, match=r"no s\.npy in this folder; expected m\.npy and s\.npy"):
        read_statistics(tmp_path)
    with pytest.raises(UserError, match=r"m\.npy: one bare array; expected an archive with mu and sigma"):
        read_statistics(tmp_path / "m.npy")
    (tmp_path / "c.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:-40])
    with pytest.raises(UserError, match=r"c\.npz: not a readable file of plain arrays"):
        read_statistics(tmp_path / "c.npz")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<!DOCTYPE html><title>Quota</title>", r"a web page, not statistics \('Quota'\)"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer, not statistics"),
        (b"", "an empty file, not statistics"),
        (
            pickle.dumps({"mu": [1.0]}),
            r"not a readable file of plain arrays: This file contains pickled \(object\) data$",
        ),
    ],
)
def test_what_is_no_statistics_says_what_it_is(tmp_path: Path, body: bytes, message: str) -> None:
    (tmp_path / "a.npz").write_bytes(body)
    with pytest.raises(UserError, match=rf"a\.npz: {message}"):
        read_statistics(tmp_path / "a.npz")


@pytest.mark.parametrize(("dtype", "rounding"), [(np.float64, 1e-12), (np.float32, 1e-4), (np.float16, 0.05)])
def test_a_singular_covariance_may_be_rounded(tmp_path: Path, dtype: type, rounding: float) -> None:
    # fewer pictures than dimensions; the true distance is that of the features themselves
    first, second = features(1, 12, 40), features(2, 15, 40)
    made = statistics(first)
    np.savez(tmp_path / "a.npz", mu=made.mean.astype(dtype), sigma=made.covariance.astype(dtype))
    found = read_statistics(tmp_path / "a.npz").statistics()
    assert frechet_distance(found, second) == pytest.approx(frechet_distance(first, second), rel=rounding)


def test_only_archives_of_statistics_are_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ends in \.npz"):
        write_statistics(tmp_path / "a.pkl", statistics(features(1)), {})
    with pytest.raises(UserError, match="not finite"):
        write_statistics(tmp_path / "a.npz", Statistics(np.full(2, np.nan), np.eye(2), 5), {})
    assert not list(tmp_path.iterdir())
