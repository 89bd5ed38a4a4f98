"""CLIP score: a hundred times the cosine of a picture's and its caption's embedding.

Hessel et al. 2021, arXiv:2104.08718, in the form that torchmetrics 1.9 computes (multimodal/clip_score.py): without the
paper's factor of 2.5, and with the mean over pairs cut at 0, not each pair. Sums in float64.
"""

import numpy as np

from sdm_bench.metrics.frechet import check_dimensions, check_features


def clip_scores(pictures: np.ndarray, captions: np.ndarray) -> np.ndarray:
    """float64 (N,) in [-100, 100], one a pair, of embeddings (N, D) and (N, D) of any length but 0.

    Raises UserError for values that are not finite and where the dimensions differ.
    """
    assert len(pictures) == len(captions), "a caption a picture"
    for embeddings in (pictures, captions):
        check_features(embeddings, 1)
    check_dimensions(pictures.shape[1], captions.shape[1])
    first, second = (each.astype(np.float64) for each in (pictures, captions))
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    scores: np.ndarray = 100 * (first * second).sum(1) / lengths
    return scores


def clip_score(scores: np.ndarray) -> float:
    """The mean over pairs, 0 where it is negative."""
    return max(float(scores.mean()), 0.0)
