"""Inception score: exp of the mean divergence of an image's class probabilities from those of the whole set.

Salimans et al. 2016, arXiv:1606.03498; openai/improved-gan@0b7ed92 inception_score/model.py, whose logits leave out the
last layer's bias (1,008 classes). Sums in float64.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import rel_entr, softmax

from sdm_bench.base.errors import UserError


@dataclass(frozen=True)
class InceptionScore:
    """mean, spread: of the scores of `splits` parts of the set, the spread over their number. From 1 to C classes."""

    mean: float
    spread: float
    splits: int


def inception_score(values: np.ndarray, *, logits: bool, splits: int = 10, seed: int | None = 2020) -> InceptionScore:
    """Inception score of class probabilities, or of logits, (N, C); larger is better.

    The parts are consecutive images after a shuffle, numpy.random.RandomState(seed).permutation as in torch-fidelity
    0.4; None keeps the given order, as the paper's code does, in which a folder's neighbours may resemble one another.
    The score grows with the images a part has. Raises UserError for values that are not finite or, unless logits, no
    probabilities, and for fewer images than splits.
    """
    probabilities = _probabilities(values, logits)
    if not 1 <= splits <= len(values):
        raise UserError(f"{splits} splits of {len(values)} images; expected from 1 to the number of images")
    if seed is not None:
        probabilities = probabilities[np.random.RandomState(seed).permutation(len(values))]
    bounds = np.arange(splits + 1) * len(values) // splits
    scores = [_score(probabilities[start:stop]) for start, stop in pairwise(bounds)]
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)), splits)


def _probabilities(values: np.ndarray, logits: bool) -> np.ndarray:
    if values.ndim != 2 or not values.size:
        raise UserError(f"class scores of shape {values.shape}; expected (N, C)")
    if not np.isfinite(values).all():
        raise UserError("class scores that are not finite; a picture or the weights are broken")
    if logits:
        return softmax(values.astype(np.float64), axis=1)
    sums = values.sum(1, dtype=np.float64)
    if values.min() < 0 or np.abs(sums - 1).max() > 1e-3:
        raise UserError(
            f"class probabilities from {values.min():.3g} that sum to {sums.min():.4g}..{sums.max():.4g}; "
            "expected none below 0 and sums of 1 (are these logits?)"
        )
    return values / sums[:, None]


def _score(probabilities: np.ndarray) -> float:
    """Of one part (N, C)."""
    return float(np.exp(rel_entr(probabilities, probabilities.mean(0)).sum(1).mean()))
