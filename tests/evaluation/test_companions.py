"""Numbers beside the Fréchet distance follow what a protocol states of them."""

from typing import Any

import numpy as np
import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.evaluation.companions import FeaturePair, companions
from sdm_bench.evaluation.fid import FIDSection
from sdm_bench.evaluation.metric import metric
from sdm_bench.metrics.extrapolation import frechet_distance_infinity
from sdm_bench.metrics.frechet import gaussian
from sdm_bench.metrics.kernel import kernel_distance, subset_kernel_distance
from sdm_bench.metrics.manifold import density_coverage, precision_recall
from sdm_bench.protocols.protocols import protocol, read_protocol


def features(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(count, 6)) * (1 + 0.2 * seed) + 0.1 * seed).astype(np.float32)


def found_under(name: str, generated: np.ndarray, real: np.ndarray, few: bool = False) -> Any:
    section: FIDSection = metric("fid").stated(protocol(name), "cityscapes")
    return companions(FeaturePair(generated, real, gaussian(real), {}, section, few))


def test_kid_as_papers_print_it_stands_beside_the_exact_estimate() -> None:
    """100 subsets of 1,000 with seed 0, drawn as clean-fid draws them; of fewer pictures the whole."""
    generated, real = features(1100, 0), features(1200, 1)
    found, _ = found_under("sdm-bench@1", generated, real)
    exact, subsets = kernel_distance(generated, real), subset_kernel_distance(real, generated)
    assert (found["kid"], found["kid_standard_error"]) == (exact.value, exact.standard_error)
    assert found["kid_subsets"] == subsets.mean != exact.value
    assert (subsets.subsets, subsets.size) == (100, 1000)
    few, _ = found_under("sdm-bench@1", generated[:60], real[:60])
    assert few["kid_subsets"] == pytest.approx(few["kid"], rel=1e-10)


def test_fd_infinity_of_few_pictures_is_left_out_unless_it_is_asked_for() -> None:
    generated, real = features(2048, 0), features(300, 1)
    found, left_out = found_under("sdm-bench@1", generated, real)
    assert found["fd_infinity"] == frechet_distance_infinity(generated, real).value
    assert left_out == []
    found, left_out = found_under("sdm-bench@1", generated[:2047], real)
    assert "fd_infinity" not in found
    assert left_out == [
        "FD-infinity left out: of 2047 pictures, fewer than 2048, where it stays biased; --fd-infinity asks for it"
    ]
    found, left_out = found_under("sdm-bench@1", generated[:2047], real, few=True)
    assert found["fd_infinity"] == frechet_distance_infinity(generated[:2047], real).value
    assert left_out == []


def test_dgm_evals_own_companions_are_those_of_its_second_protocol() -> None:
    generated, real = features(150, 0), features(200, 1)
    found, left_out = found_under("dgm-eval@2", generated, real)
    assert left_out == []
    assert found["fd_infinity"] == frechet_distance_infinity(generated, real, start="tenth").value
    taken = real[np.random.RandomState(0).choice(200, 150, replace=False)]
    balls = precision_recall(taken, generated, 5, surface=False)
    assert (found["precision"], found["recall"]) == (balls.precision, balls.recall)
    dense = density_coverage(taken, generated)
    assert (found["density"], found["coverage"]) == (dense.density, dense.coverage)
    assert found["kid_subsets"] == subset_kernel_distance(generated, real).mean
    before, _ = found_under("dgm-eval@1", generated, real, few=True)
    assert {name for name in found if found[name] != before[name]} == set(found) - {"kid", "kid_standard_error"}


def test_both_sets_are_reduced_to_as_many_pictures() -> None:
    section = FIDSection(extractor="dinov2-vit-l-14", resize="its own", companions=True, manifold_images=50)
    generated, real = features(80, 0), features(70, 1)
    found, _ = companions(FeaturePair(generated, real, gaussian(real), {}, section))
    generator = np.random.RandomState(0)
    few_real, few = (each[generator.choice(len(each), 50, replace=False)] for each in (real, generated))
    assert found["precision"] == precision_recall(few_real, few).precision
    assert found["density"] == density_coverage(few_real, few).density


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("neighbours: 0", "neighbours: Input should be greater than or equal to 1"),
        ("manifold_images: 0", "manifold_images: Input should be greater than or equal to 1"),
        ("infinity_start: third", "infinity_start: Input should be 'half' or 'tenth'"),
        ("kid_draws: first", "kid_draws: Input should be 'generated' or 'real'"),
        ("covariance: float16", "covariance: Input should be 'float64' or 'float32'"),
    ],
)
def test_what_no_companion_knows_is_refused(field: str, message: str) -> None:
    fields = f"{{extractor: clip-vit-b-32, resize: its own, {field}}}"
    text = f"name: x@1\nsummary: y\nfid: {{datasets: {{folder: {fields}}}}}"
    with pytest.raises(UserError, match=f"x@1: fid on folder: {message}"):
        metric("fid").parsed(read_protocol(text, "x.yaml"), "folder")
