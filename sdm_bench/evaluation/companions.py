"""Numbers beside the Fréchet distance, of the same features."""

from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field

from sdm_bench.base.errors import UserError
from sdm_bench.base.sections import Section
from sdm_bench.base.tensors import Tensors
from sdm_bench.metrics.extrapolation import frechet_distance_infinity
from sdm_bench.metrics.features import INCEPTION
from sdm_bench.metrics.frechet import Gaussian
from sdm_bench.metrics.inception_score import inception_score
from sdm_bench.metrics.kernel import kernel_distance, subset_kernel_distance
from sdm_bench.metrics.manifold import density_coverage, precision_recall

# Fewer images than this leave the covariances of FID's features singular and the distance biased upwards.
FEW_IMAGES = 2048
AtLeastOne = Annotated[int, Field(ge=1)]


class CompanionFields(Section):
    """What a protocol states of the numbers beside the Fréchet distance on a dataset.

    extractor: registry name of the weights whose features they are of. companions: whether there are any: KID,
    FD-infinity, precision, recall, density, coverage, Inception score.
    kid_draws: from which set KID's 100 random subsets of 1,000 are drawn first: "generated", as clean-fid does, or
    "real", as dgm-eval does. They are drawn with seed 0; the estimate over all pairs stands beside their mean.
    infinity_start, infinity_fewest: of FD-infinity, the share of the images that its smallest subset has, and the
    number of generated images below which it is left out unless it is asked for.
    neighbours, ball_surface: of precision and recall, up to which neighbour a ball reaches, and whether it holds its
    surface. manifold_images: precision, recall, density and coverage are of equally many images of both sets, at most
    so many, drawn with seed 0; None: of all images of each.
    """

    extractor: Literal["inception-2015-12-05", "dinov2-vit-l-14", "clip-vit-b-32", "efficientnet-lite0"]
    companions: bool = False
    kid_draws: Literal["generated", "real"] = "generated"
    infinity_start: Literal["half", "tenth"] = "half"
    infinity_fewest: AtLeastOne = FEW_IMAGES
    neighbours: AtLeastOne = 3
    ball_surface: bool = True
    manifold_images: AtLeastOne | None = None


class FeaturePair(NamedTuple):
    """What companions are computed of: features (N, D) and (M, D), the real ones' fit, the extractor's tensors.

    stated: what the protocol states of them. few_allowed: whether FD-infinity is asked for of any number of images.
    """

    generated: np.ndarray
    real: np.ndarray
    fitted: Gaussian
    weights: Tensors
    stated: CompanionFields
    few_allowed: bool = False


def companions(pair: FeaturePair) -> tuple[dict[str, float], list[str]]:
    """The numbers by name, and a line for each that was left out."""
    found: dict[str, float] = {}
    left_out = []
    for names, compute in COMPANIONS.items():
        try:
            found |= compute(pair)
        except UserError as error:
            left_out.append(f"{names} left out: {error.message}")
    return found, left_out


def _kernel(pair: FeaturePair) -> dict[str, float]:
    found = kernel_distance(pair.generated, pair.real)
    # the second of the two is drawn from first
    sets = (pair.generated, pair.real) if pair.stated.kid_draws == "real" else (pair.real, pair.generated)
    return {
        "kid": found.value,
        "kid_standard_error": found.standard_error,
        "kid_subsets": subset_kernel_distance(*sets).mean,
    }


def _infinity(pair: FeaturePair) -> dict[str, float]:
    count, fewest = len(pair.generated), pair.stated.infinity_fewest
    if count < fewest and not pair.few_allowed:
        raise UserError(f"of {count} pictures, fewer than {fewest}, where it stays biased; --fd-infinity asks for it")
    return {
        "fd_infinity": frechet_distance_infinity(pair.generated, pair.fitted, start=pair.stated.infinity_start).value
    }


def _precision_recall(pair: FeaturePair) -> dict[str, float]:
    real, generated = _compared(pair)
    found = precision_recall(real, generated, pair.stated.neighbours, surface=pair.stated.ball_surface)
    return {"precision": found.precision, "recall": found.recall}


def _density_coverage(pair: FeaturePair) -> dict[str, float]:
    found = density_coverage(*_compared(pair))
    return {"density": found.density, "coverage": found.coverage}


def _compared(pair: FeaturePair) -> tuple[np.ndarray, np.ndarray]:
    """Real and generated features that balls are laid around, see `manifold_images`."""
    most = pair.stated.manifold_images
    if most is None:
        return pair.real, pair.generated
    count = min(most, len(pair.real), len(pair.generated))
    generator = np.random.RandomState(0)
    real, generated = (
        each if len(each) == count else each[generator.choice(len(each), count, replace=False)]
        for each in (pair.real, pair.generated)
    )
    return real, generated


def _inception_score(pair: FeaturePair) -> dict[str, float]:
    """Where the weights have the classifier that it needs; the packaged ones have not. Its logits have no bias."""
    classifier = pair.weights.get("fc.weight")
    if classifier is None or pair.stated.extractor != INCEPTION:
        return {}
    return {"inception_score": inception_score(pair.generated @ classifier.numpy().T, logits=True).mean}


COMPANIONS: dict[str, Callable[[FeaturePair], dict[str, float]]] = {
    "KID": _kernel,
    "FD-infinity": _infinity,
    "precision and recall": _precision_recall,
    "density and coverage": _density_coverage,
    "Inception score": _inception_score,
}
