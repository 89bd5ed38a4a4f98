"""Fréchet distances of other features, and from statistics."""

from dataclasses import replace
from pathlib import Path

import pytest

from sdm_bench.evaluation import distances, evaluate
from sdm_bench.evaluation.preflight import needed_weights, say_missing_weights
from sdm_bench.evaluation.task import Samples
from sdm_bench.metrics.features import extract, folder_source, inception_extractor
from sdm_bench.metrics.frechet import frechet_distance, statistics
from sdm_bench.metrics.statistics_files import write_statistics
from sdm_bench.metrics.vit import vit_extractor
from sdm_bench.protocols.catalog import protocol, protocol_names
from sdm_bench.weights.registry import entries_of
from sdm_bench.weights.store import CACHE_VARIABLE, weights_path
from tests.evaluation.test_evaluate import make_run, noisy, real_at, task_of
from tests.metrics.test_vit import drawn, needs_library, saved, tiny


@needs_library
def test_dinov2_measures_under_names_of_its_own(
    toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = saved(drawn(tiny(monkeypatch, "dinov2-vit-l-14")), tmp_path)
    monkeypatch.setattr(distances, "pinned_weights", lambda protocol, name: weights)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    real = real_at(toy_cityscapes)
    samples = Samples.of_run(make_run(tmp_path / "run", real, [0], noisy))
    pictures = make_run(tmp_path / "real", real, [0], lambda example, seed: example.image) / "samples/seed-000"
    found, failures = evaluate(replace(task_of(samples, real), protocol=protocol("dgm-eval@1")), ["fid"])
    assert failures == []
    names = {row.metric: row for row in found.rows}
    assert set(names) == {f"dinov2_{name}" for name in ("fid", "kid", "kid_standard_error", "precision", "recall")}
    extractor = vit_extractor("dinov2-vit-l-14", weights, "cpu")
    features = [extract(folder_source(folder), extractor) for folder in (samples.folders[0], pictures)]
    assert names["dinov2_fid"].value == pytest.approx(frechet_distance(*features), rel=1e-4)
    assert (names["dinov2_fid"].direction, names["dinov2_recall"].direction) == ("lower", "higher")
    assert names["dinov2_fid"].extractor == "dinov2-vit-l-14, its own"


def test_statistics_of_another_resizing_are_refused(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0], noisy)
    extractor = inception_extractor(weights_path("inception-2015-12-05"), "clean", "cpu")
    known = statistics(extract(folder_source(run / "samples/seed-000"), extractor))
    write_statistics(tmp_path / "own.npz", known, {"resize": "clean"})
    write_statistics(tmp_path / "other.npz", known, {"resize": "legacy_pytorch"})
    task = task_of(Samples.of_run(run), real)
    found, _ = evaluate(replace(task, statistics=tmp_path / "own.npz"), ["fid"])
    assert found.rows[0].value == pytest.approx(0, abs=1e-4)
    assert [row.metric for row in found.rows] == ["fid"]
    _, failures = evaluate(replace(task, statistics=tmp_path / "other.npz"), ["fid"])
    assert "other.npz: made with resize legacy_pytorch; expected clean" in failures[0]


def test_what_is_missing_is_listed_at_once_and_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    own = protocol("sdm-bench@1")
    cells = [("fid", own), ("lpips", own), ("miou", own)]
    say_missing_weights(cells, "ade20k", None)
    listed = capsys.readouterr().err
    for name in ("inception-2015-12-05", "lpips-alex", "ade20k-upernet101-encoder", "ade20k-upernet101-decoder"):
        assert f"\n  {name}: " in listed
    assert listed.count("Weights that are not in") == 1
    say_missing_weights(cells, None, None)
    unknown_dataset = capsys.readouterr().err
    assert "lpips-alex" in unknown_dataset
    assert "upernet" not in unknown_dataset
    say_missing_weights([("miou", own)], "ade20k", "runs/unet")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", protocol_names())
def test_every_weight_that_a_protocol_needs_is_in_the_registry(name: str) -> None:
    each = protocol(name)
    for metric in ("fid", "lpips", "miou"):
        for dataset in getattr(each, metric):
            needed = needed_weights(metric, each, dataset, None)
            assert needed or dataset == "folder" or getattr(each, metric)[dataset].unknown
            assert len(entries_of(needed)) == len(needed)
            assert [entry.name for entry in entries_of(needed)] == needed
            assert needed_weights("miou", each, dataset, "toy") == []
