"""Reference statistics of features in files: ours, and those that other programs read and write.

* One archive, `*.npz`, with `mu` (D,) and `sigma` (D, D): mseitzer/pytorch-fid@b9c1811 (`--save-stats`) and
  GaParmar/clean-fid@e88c4d6 (`make_custom_stats`).
* A folder with `m.npy` and `s.npy`: tzt101/INADE@770a667 and tzt101/CLADE@1ffd19d, datasets/train_mu_si/<dataset>.

None says how many pictures it is made of, by which weights or with which resizing. Ours are archives that say it in two
more arrays, `n` and `about`, which both programs pass over. Pickled arrays are refused.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.base.filekinds import is_zip, refuse_inflated, refuse_stand_ins
from sdm_bench.base.files import atomic_path, refuse_special
from sdm_bench.metrics.frechet import Statistics, defect

# Mean and covariance in a folder.
PAIR = ("m.npy", "s.npy")
# What only our archives hold: the number of pictures, and JSON of what decides the features.
OURS = ("n", "about")
# The largest difference of mirrored covariances, in the largest variance, that is taken for rounding to float32.
ASYMMETRY = 1e-5
# The largest part of a covariance's trace that may contradict it: rounding to float16 leaves a tenth of it.
DEFECT = 1e-2


@dataclass(frozen=True)
class StoredStatistics:
    """What a file holds. mean: float64 (D,). covariance: float64 (D, D), symmetric, over N - 1.

    count: the number N of pictures, None where the file doesn't say. about: what decides the features, as our files
    say it (see `write_statistics`); empty for others.
    """

    mean: np.ndarray
    covariance: np.ndarray
    count: int | None = None
    about: dict[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """SHA-256 over the numbers, however they are stored."""
        return hashlib.sha256(self.mean.tobytes() + self.covariance.tobytes()).hexdigest()

    def statistics(self) -> Statistics:
        """What `frechet_distance` takes; its count, which the distance doesn't use, is 0 where the file doesn't say."""
        return Statistics(self.mean, self.covariance, self.count or 0)


def read_statistics(path: Path) -> StoredStatistics:
    """The statistics in an archive with `mu` and `sigma`, or in a folder with m.npy and s.npy.

    Raises UserError for a file that is neither, and for arrays of another shape, not finite or not a covariance.
    """
    path = Path(path)
    if path.is_dir():
        absent = [name for name in PAIR if not (path / name).is_file()]
        if absent:
            raise UserError(f"{path}: no {' and no '.join(absent)} in this folder; expected {' and '.join(PAIR)}")
        mean, covariance = (_read_array(path / name) for name in PAIR)
        return StoredStatistics(*_checked(mean, covariance, path))
    arrays = _read_archive(path, ("mu", "sigma"))
    mean, covariance = _checked(arrays["mu"], arrays["sigma"], path)
    return StoredStatistics(mean, covariance, _count(arrays, path), _about(arrays, path))


def refuse_unusable(path: Path) -> None:
    """Raises UserError where `path` isn't `*.npz`, or is there already."""
    if path.suffix != ".npz":
        raise UserError(f"{path}: statistics are written to a file that ends in .npz")
    if path.exists():
        raise UserError(f"{path}: there already; delete it or choose another name")


def write_statistics(path: Path, statistics: Statistics, about: Mapping[str, str]) -> None:
    """Writes an archive that pytorch-fid and clean-fid read as their own: mu, sigma, n and about, whole or not at all.

    about: what decides the features, `cache_key` of metrics/features.py. Of statistics with the count 0, of which
    nobody knows how many pictures they are made of, n is left out. Raises UserError as `refuse_unusable` does.
    """
    refuse_unusable(path)
    mean, covariance = _checked(statistics.mean, statistics.covariance, path)
    arrays: dict[str, Any] = {
        "mu": mean,
        "sigma": covariance,
        "about": np.array(json.dumps(dict(about), sort_keys=True)),
    }
    if statistics.count:
        arrays["n"] = np.array(statistics.count, np.int64)
    # numpy appends .npz to names that lack it, not to open files
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def _checked(mean: np.ndarray, covariance: np.ndarray, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Both in float64, the covariance exactly symmetric; raises UserError where they can't be what they are called."""
    if mean.ndim != 1 or not mean.size or covariance.shape != (mean.size, mean.size):
        raise UserError(
            f"{path}: a mean of shape {mean.shape} and a covariance of shape {covariance.shape}; "
            "expected (D,) and (D, D)"
        )
    for name, values in (("mean", mean), ("covariance", covariance)):
        if values.dtype.kind != "f":
            raise UserError(f"{path}: a {name} of type {values.dtype}; expected floats")
        if not np.isfinite(values).all():
            raise UserError(f"{path}: a {name} that is not finite")
    covariance = covariance.astype(np.float64)
    variances = covariance.diagonal()
    if variances.min() < 0:
        raise UserError(f"{path}: a covariance with the variance {variances.min():.3g}; expected none below 0")
    asymmetry = np.abs(covariance - covariance.T).max()
    if asymmetry > ASYMMETRY * variances.max():
        raise UserError(
            f"{path}: a covariance that is not symmetric: mirrored entries differ by {asymmetry:.3g}, "
            f"the largest variance is {variances.max():.3g}"
        )
    covariance = (covariance + covariance.T) / 2
    if defect(covariance) > DEFECT:
        raise UserError(
            f"{path}: a covariance that is not positive semi-definite, as no features have it; is the file damaged?"
        )
    return mean.astype(np.float64), covariance


def _count(arrays: dict[str, np.ndarray], path: Path) -> int | None:
    if "n" not in arrays:
        return None
    count = arrays["n"]
    if count.shape != () or count.dtype.kind not in "iu" or count < 2:
        raise UserError(f"{path}: a number of pictures n = {count}; expected a whole number from 2 on")
    return int(count)


def _about(arrays: dict[str, np.ndarray], path: Path) -> dict[str, str]:
    if "about" not in arrays:
        return {}
    try:
        about = json.loads(str(arrays["about"]))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: `about` is not JSON: {error}") from error
    if not isinstance(about, dict):
        raise UserError(f"{path}: `about` is {about!r}; expected names and values")
    return {str(name): str(value) for name, value in about.items()}


def _read_archive(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The arrays called `names`, which must be there, and ours where they are."""
    with _opened(path) as archive:
        if isinstance(archive, np.ndarray):
            raise UserError(f"{path}: one bare array; expected an archive with {' and '.join(names)}")
        absent = [name for name in names if name not in archive]
        if absent:
            holds = ", ".join(archive) or "nothing"
            raise UserError(f"{path}: no {' and no '.join(absent)} in it; it holds {holds}")
        return {name: archive[name] for name in (*names, *OURS) if name in archive}


def _read_array(path: Path) -> np.ndarray:
    with _opened(path) as found:
        if not isinstance(found, np.ndarray):
            raise UserError(f"{path}: an archive of arrays; expected one bare array")
        return found


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The array, or the open archive of arrays, in a file; raises UserError where it is neither."""
    refuse_special(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; expected statistics as .npz, or a folder with {' and '.join(PAIR)}")
    try:
        refuse_stand_ins(path, "statistics")
        if is_zip(path):
            refuse_inflated(path)
        # a stream of our own: numpy leaves the file open where the archive is broken
        with path.open("rb") as stream:
            yield np.load(stream, allow_pickle=False)
    except UserError:
        raise
    except Exception as error:  # a damaged archive fails in as many ways as there are bytes
        raise UserError(f"{path}: not a readable file of plain arrays: {_first(error)}") from error


def _first(error: Exception) -> str:
    """The first sentence: numpy's go on to recommend unsafe loading."""
    return str(error).partition(". ")[0]
