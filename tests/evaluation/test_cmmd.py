"""CMMD of sample sets: the pure metric on features of a network, one number a seed."""

from pathlib import Path

import numpy as np
import pytest

from sdm_bench.evaluation import cmmd as module
from sdm_bench.evaluation.context import EvaluationContext
from sdm_bench.evaluation.evaluate import Evaluation, evaluate
from sdm_bench.evaluation.extractors import load_extractor
from sdm_bench.metrics.cmmd import cmmd
from sdm_bench.metrics.features import Extractor, extract
from sdm_bench.metrics.images import folder_source
from sdm_bench.protocols.protocols import protocol
from tests.evaluation.measured import make_run, measure, noisy, real_at


def test_cmmd_is_the_mean_over_seeds(toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With untrained Inception in CLIP's place."""
    extractor = load_extractor(protocol("sdm-bench@1"), "inception-2015-12-05", "clean", "cpu")

    def in_its_place(context: EvaluationContext, name: str, resize: str) -> Extractor:
        assert name == "clip-vit-l-14-336"
        return extractor

    monkeypatch.setattr(module, "extractor_of", in_its_place)
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path / "run", real, [0, 1], noisy)
    pictures = make_run(tmp_path / "real", real, [0], lambda example, seed: example.image) / "samples/seed-000"
    (row,) = measure(run, real, "cmmd", "cmmd@1").rows
    features = [extract(folder_source(folder), extractor) for folder in (pictures, *(run / "samples").iterdir())]
    each = [cmmd(generated, features[0]) for generated in features[1:]]
    assert row.value == pytest.approx(np.mean(each), rel=1e-5)
    assert row.spread == pytest.approx(np.std(each, ddof=1), rel=1e-3)
    assert (row.metric, row.num_images, row.num_real, row.protocol) == ("cmmd", 5, 5, "cmmd@1")


def test_missing_weights_are_refused_with_what_brings_them(
    toy_cityscapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path / "run", real_at(toy_cityscapes), [0], noisy, data=str(toy_cityscapes))
    rows, failures = evaluate(Evaluation(["cmmd"], run, protocol="cmmd@1", device="cpu"))
    assert rows == []
    assert failures == ["cmmd: weights that are not in the cache: clip-vit-l-14-336"]
    assert "sdm-bench weights import clip-vit-l-14-336 FILE" in capsys.readouterr().err
