"""Fréchet distances: of every seed, of other features, and from statistics; values checked against the pure metrics."""

from pathlib import Path

import numpy as np
import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_png
from sdm_bench.base.tensors import read_safetensors
from sdm_bench.evaluation import extractors
from sdm_bench.evaluation.metric import metric
from sdm_bench.metrics.efficientnet import efficientnet_extractor
from sdm_bench.metrics.features import Extractor, extract, inception_extractor
from sdm_bench.metrics.frechet import frechet_distance, statistics
from sdm_bench.metrics.images import folder_source
from sdm_bench.metrics.statistics_files import write_statistics
from sdm_bench.metrics.vit import vit_extractor
from sdm_bench.results.sample_sets import open_images
from sdm_bench.weights.store import CACHE_VARIABLE, weights_path
from tests.evaluation.measured import make_run, measure, noisy, real_at
from tests.metrics.test_efficientnet import drawn as efficientnet_weights
from tests.metrics.test_vit import drawn, needs_library, tiny


def untrained_inception() -> Extractor:
    return inception_extractor(read_safetensors(weights_path("inception-2015-12-05")), "clean", "cpu")


def test_fid_is_the_mean_over_seeds_of_the_distance_to_the_real_pictures(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0, 1], noisy)
    write_real = make_run(tmp_path / "real", real, [0], lambda example, seed: example.image)
    row = measure(run, real, "fid").rows[0]
    extractor = untrained_inception()
    folders = (write_real / "samples/seed-000", run / "samples/seed-000", run / "samples/seed-001")
    features = [extract(folder_source(folder), extractor) for folder in folders]
    each = [frechet_distance(features[0], other) for other in features[1:]]
    assert row.value == pytest.approx(np.mean(each), rel=1e-4)
    assert row.spread == pytest.approx(np.std(each, ddof=1), rel=1e-4)
    assert row.spread_over == "seeds"
    assert each[0] < each[1]
    assert (row.num_images, row.num_real, row.seeds, row.protocol) == (5, 5, "0-1", "sdm-bench@1")
    assert (row.direction, row.image_size, row.measure) == ("lower", "64x32", "fid")
    assert (row.extractor, row.extractor_sha256) == ("inception-2015-12-05, clean", extractor.weights_sha256)


def test_real_pictures_are_at_no_distance_from_themselves(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path, real, [0], lambda example, seed: example.image)
    samples = open_images(run / "samples/seed-000", "photographs", real.dataset)
    row = measure(samples, real, "fid").rows[0]
    assert row.value == pytest.approx(0, abs=1e-4)
    assert row.spread is None
    assert row.method == "photographs"


def test_the_size_of_photographs_never_depends_on_the_order_of_files(toy_cityscapes: Path, tmp_path: Path) -> None:
    """One thumbnail among the pictures: refused wherever it sorts; measured against statistics, which have no size."""
    real = real_at(toy_cityscapes)
    known = statistics(np.random.default_rng(0).normal(size=(8, 2048)))
    write_statistics(tmp_path / "real.npz", known, {})
    values = []
    for position in (0, -1):
        folder = tmp_path / str(position)
        for example in real:
            write_png(folder / f"{example.id}.png", noisy(example, 0))
        thumbnail = sorted(folder.iterdir())[position]
        write_png(thumbnail, folder_source(folder).read(position)[::8, ::8])
        samples = open_images(folder, "theirs", real.dataset)
        with pytest.raises(UserError, match=r"several sizes: 64x32 \(4\), 8x4 \(1\)"):
            measure(samples, real, "fid")
        row = measure(samples, real, "fid", statistics=tmp_path / "real.npz").rows[0]
        assert row.image_size == "several"
        values.append(row.value)
    assert np.isfinite(values).all()


@needs_library
def test_dinov2_measures_under_names_of_its_own(
    toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = drawn(tiny(monkeypatch, "dinov2-vit-l-14"))
    monkeypatch.setattr(extractors, "pinned_weights", lambda protocol, name: tensors)
    monkeypatch.setattr("sdm_bench.evaluation.fid.pinned_weights", lambda protocol, name: tensors)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0], noisy)
    pictures = make_run(tmp_path / "real", real, [0], lambda example, seed: example.image) / "samples/seed-000"
    names = {row.metric: row for row in measure(run, real, "fid", "dgm-eval@1").rows}
    beside = ("kid", "kid_standard_error", "kid_subsets", "precision", "recall")
    assert set(names) == {f"dinov2_{name}" for name in ("fid", *beside)}
    extractor = vit_extractor("dinov2-vit-l-14", tensors, "cpu")
    features = [extract(folder_source(folder), extractor) for folder in (run / "samples/seed-000", pictures)]
    assert names["dinov2_fid"].value == pytest.approx(frechet_distance(*features), rel=1e-4)
    assert (names["dinov2_fid"].direction, names["dinov2_recall"].direction) == ("lower", "higher")
    assert names["dinov2_fid"].extractor == "dinov2-vit-l-14, its own"


def test_the_cross_check_stands_beside_fid_under_names_of_its_own(
    toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = efficientnet_weights()
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0], noisy)
    pictures = make_run(tmp_path / "real", real, [0], lambda example, seed: example.image) / "samples/seed-000"
    usual = measure(run, real, "fid").rows
    monkeypatch.setattr(extractors, "pinned_weights", lambda protocol, name: tensors)
    monkeypatch.setattr("sdm_bench.evaluation.fid.pinned_weights", lambda protocol, name: tensors)
    rows = measure(run, real, "fid", "cross-check@1").rows
    assert [row.metric for row in rows] == [f"efficientnet_{row.metric}" for row in usual]
    assert [row.direction for row in rows] == [row.direction for row in usual]
    extractor = efficientnet_extractor(tensors, "cpu")
    features = [extract(folder_source(folder), extractor) for folder in (run / "samples/seed-000", pictures)]
    assert rows[0].value == pytest.approx(frechet_distance(*features), rel=1e-4)
    assert (rows[0].extractor, rows[0].extractor_sha256) == ("efficientnet-lite0, its own", extractor.weights_sha256)
    assert metric("fid").output("efficientnet_fid").title == "FD-EfficientNet-Lite0"


def test_statistics_of_another_resizing_are_refused(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0], noisy)
    known = statistics(extract(folder_source(run / "samples/seed-000"), untrained_inception()))
    write_statistics(tmp_path / "own.npz", known, {"resize": "clean"})
    write_statistics(tmp_path / "other.npz", known, {"resize": "legacy_pytorch"})
    found = measure(run, real, "fid", statistics=tmp_path / "own.npz")
    assert found.rows[0].value == pytest.approx(0, abs=1e-4)
    assert [row.metric for row in found.rows] == ["fid"]
    with pytest.raises(UserError, match=r"other\.npz: made with resize legacy_pytorch; expected clean"):
        measure(run, real, "fid", statistics=tmp_path / "other.npz")


def test_statistics_of_other_dimensions_are_named(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0], noisy)
    write_statistics(tmp_path / "pool1.npz", statistics(np.random.default_rng(0).normal(size=(80, 64))), {})
    with pytest.raises(UserError, match=r"pool1\.npz .*: features of 64 dimensions; expected 2048, as the extractor's"):
        measure(run, real, "fid", statistics=tmp_path / "pool1.npz")


def test_what_statistics_are_of_is_said_with_any_number_of_seeds(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0, 1], noisy)
    known = statistics(extract(folder_source(run / "samples/seed-000"), untrained_inception()))
    write_statistics(tmp_path / "own.npz", known, {"resize": "clean"})
    (row,) = measure(run, real, "fid", statistics=tmp_path / "own.npz").rows
    assert row.note.startswith("real: statistics of 5 images, own.npz ")
    assert (row.num_real, row.spread_over) == (5, "seeds")


def test_statistics_that_differ_in_the_mean_alone_are_other_references(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0], noisy)
    known = statistics(extract(folder_source(run / "samples/seed-000"), untrained_inception()))
    found = []
    for shift in (0.0, 1.0):
        folder = tmp_path / str(shift) / "train"
        folder.mkdir(parents=True)
        np.save(folder / "m.npy", known.mean + shift)
        np.save(folder / "s.npy", known.covariance)
        found.append(measure(run, real, "fid", statistics=folder).rows[0])
    assert found[1].value == pytest.approx(found[0].value + known.mean.size, rel=1e-4)
    assert found[0].group() != found[1].group()
    assert found[0].note != found[1].note


def test_label_maps_without_photographs_have_no_fid(toy_cityscapes: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "gtFine").symlink_to(toy_cityscapes / "gtFine")
    run = make_run(tmp_path / "run", real_at(toy_cityscapes), [0], noisy)
    with pytest.raises(UserError, match="5 label maps have no photograph"):
        measure(run, real_at(tmp_path / "data"), "fid")


def test_a_protocol_with_the_authors_statistics_asks_for_them(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0], noisy)
    with pytest.raises(UserError, match="inade@1 compares with statistics of the training split"):
        measure(run, real, "fid", "inade@1")


def test_oasis_in_float32_has_the_float64_value_beside_it(
    toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The root itself takes half a minute; that of few dimensions is tested beside it."""
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0, 1], noisy)
    sides = []

    def distance(photographs: np.ndarray, generated: np.ndarray) -> float:
        sides.append(photographs)
        assert photographs.shape == generated.shape == (5, 2048)
        return float(len(sides))

    monkeypatch.setattr("sdm_bench.evaluation.fid.frechet_distance_float32", distance)
    rows = {row.metric: row for row in measure(run, real, "fid", "oasis@2").rows}
    assert set(rows) == {"fid", "fid_float64"}
    assert (rows["fid"].value, rows["fid"].spread) == (1.5, pytest.approx(0.5**0.5))
    assert np.array_equal(sides[0], sides[1])
    before = {row.metric: row for row in measure(run, real, "fid", "oasis@1").rows}
    assert set(before) == {"fid"}
    assert rows["fid_float64"].value == before["fid"].value
    write_statistics(tmp_path / "own.npz", statistics(sides[0]), {"resize": "legacy_pytorch"})
    with pytest.raises(UserError, match="oasis@2 takes the covariance of the photographs' features in float32"):
        measure(run, real, "fid", "oasis@2", statistics=tmp_path / "own.npz")
