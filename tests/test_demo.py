"""The demo's parts with small numbers; the shipped checkpoints are the real ones."""

from pathlib import Path

import pandas as pd
import pytest

from sdm_bench import demo
from sdm_bench.checkpoints.generators import load_generator
from sdm_bench.checkpoints.stored import export_weights, shipped_weights
from sdm_bench.checkpoints.weights_file import read_weights
from sdm_bench.datasets.known_datasets import DATASETS, open_dataset
from sdm_bench.results.rows import add_rows, read_rows
from sdm_bench.results.sample_sets import open_run
from sdm_bench.weights.store import CACHE_VARIABLE
from tests.conftest import accept_untrained
from tests.evaluation.measured import make_run, noisy, real_at
from tests.results.test_rows import row

SHIPPED = ("sdm", "sdm-concat", "spade", "unet")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_checkpoints_are_small_and_say_how_they_were_made(name: str) -> None:
    path = shipped_weights(name)
    _, about = read_weights(path)
    assert path.stat().st_size <= 3_000_000
    assert about is not None
    assert (about.method, about.dataset) == (name, "cityscapes")
    assert about.command.startswith("sdm-bench ")
    assert about.steps > 0
    assert about.seconds > 0
    assert about.version


@pytest.mark.parametrize("name", ["sdm", "sdm-concat"])
def test_the_shipped_diffusion_models_know_the_null_label(name: str) -> None:
    trained = load_generator("toy", name)
    assert trained.about.training["condition_dropout"] == 0.2
    assert trained.about.image_size == (32, 64)


def test_toy_scenes_of_all_four_datasets_are_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "SCENES", {name: {"val": 2} for name in demo.SCENES})
    demo.render_scenes(tmp_path, training=1)
    assert set(demo.SCENES) == set(DATASETS) - {"folder"}
    for name in demo.SCENES:
        assert len(open_dataset(name, tmp_path / name, "val")) == 2
    assert len(open_dataset("cityscapes", tmp_path / "cityscapes", "train")) == 1


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, untrained_cache: Path) -> None:
    """A demo of two scenes, two seeds and two network evaluations a sample."""
    monkeypatch.setenv(CACHE_VARIABLE, str(untrained_cache))
    accept_untrained(monkeypatch)
    monkeypatch.setattr(demo, "SCENES", {name: {"val": 2} for name in demo.SCENES})
    monkeypatch.setattr(demo, "SEEDS", (0, 1))
    monkeypatch.setattr(demo, "SOLVER_STEPS", 2)
    monkeypatch.setattr(demo, "TRAINING_SCENES", 4)


@pytest.mark.usefixtures("small")
def test_the_demo_ends_in_two_tables_and_a_grid_and_resumes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = demo.demo(tmp_path / "demo", tmp_path / "report", "sdm-bench demo", offline=True, device="cpu")
    assert [path.name for path in paths] == [
        "comparison.csv", "comparison.md", "ablation.csv", "ablation.md", "grid.png",
    ]  # fmt: skip
    everything, ablation = pd.read_csv(paths[0]), pd.read_csv(paths[2])
    ceiling, comparison = everything.iloc[-1], everything.iloc[:-1]
    assert ceiling["method"] == "real photographs"
    assert ceiling[["FID ↓", "LPIPS ↑", "mIoU ↑"]].notna().tolist() == [False, False, True]
    assert len(comparison) == 5
    assert comparison[["FID ↓", "LPIPS ↑", "mIoU ↑"]].notna().all(axis=None)
    assert ablation[["condition", "guidance"]].to_numpy().tolist() == [
        ["concat", "without"], ["concat", "1.5"], ["SPADE", "without"], ["SPADE", "1.5"],
    ]  # fmt: skip
    before = {run: read_rows(run / "results.csv") for run in (tmp_path / "demo" / "runs").iterdir()}
    capsys.readouterr()
    demo.demo(tmp_path / "demo", tmp_path / "report", "sdm-bench demo", offline=True, device="cpu")
    assert {run: read_rows(run / "results.csv") for run in before} == before
    assert "segmenting" not in capsys.readouterr().err


def test_a_number_under_another_protocol_does_not_stand_for_the_demos(toy_cityscapes: Path, tmp_path: Path) -> None:
    real = real_at(toy_cityscapes)
    run = make_run(tmp_path, real, [0], noisy)
    digest = open_run(run, real.dataset).digest
    add_rows(run / "results.csv", [row(sample_set=digest, measure="fid", protocol="sdm@1")])
    assert demo.unmeasured(run, toy_cityscapes) == ["fid", "lpips", "miou"]
    add_rows(run / "results.csv", [row(sample_set=digest, measure="fid", protocol="sdm-bench@1")])
    assert demo.unmeasured(run, toy_cityscapes) == ["lpips", "miou"]


@pytest.mark.usefixtures("small")
def test_everything_can_be_trained_from_scratch(tmp_path: Path) -> None:
    demo.render_scenes(tmp_path / "data", training=4)
    trained = demo.train_all(tmp_path / "trained", tmp_path / "data" / "cityscapes", 0.02, "cpu")
    assert set(trained) == set(SHIPPED)
    export_weights(trained["sdm"], tmp_path / "sdm.safetensors", half=True, raw=False)
    about = load_generator(tmp_path / "sdm.safetensors").about
    assert about.training["condition_dropout"] == 0.2
    assert about.training["init"] == str(tmp_path / "trained" / "sdm-first-stage")
