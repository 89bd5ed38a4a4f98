"""`evaluate` does what it is told or refuses; what can be known is said before any work."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.checkpoints.shipped import shipped_weights
from sdm_bench.checkpoints.weights_file import read_weights, write_weights
from sdm_bench.datasets.known_datasets import DatasetSplit
from sdm_bench.evaluation import evaluate as module
from sdm_bench.evaluation.context import EvaluationContext
from sdm_bench.evaluation.evaluate import Evaluation, evaluate
from sdm_bench.evaluation.fid import FID
from sdm_bench.evaluation.metric import MetricResult, metric, needed_weights
from sdm_bench.protocols.protocols import protocol, protocol_names
from sdm_bench.results.rows import read_rows
from sdm_bench.results.store import refuse_unusable
from sdm_bench.sampling.folders import SampleFolder
from sdm_bench.weights.registry import entries_of
from sdm_bench.weights.store import CACHE_VARIABLE
from tests.evaluation.measured import make_run, noisy, real_at


@pytest.fixture
def run(toy_cityscapes: Path, tmp_path: Path) -> Path:
    """Two seeds of noisy photographs."""
    return make_run(tmp_path / "run", real_at(toy_cityscapes), [0, 1], noisy, data=str(toy_cityscapes))


def test_failed_metrics_are_listed_and_the_others_measured(run: Path) -> None:
    asked = Evaluation(["lpips", "fid", "miou"], run, seeds=[0], device="cpu")
    rows, failures = evaluate(asked)
    assert {row.metric for row in rows} == {"fid", "kid", "kid_standard_error", "kid_subsets", "precision", "recall"}
    assert failures[0] == (
        "lpips: diversity needs at least two samples a label map for sdm-bench@1; sdm has 1 (seeds: 0); "
        "`sdm-bench generate --seeds` adds others, --seeds says which are measured"
    )
    assert failures[1].startswith("miou: ")
    assert "cityscapes-drn-d-105" in failures[1]
    assert read_rows(run / "results.csv") == rows


def test_seeds_select_from_what_is_there(run: Path) -> None:
    values = {}
    for seeds in (None, [0], [1]):
        rows, _ = evaluate(Evaluation(["fid"], run, seeds=seeds, device="cpu"))
        values[rows[0].seeds] = rows[0].value
    assert set(values) == {"0-1", "0", "1"}
    assert values["0-1"] == pytest.approx((values["0"] + values["1"]) / 2)
    assert len({row.sample_set for row in read_rows(run / "results.csv")}) == 3


@pytest.mark.parametrize("asked", [False, True])
def test_the_flag_for_fd_infinity_reaches_the_metric(asked: bool, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def measured(self: object, context: EvaluationContext) -> MetricResult:
        seen.append(context.few_allowed)
        return MetricResult([], [])

    monkeypatch.setattr(FID, "measure", measured)
    assert evaluate(Evaluation(["fid"], run, device="cpu", fd_infinity=asked)) == ([], [])
    assert seen == [asked]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metrics": ["fdi"]}, r"Unknown metric 'fdi'\. Did you mean 'fid'"),
        ({"protocol": "sdm-bench@2"}, r"Unknown protocol 'sdm-bench@2'"),
        ({"seeds": [0, 7]}, r"--seeds 0,7: .* has the seeds 0-1"),
        ({"where": DatasetSplit(split="train")}, r"--split train: the samples in .* are of val"),
        ({"where": DatasetSplit("ade20k", None, None)}, r"--dataset ade20k: the samples in .* are of cityscapes"),
        ({"name": "mine"}, r"--name: what --images are called"),
        ({"track": "text"}, r"--track: of --images"),
        ({"metrics": ["miou"], "segmenter": "nosuch"}, r"--segmenter nosuch: neither a run, nor a weights file"),
        ({"metrics": ["miou"], "segmenter": "mmseg:a.py,b.pth"}, r"--segmenter mmseg:.*: a\.py: no such file"),
        ({"metrics": ["miou"], "segmenter": "drn-c-26:a.pth"}, r"--segmenter drn-c-26:a\.pth: a\.pth: no such file"),
        ({"segmenter": "toy"}, r"--segmenter toy: does nothing without --metric miou"),
        ({"predictions": Path("x")}, r"--predictions x: does nothing without --metric miou"),
        ({"metrics": ["miou"], "statistics": __file__}, r"does nothing without --metric fid"),
        ({"metrics": ["lpips"], "fd_infinity": True}, r"--fd-infinity: does nothing without --metric fid"),
        ({"statistics": "nothing"}, r"--statistics nothing: neither a file or folder"),
        ({"device": "tpu"}, r"--device tpu: expected auto, cpu, cuda, cuda:NUMBER or mps"),
        ({"run": None}, r"either a run's folder or --images"),
        ({"images": Path(".")}, r"either a run's folder or --images"),
        ({"out": Path(".")}, r"--out \.: a folder; expected a CSV file"),
        ({"out": Path("per-image.csv")}, r"--out per-image\.csv: per-image\.csv is written beside the results"),
    ],
)
def test_what_would_be_ignored_or_cannot_be_is_refused_before_any_work(
    changes: dict, message: str, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SharedWork", lambda **_: pytest.fail("work has begun"))
    with pytest.raises(UserError, match=message):
        evaluate(Evaluation(**{"metrics": ["fid"], "run": run, "device": "cpu", **changes}))
    assert not (run / "results.csv").exists()


def nothing_is_measured(run: Path | None, monkeypatch: pytest.MonkeyPatch, message: str, **changes: Any) -> None:
    monkeypatch.setattr(module, "SharedWork", lambda **_: pytest.fail("work has begun"))
    with pytest.raises(UserError, match=message):
        evaluate(Evaluation(**{"metrics": ["fid"], "run": run, "device": "cpu", **changes}))


def test_a_place_for_predictions_is_refused_before_any_work(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a user, who can't write to what the test says; root may write anywhere."""
    miou = {"metrics": ["miou"], "segmenter": "toy"}
    file, kept = tmp_path / "file", tmp_path / "kept"
    file.touch()
    nothing_is_measured(run, monkeypatch, r"--predictions .*file is a file", predictions=file, **miou)
    kept.mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != kept)
    nothing_is_measured(
        run, monkeypatch, rf"^--predictions .*: no permission to write .*{kept}", predictions=kept, **miou
    )


def test_names_that_no_record_can_spell_are_refused_before_any_work(
    run: Path, toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / b"caf\xe9".decode("utf-8", "surrogateescape")
    shown = r"/caf\\udce9/{}: not a name in UTF-8"
    shutil.copytree(run, odd / "run")
    shutil.copytree(toy_cityscapes, odd / "scenes")
    for name, place in (("linked-run", odd / "run"), ("pictures", odd / "run/samples/seed-000")):
        (tmp_path / name).symlink_to(place)
    nothing_is_measured(tmp_path / "linked-run", monkeypatch, r"^RUN .*" + shown.format("run"))
    theirs = {"where": DatasetSplit("cityscapes", toy_cityscapes, None), "images": tmp_path / "pictures"}
    for name in (None, "theirs"):
        message = r"^--images .*" + shown.format("run/samples/seed-000")
        nothing_is_measured(None, monkeypatch, message, **theirs, name=name)
    where = DatasetSplit(None, odd / "scenes", None)
    nothing_is_measured(run, monkeypatch, r"^cityscapes .*" + shown.format("scenes"), where=where)


def test_an_incomplete_folder_is_refused_by_every_metric_alike(run: Path, toy_cityscapes: Path) -> None:
    real = real_at(toy_cityscapes)
    SampleFolder(run).sample(real[2].id, 0).unlink()
    for name in ("fid", "lpips", "miou"):
        with pytest.raises(UserError, match=rf"1 missing \({real[2].id}\)"):
            evaluate(Evaluation([name], run, device="cpu"))
    rows, failures = evaluate(Evaluation(["fid", "lpips", "miou"], run, allow_incomplete=True, segmenter="toy"))
    assert failures == []
    of_samples = [row for row in rows if row.method != "real photographs"]
    assert {row.measure for row in of_samples} == {"fid", "lpips", "miou"}
    assert {(row.incomplete, row.num_images) for row in of_samples} == {("1 of 5 missing", 4)}


def test_somebodys_folders_of_one_name_are_kept_apart(run: Path, toy_cityscapes: Path, tmp_path: Path) -> None:
    out, where = tmp_path / "all.csv", DatasetSplit("cityscapes", toy_cityscapes, None)
    values = []
    for model, seed in (("A", 0), ("B", 1)):
        folder = tmp_path / model / "pictures"
        folder.parent.mkdir()
        (run / "samples" / f"seed-00{seed}").rename(folder)
        rows, _ = evaluate(Evaluation(["fid"], images=folder, where=where, out=out, device="cpu"))
        values.append(rows[0].value)
    stored = [row for row in read_rows(out) if row.metric == "fid"]
    assert [row.value for row in stored] == values
    assert {row.method for row in stored} == {"pictures"}


def test_pictures_of_the_two_tracks_are_kept_apart(run: Path, toy_cityscapes: Path, tmp_path: Path) -> None:
    out, where = tmp_path / "all.csv", DatasetSplit("cityscapes", toy_cityscapes, None)
    folder = run / "samples" / "seed-000"
    for track in (None, "labels", "text", "text"):
        asked = Evaluation(["fid"], images=folder, name="theirs", track=track, where=where, out=out, device="cpu")  # type: ignore[arg-type]
        rows, _ = evaluate(asked)
        assert {row.track for row in rows} == {track or "labels"}
    stored = [row for row in read_rows(out) if row.metric == "fid"]
    assert [row.track for row in stored] == ["labels", "text"]
    assert len({row.id for row in stored}) == len({row.sample_set for row in stored}) == 2


def test_a_second_segmenter_does_not_replace_the_first_and_the_same_elsewhere_does(run: Path, tmp_path: Path) -> None:
    same, other = (tmp_path / name / "unet.safetensors" for name in ("same", "other"))
    tensors, about = read_weights(shipped_weights("unet"))
    assert about is not None
    write_weights(same, tensors, about)
    write_weights(other, {name: value * 1.5 for name, value in tensors.items()}, about)
    for segmenter in ("toy", str(other), str(same)):
        evaluate(Evaluation(["miou"], run, segmenter=segmenter, device="cpu"))
    stored = [row for row in read_rows(run / "results.csv") if row.metric == "miou" and row.method == "sdm"]
    assert [row.extractor for row in stored] == [f"unet ({other})", f"unet ({same})"]
    assert len({row.extractor_sha256 for row in stored}) == 2


def test_what_is_missing_is_listed_at_once_and_before(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "empty"))
    _, failures = evaluate(Evaluation(["fid", "lpips", "miou"], run, device="cpu"))
    listed = capsys.readouterr().err
    for name in ("inception-2015-12-05", "lpips-alex", "cityscapes-drn-d-105"):
        assert f"\n  {name}: " in listed
    assert listed.count("Weights that are not in") == 1
    assert len(failures) == 3
    evaluate(Evaluation(["miou"], run, segmenter="toy", device="cpu"))
    assert "Weights that are not in" not in capsys.readouterr().err


@pytest.mark.parametrize("name", protocol_names())
def test_every_weight_that_a_protocol_needs_is_in_the_registry(name: str) -> None:
    each = protocol(name)
    for metric_name in each.metrics:
        for dataset in each.datasets(metric_name):
            section = metric(metric_name).parsed(each, dataset)
            needed = metric(metric_name).weights(section)
            # of some datasets a protocol knows no network, or files that --segmenter brings
            brought = metric_name in ("miou", "edit_miou") and section.segmenter is None
            assert needed or brought or metric_name == "edit" or each.unknown(metric_name, dataset)
            assert [entry.name for entry in entries_of(needed)] == needed
    assert needed_weights(each, ("fid",)) == list(dict.fromkeys(needed_weights(each, ("fid",))))


def test_weights_that_are_not_those_of_the_protocol_are_refused(
    run: Path, untrained_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Untrained weights lie in the cache under the names of the published ones; here nothing makes them acceptable."""
    monkeypatch.undo()
    monkeypatch.setenv(CACHE_VARIABLE, str(untrained_cache))
    rows, failures = evaluate(Evaluation(["fid", "lpips"], run, device="cpu"))
    assert rows == []
    assert "the weights inception-2015-12-05 have the digest" in failures[0]
    assert "expected db4e3053f76d" in failures[0]
    assert "the weights lpips-alex have the digest" in failures[1]


def test_numbers_that_cannot_be_stored_are_given_all_the_same(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected, _ = evaluate(Evaluation(["miou"], run, segmenter="toy", device="cpu", out=tmp_path / "there.csv"))
    (tmp_path / "blocked").touch()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "blocked"))

    def read_only(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), "out/results.csv")

    monkeypatch.setattr(module, "store", read_only)
    rows, failures = evaluate(Evaluation(["miou"], run, segmenter="toy", device="cpu"))
    assert [row.value for row in rows] == [row.value for row in expected]
    assert failures[0].startswith(f"ceiling of cityscapes not stored: {tmp_path}/blocked/ceilings/")
    assert failures[1:] == ["numbers not stored: out/results.csv: Read-only file system"]
    assert failures[1] in capsys.readouterr().err


def test_a_place_that_does_not_let_write_is_said_before(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != run)
    refuse_unusable(run / "results.csv")
    assert capsys.readouterr().err == (
        f"warning: --out {run}: no permission to write in {run}; the numbers will be printed alone\n"
    )
