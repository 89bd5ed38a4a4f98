"""CMMD: the squared maximum mean discrepancy of CLIP embeddings under a Gaussian kernel.

Jayasumana et al. 2023, arXiv:2401.09603; google-research/google-research@4c44992, cmmd/distance.py, and @1963839,
cmmd/io_util.py. There the sums are in float32 and the last incomplete batch of pictures is dropped; here they are in
float64 over all pictures.
"""

import numpy as np
from PIL import Image
from scipy.spatial.distance import cdist

from sdm_bench.metrics.frechet import check_dimensions, check_features, chunks

# Images a side of the blocks in which the kernel is computed.
CHUNK = 1024


def cmmd(generated: np.ndarray, real: np.ndarray, sigma: float = 10.0, scale: float = 1000.0) -> float:
    """scale * MMD^2 of embeddings (M, D) and (N, D); 0 for equal sets, larger is worse, symmetric.

    The kernel is exp(-|x - y|^2 / (2 sigma^2)). The estimate is the biased one, over all pairs, an image with itself
    included: it is never negative but for rounding, and larger for fewer images. Raises UserError for values that are
    not finite and where the dimensions differ.
    """
    check_features(generated, 1)
    check_features(real, 1)
    check_dimensions(generated.shape[1], real.shape[1])
    within = _mean_kernel(generated, generated, sigma) + _mean_kernel(real, real, sigma)
    return float(scale * (within - 2 * _mean_kernel(generated, real, sigma)))


def _mean_kernel(first: np.ndarray, second: np.ndarray, sigma: float) -> float:
    """The mean of the kernel over all pairs of (M, D) and (N, D)."""
    total = 0.0
    for rows in chunks(len(first), CHUNK):
        for columns in chunks(len(second), CHUNK):
            squares = cdist(first[rows].astype(np.float64), second[columns].astype(np.float64), "sqeuclidean")
            total += float(np.exp(-squares / (2 * sigma**2)).sum())
    return total / (len(first) * len(second))


def middle_square(image: np.ndarray, side: int) -> np.ndarray:
    """float32 (side, side, 3), 0..255, of a uint8 picture (H, W, 3): the middle square, bicubic, rounded to 8 bits."""
    height, width = image.shape[:2]
    shorter = min(height, width)
    top, left = (height - shorter) // 2, (width - shorter) // 2
    square = Image.fromarray(image[top : top + shorter, left : left + shorter])
    return np.asarray(square.resize((side, side), Image.Resampling.BICUBIC)).astype(np.float32)
