"""The CLIP score of sample sets, by a tiny random CLIP in the cache: groups, captions and what rows say."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from sdm_bench.evaluation.evaluate import Evaluation, evaluate
from sdm_bench.evaluation.extractors import load_extractor
from sdm_bench.metrics.clip_score import clip_scores
from sdm_bench.metrics.clip_text import text_features
from sdm_bench.metrics.features import extract
from sdm_bench.metrics.images import folder_source
from sdm_bench.protocols.protocols import protocol
from sdm_bench.results.per_image import read_per_image
from sdm_bench.results.rows import read_rows
from sdm_bench.weights.registry import entry
from sdm_bench.weights.store import CACHE_VARIABLE, load_weights, save
from tests.evaluation.measured import make_run, noisy, real_at
from tests.metrics.test_clip_score import NAME, tiny

pytestmark = pytest.mark.skipif(find_spec("transformers") is None, reason="transformers (extra `vit`) is absent")


@pytest.fixture
def run(toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two groups of noisy photographs, and the tiny CLIP in a cache of its own."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    save(entry(NAME), tiny(monkeypatch).state_dict(), "made by the tests", "0")
    return make_run(tmp_path / "run", real_at(toy_cityscapes), [0, 1], noisy, data=str(toy_cityscapes))


def captions(run: Path, longest: int = 1) -> dict[str, str]:
    names = sorted(path.stem for path in (run / "samples/seed-000").iterdir())
    return {
        name: f"street {number} " + "with cars " * (longest if not number else 1) for number, name in enumerate(names)
    }


def measured(run: Path, texts: dict[str, str], **more: object) -> tuple:
    file = run.parent / "captions.json"
    file.write_text(json.dumps(texts))
    return evaluate(Evaluation(["clip_score"], run, protocol="modern@1", captions=file, device="cpu", **more))  # type: ignore[arg-type]


def test_the_score_is_the_mean_over_all_pairs_of_all_groups(run: Path) -> None:
    texts = captions(run)
    (row,), failures = measured(run, texts)
    assert failures == []
    extractor = load_extractor(protocol("modern@1"), NAME, "its own", "cpu")
    words = text_features(NAME, load_weights([NAME])[NAME], list(texts.values()), "cpu").features
    each = [clip_scores(extract(folder_source(run / f"samples/seed-00{k}"), extractor), words) for k in (0, 1)]
    assert row.value == pytest.approx(max(np.mean(each), 0), abs=1e-3)
    assert row.spread == pytest.approx(np.std(np.mean(each, axis=1), ddof=1), abs=1e-3)
    assert (row.metric, row.extractor, row.seeds, row.num_images, row.direction) == (
        "clip_score", NAME, "0-1", 5, "higher"
    )  # fmt: skip
    assert row.num_real is None
    numbers = read_per_image(run / "per-image.csv")
    assert numbers["value"].tolist() == pytest.approx(np.concatenate(each).tolist(), abs=1e-3)


def test_other_captions_are_another_row(run: Path) -> None:
    texts = captions(run)
    measured(run, texts)
    measured(run, texts)
    assert len(read_rows(run / "results.csv")) == 1
    measured(run, {name: text + "at night" for name, text in texts.items()})
    found = read_rows(run / "results.csv")
    assert len({row.reference_sha256 for row in found}) == len(found) == 2


def test_captions_that_are_too_long_are_said(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (row,), _ = measured(run, captions(run, longest=60))
    assert row.note == "captions cut after 77 tokens: 1"
    assert "warning: captions cut after 77 tokens: 1" in capsys.readouterr().err


def test_missing_weights_are_refused_with_what_brings_them(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "empty"))
    assert measured(run, captions(run)) == ([], [f"clip_score: weights that are not in the cache: {NAME}"])
    assert f"sdm-bench weights import {NAME} FILE" in capsys.readouterr().err
