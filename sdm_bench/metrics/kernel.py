"""Kernel distance: the squared maximum mean discrepancy (MMD) of two sets of features; KID on Inception features.

Bińkowski et al. 2018, arXiv:1801.01401, kernel k(x, y) = (x.y / D + 1)^3. The estimate is unbiased: over the pairs of
different images within each set and all pairs across. Papers report its mean over random subsets, which estimates the
same value from fewer pairs. All in float64.
"""

from dataclasses import dataclass

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.metrics.frechet import check_dimensions, check_features, chunks

# Images a side of the blocks in which the kernel is computed.
CHUNK = 1024
Drawn = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class KernelDistance:
    """value: the unbiased estimate of MMD^2; 0 in expectation for equal distributions, so that it may be negative.

    linear, quadratic: unbiased estimates of the parts of its variance that fall as 1/N and as 1/N^2. They may be
    negative too, the first where the distributions are nearly equal.
    """

    value: float
    linear: float
    quadratic: float

    @property
    def standard_error(self) -> float:
        """The root of the variance, a negative part taken as 0: too large rather than too small."""
        return float(np.sqrt(max(self.linear, 0.0) + max(self.quadratic, 0.0)))


@dataclass(frozen=True)
class SubsetKernelDistance:
    """mean, spread: of the MMD^2 of `subsets` random subsets of `size` images, the spread over the number of subsets.

    The spread is that of one subset: no error of the mean, as subsets share images, and 0 where each is the whole.
    """

    mean: float
    spread: float
    subsets: int
    size: int


def kernel_distance(first: np.ndarray, second: np.ndarray, chunk: int = CHUNK) -> KernelDistance:
    """MMD^2 of features (M, D) and (N, D) from all images, with its variance; symmetric, larger is worse.

    The variance is Hoeffding's decomposition with an unbiased estimate of each term: Sutherland 2019, arXiv:1906.02104,
    here also for M other than N. Memory is that of blocks of `chunk` images a side. Raises UserError for fewer than
    four images, which the variance needs, for values that are not finite and where the dimensions differ.
    """
    _check(first, second, 4)
    x, y, across = _within(first, chunk), _within(second, chunk), _across(first, second, chunk)
    return KernelDistance(_unbiased(x.total, y.total, across.total, len(first), len(second)), *_variance(x, y, across))


def subset_kernel_distance(
    first: np.ndarray, second: np.ndarray, subsets: int = 100, size: int = 1000, seed: int = 0
) -> SubsetKernelDistance:
    """Mean and spread of MMD^2 over random subsets of features (M, D) and (N, D): KID as papers report it.

    As GaParmar/clean-fid@e88c4d6 cleanfid/fid.py kernel_distance after numpy.random.seed(seed), with `first` its first
    set (the real images, or the first folder): subsets of min(M, N, size) images without replacement from NumPy's
    legacy generator, each time of `second` before `first`. clean-fid computes in float32. Raises UserError as
    `kernel_distance` does, but from two images on, and for no subsets or subsets of fewer than two.
    """
    _check(first, second, 2)
    if subsets < 1 or size < 2:
        raise UserError(f"{subsets} subsets of {size} images; expected at least 1 of at least 2")
    size = min(len(first), len(second), size)
    each_is_the_whole = size == len(first) == len(second)
    drawn = _draw(len(first), len(second), size, 1 if each_is_the_whole else subsets, seed)
    all_pairs = len(first) ** 2 + len(second) ** 2 + len(first) * len(second)
    estimate = _from_all_pairs if all_pairs < 3 * size**2 * len(drawn) else _one_by_one
    estimates = estimate(first, second, drawn)
    return SubsetKernelDistance(float(np.mean(estimates)), float(np.std(estimates)), subsets, size)


def _draw(count: int, other: int, size: int, subsets: int, seed: int) -> Drawn:
    """The images, int (size,), that each subset takes of the first and of the second set."""
    generator = np.random.RandomState(seed)
    pairs = [
        (generator.choice(other, size, replace=False), generator.choice(count, size, replace=False))
        for _ in range(subsets)
    ]
    return [(of_first, of_second) for of_second, of_first in pairs]


def _one_by_one(first: np.ndarray, second: np.ndarray, drawn: Drawn) -> list[float]:
    """MMD^2 of each subset from its own kernel: cheaper for large sets."""
    estimates = []
    for of_first, of_second in drawn:
        x, y = first[of_first], second[of_second]
        totals = _within(x, CHUNK).total, _within(y, CHUNK).total, _across(x, y, CHUNK).total
        estimates.append(_unbiased(*totals, len(x), len(y)))
    return estimates


def _from_all_pairs(first: np.ndarray, second: np.ndarray, drawn: Drawn) -> list[float]:
    """MMD^2 of each subset from one pass over all pairs of images: cheaper where subsets share many."""
    in_first = _membership(len(first), [of_first for of_first, _ in drawn])
    in_second = _membership(len(second), [of_second for _, of_second in drawn])
    x, y = _totals(first, first, in_first, in_first), _totals(second, second, in_second, in_second)
    x, y = x - in_first @ _diagonal(first), y - in_second @ _diagonal(second)
    across = _totals(first, second, in_first, in_second)
    size = len(drawn[0][0])
    return [_unbiased(*totals, size, size) for totals in zip(x, y, across, strict=True)]


def _membership(count: int, subsets: list[np.ndarray]) -> np.ndarray:
    """float64 (B, N), 1 where a subset has an image."""
    out = np.zeros((len(subsets), count))
    np.put_along_axis(out, np.array(subsets), 1.0, axis=1)
    return out


def _totals(first: np.ndarray, second: np.ndarray, in_first: np.ndarray, in_second: np.ndarray) -> np.ndarray:
    """The sum of the kernel over the pairs of each subset, (B,)."""
    totals = np.zeros(len(in_first))
    for rows in chunks(len(first), CHUNK):
        for columns in chunks(len(second), CHUNK):
            totals += ((in_first[:, rows] @ _kernel(first[rows], second[columns])) * in_second[:, columns]).sum(1)
    return totals


@dataclass(frozen=True)
class _Sums:
    """Of a kernel matrix (M, N): the sums of its rows (M,), of its columns (N,) and of its squares."""

    rows: np.ndarray
    columns: np.ndarray
    squares: float

    @property
    def total(self) -> float:
        return float(self.rows.sum())


def _within(features: np.ndarray, chunk: int) -> _Sums:
    """Over the pairs of different images of one set, from the upper triangle."""
    sums, squares = np.zeros(len(features)), 0.0
    for rows in chunks(len(features), chunk):
        for columns in (each for each in chunks(len(features), chunk) if each.start >= rows.start):
            kernel = _kernel(features[rows], features[columns])
            if rows == columns:
                np.fill_diagonal(kernel, 0)
            else:
                sums[columns] += kernel.sum(0)
            sums[rows] += kernel.sum(1)
            squares += (1 if rows == columns else 2) * float(np.vdot(kernel, kernel))
    return _Sums(sums, sums, squares)


def _across(first: np.ndarray, second: np.ndarray, chunk: int) -> _Sums:
    of_rows, of_columns, squares = np.zeros(len(first)), np.zeros(len(second)), 0.0
    for rows in chunks(len(first), chunk):
        for columns in chunks(len(second), chunk):
            kernel = _kernel(first[rows], second[columns])
            of_rows[rows] += kernel.sum(1)
            of_columns[columns] += kernel.sum(0)
            squares += float(np.vdot(kernel, kernel))
    return _Sums(of_rows, of_columns, squares)


def _kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    base = first.astype(np.float64) @ second.astype(np.float64).T / first.shape[1] + 1
    return base * base * base


def _diagonal(features: np.ndarray) -> np.ndarray:
    return (np.square(features, dtype=np.float64).sum(1) / features.shape[1] + 1) ** 3


def _unbiased(x: float, y: float, across: float, m: int, n: int) -> float:
    return float(x / (m * (m - 1)) + y / (n * (n - 1)) - 2 * across / (m * n))


def _variance(x: _Sums, y: _Sums, across: _Sums) -> tuple[float, float]:
    """The parts of the variance in 1/N and in 1/N^2, from expectations of products of two kernels.

    With a(x) = E k(x, x') - E k(x, y) and C the covariance operators in the kernel's space they are
    4 Var a(x) / m + 4 Var a(y) / n and 2 |C_x|^2 / m(m-1) + 2 |C_y|^2 / n(n-1) + 4 <C_x, C_y> / mn.
    """
    m, n = len(x.rows), len(y.rows)
    shared_rows, shared_columns = _shared(across.rows, across.squares, n), _shared(across.columns, across.squares, m)
    total_squares = across.total**2 - across.rows @ across.rows - across.columns @ across.columns + across.squares
    apart = total_squares / (m * (m - 1) * n * (n - 1))
    of_x, size_x = _one_side(x, across.rows, n)
    of_y, size_y = _one_side(y, across.columns, m)
    common = across.squares / (m * n) - shared_rows - shared_columns + apart
    linear = 4 / m * (of_x + shared_rows - apart) + 4 / n * (of_y + shared_columns - apart)
    quadratic = 2 / (m * (m - 1)) * size_x + 2 / (n * (n - 1)) * size_y + 4 / (m * n) * common
    return float(linear), float(quadratic)


def _shared(sums: np.ndarray, squares: float, others: int) -> float:
    """E k(x, y) k(x, y'): one image of x in both, from the sums of x over y."""
    return float(sums @ sums - squares) / (len(sums) * others * (others - 1))


def _one_side(within: _Sums, across: np.ndarray, others: int) -> tuple[float, float]:
    """Var E k(x, x') - 2 Cov(E k(x, x'), E k(x, y)) over x, and |C_x|^2."""
    m, sums, total = len(within.rows), within.rows, within.total
    rows = sums @ sums
    shared = (rows - within.squares) / (m * (m - 1) * (m - 2))
    apart = (total**2 - 4 * rows + 2 * within.squares) / (m * (m - 1) * (m - 2) * (m - 3))
    mixed = sums @ across
    mixed_apart = (total * across.sum() - 2 * mixed) / (m * (m - 1) * (m - 2) * others)
    variance = shared - apart - 2 * (mixed / (m * (m - 1) * others) - mixed_apart)
    return float(variance), float(within.squares / (m * (m - 1)) - 2 * shared + apart)


def _check(first: np.ndarray, second: np.ndarray, fewest: int) -> None:
    check_features(first, fewest)
    check_features(second, fewest)
    check_dimensions(first.shape[1], second.shape[1])
