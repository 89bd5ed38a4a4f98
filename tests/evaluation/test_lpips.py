"""LPIPS diversity, against the pure metric."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.base.tensors import read_safetensors
from sdm_bench.datasets.base import Example
from sdm_bench.metrics.lpips_diversity import diversity, load_lpips, sdm_input
from sdm_bench.results.sample_sets import open_images, open_run
from sdm_bench.weights.store import weights_path
from tests.evaluation.measured import make_run, measure, noisy, real_at


def test_diversity_grows_with_the_differences_and_is_zero_for_equal_samples(
    toy_cityscapes: Path, tmp_path: Path
) -> None:
    real = real_at(toy_cityscapes)
    equal = make_run(tmp_path / "equal", real, [0, 1], lambda example, seed: example.image)
    different = make_run(tmp_path / "different", real, [0, 1], noisy)
    rows = [measure(folder, real, "lpips").rows[0] for folder in (equal, different)]
    assert rows[0].value == pytest.approx(0, abs=1e-6)
    assert rows[1].value > 1e-3
    assert rows[1].spread_over == "label maps"
    assert len(rows[1].extractor_sha256) == 64


def test_a_deterministic_method_has_no_diversity_by_construction(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path, real, [0], noisy, stochastic=False, method="spade", solver=None, guidance=None)
    (row,) = measure(run, real, "lpips").rows
    assert row.value == 0
    assert "zero by construction" in row.note


def test_sdm_measures_ten_samples_by_its_own_preprocessing(toy_cityscapes: Path, tmp_path: Path) -> None:
    """The mean over pairs of LPIPS of pictures prepared as the released script does; of nine samples there is none."""
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path, real, list(range(11)), noisy)
    samples = open_run(run, real.dataset)
    found = measure(samples, real, "lpips", "sdm@1")
    (row,) = found.rows
    network = load_lpips(read_safetensors(weights_path("lpips-alex")))
    pictures = [[sdm_input(source.read(k)) for seed, source in samples.images.items() if seed < 10] for k in range(5)]
    each = [diversity(network, torch.stack(of_map)).mean for of_map in pictures]
    assert row.value == pytest.approx(np.mean(each), rel=1e-6)
    assert (row.seeds, row.extractor) == ("0-9", "lpips-alex, sdm")
    kept = {name: [one.value for one in found.per_image if one.metric == name] for name in ("lpips", "lpips_spread")}
    assert kept["lpips"] == pytest.approx(each)
    spreads = [diversity(network, torch.stack(of_map)).pairs.std(ddof=1) for of_map in pictures]
    assert kept["lpips_spread"] == pytest.approx(spreads)
    fewer = replace(samples, images={seed: samples.images[seed] for seed in range(9)})
    with pytest.raises(
        UserError, match=r"needs 10 samples a label map for sdm@1; sdm has 9 \(seeds: 0-8\); `sdm-bench"
    ):
        measure(fewer, real, "lpips", "sdm@1")


def test_diversity_inside_a_class_is_where_the_samples_differ(toy_cityscapes: Path, tmp_path: Path) -> None:
    """Samples that differ in the sky alone: more there than on the road, whose pixels are far from it.

    Classes that the benchmark ignores have no number of their own.
    """
    real = real_at(toy_cityscapes)

    def recoloured_sky(example: Example, seed: int) -> np.ndarray:
        assert example.image is not None
        picture = example.image.copy()
        picture[example.label == 23] = 255 * seed
        return picture

    found = measure(make_run(tmp_path, real, [0, 1], recoloured_sky), real, "lpips")
    inside = {row.class_name: row.value for row in found.rows if row.metric == "class_lpips"}
    assert inside["sky"] > 2 * inside["road"]
    assert len(inside) > 5
    assert set(inside) <= set(real.dataset.classes.evaluated_names)
    shown = {real.dataset.classes.names[index] for example in real for index in np.unique(example.label)}
    assert shown - set(real.dataset.classes.evaluated_names), "the scenes show ignored classes"


def test_one_picture_a_map_of_somebody_has_no_diversity(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path, real, [0], noisy)
    theirs = open_images(run / "samples/seed-000", "theirs", real.dataset)
    with pytest.raises(
        UserError,
        match=r"at least two samples a label map for sdm-bench@1; theirs has 1 \(seeds: 0\); give --images once",
    ):
        measure(theirs, real, "lpips")
