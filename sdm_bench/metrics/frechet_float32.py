"""The Fréchet distance as OASIS's training program computes it: covariances, their product and its root in float32.

boschresearch/OASIS@aeb875f utils/fid_scores.py, torch_cov and numpy_calculate_frechet_distance. There the conversion to
double is commented out. The product of two covariances of fewer images than dimensions is singular, and rounding gives
its null space small eigenvalues whose roots add up: the distance comes out too small, and by how much depends on the
library's kernels, hence on processor and version. The protocol that uses it holds measurements.
"""

import warnings

import numpy as np
import torch
from scipy import linalg
from torch import Tensor

from sdm_bench.metrics.frechet import check_dimensions, check_features

# Added to both diagonals where the root is not finite.
OFFSET = 1e-6


def frechet_distance_float32(real: np.ndarray, generated: np.ndarray) -> float:
    """The distance of features (M, D) and (N, D) in float32; smaller is nearer, negative where rounding outweighs it.

    SciPy's Schur method takes D^3: some 20 seconds for 2,048 dimensions on a core. Raises UserError for fewer than two
    rows, values that are not finite and different dimensions.
    """
    check_features(real)
    check_features(generated)
    check_dimensions(real.shape[1], generated.shape[1])
    (mean, covariance), (other_mean, other_covariance) = _statistics(real), _statistics(generated)
    shift = mean - other_mean
    spread = np.trace(covariance) + np.trace(other_covariance)
    return float(shift.dot(shift) + spread - 2 * np.trace(_root(covariance, other_covariance)))


def _statistics(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (D,) and covariance (D, D) over N - 1, float32, by torch on the processor."""
    rows: Tensor = torch.from_numpy(np.array(features, np.float32))
    # of transposed rows, as there: another order of sums would round otherwise
    offsets = rows.t() - rows.t().mean(1, keepdim=True)
    return rows.mean(0).numpy(), (1.0 / (len(rows) - 1) * offsets.matmul(offsets.t())).numpy()


def _root(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The real part of the root of the product of two covariances."""
    with warnings.catch_warnings():
        # of a singular product, which every one of few images is
        warnings.simplefilter("ignore", linalg.LinAlgWarning)
        root = linalg.sqrtm(first.dot(second))
        if not np.isfinite(root).all():
            offset = np.eye(len(first)) * OFFSET
            root = linalg.sqrtm((first + offset).dot(second + offset))
    return root.real
