"""`sdm-bench run` from the command down: the demo with small numbers, a training, what is adopted and reported."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from cli import main
from sdm_bench.base.errors import UserError
from sdm_bench.results.rows import add_rows, read_rows
from sdm_bench.sampling.folders import SampleFolder
from sdm_bench.suites import measuring, run
from sdm_bench.suites.suite import shipped_suites
from sdm_bench.weights.store import CACHE_VARIABLE
from tests.conftest import accept_untrained
from tests.suites.small import write_suite

DEMO = """
    extends: demo
    name: small-demo
    datasets: {cityscapes: {toy: {val: 2, size: 64x32}}}
    methods:
      sdm-concat: null
      sdm-concat-guided: null
      sdm: null
      sdm-guided: {generate: {solver_steps: 2}}
"""
SPADE_ALONE = "    only: [{method: spade}]\n    report: {tables: [comparison], figures: [guidance]}\n"
TRAINED = """
    name: trained
    datasets:
      cityscapes: {toy: {train: 4, val: 2, size: 64x32}, segmenter: toy}
    methods:
      spade: {train: {steps: 2, batch_size: 2}, training_seeds: 2}
    metrics: [miou]
"""

REPORT = "    report: {tables: [comparison], figures: [], names: {methods: {spade: Ours}}, gallery: true}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, untrained_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run in an empty folder, with untrained weights of the feature networks."""
    shutil.copytree(untrained_cache / "weights", tmp_path / "cache" / "weights")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(tmp_path)
    accept_untrained(monkeypatch)


def call(*arguments: str, code: int = 0) -> Result:
    found = CliRunner().invoke(main, list(arguments))
    assert found.exit_code == code, (found.output, found.exception)
    return found


def test_a_suite_runs_with_what_ships_in_a_folder_of_its_own(tmp_path: Path) -> None:
    suite = str(write_suite(tmp_path, TRAINED.replace("spade: {", "oasis: {train: {steps: 1}}\n      spade: {")))
    planned = call("run", suite, "--pretrained", "--dry-run")
    assert "--pretrained: left out: oasis (no checkpoint ships)\n" in planned.output
    assert not (tmp_path / "trained-pretrained").exists()
    call("run", suite, "--pretrained", "--device", "cpu")
    rows = read_rows(tmp_path / "trained-pretrained/runs/spade/results.csv")
    assert {row.extractor for row in rows} == {"unet (toy)"}
    made = SampleFolder(tmp_path / "trained-pretrained/runs/spade").options()
    assert made.weights.endswith("toy/cityscapes/spade.safetensors")
    assert not (tmp_path / "trained").exists()
    assert "nothing to do" in call("run", suite, "--pretrained").output
    _is_looked_at_by_the_same_option(suite, tmp_path)


def _is_looked_at_by_the_same_option(suite: str, folder: Path) -> None:
    """Commands that plan a suite find the run with what ships, and say what is left out."""
    left_out = "--pretrained: left out: oasis (no checkpoint ships)"
    shown = call("suite", "show", suite, "--pretrained").stdout
    assert "  generate.cityscapes.spade\n" in shown
    assert "  train." not in shown
    status = call("suite", "status", suite, "--pretrained").stdout
    assert status.endswith("nothing to do\n")
    target = Path(call("suite", "export", suite, "--pretrained", "--snakemake").stdout.strip())
    assert target == Path("trained-pretrained/Snakefile")
    assert all(left_out in text.replace("# ", "").splitlines() for text in (shown, status, target.read_text()))
    call("suite", "export", suite, "--pretrained", "--snakemake", "--out", "exported")
    refused = call("run", suite, "--out", "exported", code=2)
    assert "--out exported: holds a run of trained with --pretrained; expected one without it" in refused.stderr
    examined = CliRunner().invoke(main, ["doctor", suite, "--pretrained"]).stdout.splitlines()
    at = examined.index("  suite trained-pretrained: 4 cells, 0 to do")
    assert examined[at + 1] == f"  {left_out}"
    made = call("report", suite, "--pretrained", "--format", "csv", "--out", "tables")
    assert left_out in made.stderr.splitlines()
    table = folder / "trained-pretrained/report/comparison.csv"
    assert (folder / "tables/comparison.csv").read_text() == table.read_text()
    missing = call("report", suite, code=2)
    assert f"trained: nothing of {suite} is measured there; `sdm-bench run {suite}` does it" in missing.stderr
    assert "--pretrained: of suites; found none" in call("report", "trained-pretrained", "--pretrained", code=2).stderr
    assert "--pretrained are of a suite; name one" in call("doctor", "--pretrained", code=2).stderr


@pytest.mark.parametrize("first", [(), ("--pretrained",)], ids=["trained", "pretrained"])
def test_a_run_with_what_ships_and_one_with_trainings_do_not_share_a_folder(
    tmp_path: Path, first: tuple[str, ...]
) -> None:
    suite = str(write_suite(tmp_path, TRAINED))
    second = () if first else ("--pretrained",)
    call("run", suite, *first, "--out", "both", "--device", "cpu")
    before = _files(tmp_path / "both")
    there, expected = ("with", "without") if first else ("without", "with")
    said = f"both: holds a run of trained {there} --pretrained; expected one {expected} it, or none; give another"
    for command in (["run", suite], ["run", suite, "--dry-run"], ["suite", "export", suite, "--snakemake"]):
        wrong = call(*command, *second, "--out", "both", "--data", f"cityscapes={tmp_path}", code=2)
        assert wrong.stderr.endswith(f"--out {said} --out\n")
    assert f"--out {said} --out\n" in call("suite", "status", suite, *second, "--out", "both", code=2).stderr
    report = call("report", suite, *second, "--suite-folder", "both", code=2)
    assert f"--suite-folder {said} --suite-folder\n" in report.stderr
    assert _files(tmp_path / "both") == before
    assert "nothing to do" in call("run", suite, *first, "--out", "both").stderr


def _files(folder: Path) -> dict[Path, float]:
    return {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}


def test_of_a_dataset_without_metrics_the_report_shows_pictures(tmp_path: Path) -> None:
    text = TRAINED.replace("train: {steps: 2, batch_size: 2}, training_seeds: 2", "checkpoint: toy").replace(
        "    methods:",
        "      streets: {dataset: cityscapes, toy: {val: 1, size: 64x32, seed: 3}, metrics: []}\n    methods:",
    )
    call("run", str(write_suite(tmp_path, text)), "--device", "cpu")
    folder = tmp_path / "trained"
    shown = sorted(len(pd.read_csv(file)) for file in (folder / "report").glob("compare-cityscapes-*.csv"))
    assert shown == [1, 2]
    assert len(pd.read_csv(folder / "report/comparison.csv")) == 2
    assert {path.name for path in (folder / "runs/streets.spade").iterdir()}.isdisjoint({"results.csv"})
    rows = [row for path in folder.rglob("results.csv") for row in read_rows(path)]
    assert {row.num_images for row in rows} == {2}


def test_the_demo_ends_in_tables_and_a_figure_and_does_nothing_twice(tmp_path: Path) -> None:
    suite = str(write_suite(tmp_path, DEMO))
    planned = call("run", suite, "--dry-run", "--device", "cpu").stdout
    assert "10 cells to do" in planned
    assert not (tmp_path / "small-demo").exists()
    call("run", suite, "--offline", "--device", "cpu")
    report = tmp_path / "small-demo" / "report"
    assert {path.name for path in report.iterdir()} == {
        *(f"{name}.{kind}" for name in ("comparison", "table1", "ablation") for kind in ("csv", "md", "tex", "html")),
        "tables.tex", "compare.png", "compare.csv",
    }  # fmt: skip
    everything, ablation = pd.read_csv(report / "comparison.csv"), pd.read_csv(report / "ablation.csv")
    ceiling, comparison = everything.iloc[-1], everything.iloc[:-1]
    assert ceiling["method"] == "real photographs"
    assert len(comparison) == 2
    assert comparison[["FID", "LPIPS", "mIoU"]].notna().all(axis=None)
    assert ablation[["conditioning", "guidance"]].to_numpy().tolist() == [["SPADE", 1.5]]
    again = call("run", suite, "--offline", "--device", "cpu")
    assert "nothing to do: 10 done" in again.stderr
    runs = tmp_path / "small-demo" / "runs"
    assert sorted(run.name for run in runs.iterdir()) == ["sdm-guided", "spade"]
    assert len(list((runs / "spade/samples/seed-000").glob("*.png"))) == 2
    assert (tmp_path / "small-demo/data/cityscapes/leftImg8bit/val").is_dir()
    by_hand = call(
        "report", *map(str, sorted(runs.iterdir())), "--table", "ablation", "--out", "by-hand"
    ).stdout.split()
    assert Path(by_hand[0]).read_text() == (report / "ablation.csv").read_text()
    assert (runs / "spade/per-image.csv").is_file()
    number = read_rows(runs / "spade/results.csv")[0].id
    assert "sdm-bench suite cell" in call("explain", number, str(runs)).stdout
    status = call("suite", "status", suite).stdout
    assert "nothing to do" in status
    made = call("report", suite, "--table", "comparison", "--out", "tables").stdout.split()
    assert Path(made[0]).read_text() == (report / "comparison.csv").read_text()
    _stands_beside_theirs(suite, tmp_path)


def _stands_beside_theirs(suite: str, folder: Path) -> None:
    """The suite's numbers, in its tables, with those of a CSV; --suite-folder is of one suite."""
    rows = [row for path in (folder / "small-demo").rglob("results.csv") for row in read_rows(path)]
    theirs = [row.model_copy(update={"method": "theirs", "sample_set": "t"}) for row in rows if row.measure == "fid"]
    add_rows(folder / "theirs.csv", theirs[:1])
    call("report", "theirs.csv", suite, "--no-figure", "--format", "csv", "--out", "together")
    assert {"SDM", "theirs"} <= set(pd.read_csv(folder / "together" / "comparison.csv")["method"])
    assert (folder / "together" / "ablation.csv").is_file()
    refused = call("report", suite, suite, "--suite-folder", "small-demo", code=2)
    assert "--suite-folder: of one suite; found 2" in refused.stderr


def test_offline_all_that_is_missing_is_listed_at_once_and_the_rest_runs(tmp_path: Path) -> None:
    (tmp_path / "cache" / "weights" / "inception-2015-12-05.json").unlink()
    text = DEMO.replace("      sdm:", "      oasis: {checkpoint: released}\n      sdm:") + SPADE_ALONE
    suite = str(write_suite(tmp_path, text.replace("{method: spade}", "{method: [spade, oasis]}")))
    found = call("run", suite, "--offline", "--device", "cpu", code=1)
    assert "sdm-bench weights fetch inception-2015-12-05" in found.stderr
    assert "oasis_cityscapes_pretrained.zip" in found.stderr
    assert "evaluate.cityscapes.spade.sdm-bench@1.fid: can't: weights inception-2015-12-05" in found.output
    rows = [row for file in (tmp_path / "small-demo").rglob("results.csv") for row in read_rows(file)]
    assert {row.measure for row in rows} == {"lpips", "miou"}
    report = tmp_path / "small-demo" / "report"
    assert (report / "comparison.md").is_file()
    (log,) = (tmp_path / "small-demo" / "cells" / "report").glob("*/log.txt")
    assert "no figure guidance: nothing measured at two guidance scales" in log.read_text()
    call("report", suite, "--out", "tables")
    refused = call("report", suite, "--figure", "guidance", "--out", "drawn", code=2)
    assert "figure guidance: nothing measured at two guidance scales" in refused.stderr


def test_trainings_are_averaged_over_their_seeds_and_can_be_adopted(tmp_path: Path) -> None:
    sized = TRAINED.replace("batch_size: 2", "batch_size: 2, image_size: 64x32")
    suite = str(write_suite(tmp_path, sized + REPORT))
    call("run", suite, "--device", "cpu")
    report = tmp_path / "trained" / "report"
    table = pd.read_csv(report / "comparison.csv")
    assert table["training seed"].tolist()[0] == "0, 1"
    assert table["method"].tolist()[0] == "Ours"
    assert (report / "gallery.html").is_file()
    assert not [path for path in report.iterdir() if path.suffix == ".png"]
    call("report", suite, "--format", "csv", "--out", "again")
    assert (tmp_path / "again" / "comparison.csv").read_text() == (report / "comparison.csv").read_text()
    other = ("--rename", "spade=Theirs", "--figure", "compare", "--out", "otherwise-named")
    call("report", suite, "--format", "csv", *other)
    assert pd.read_csv(tmp_path / "otherwise-named" / "comparison.csv")["method"].tolist()[0] == "Theirs"
    assert (tmp_path / "otherwise-named" / "compare.png").is_file()
    (cell,) = (tmp_path / "trained" / "cells" / "train.cityscapes.spade.seed-0").iterdir()
    result = json.loads((cell / "result.json").read_text())
    assert result["result"]["steps"] == 2

    data = next((tmp_path / "trained" / "cells" / "data.cityscapes").iterdir()) / "work"
    made = ["train", "spade", "--dataset", "cityscapes", "--data", str(data), "--steps", "2", "--device", "cpu"]
    call(*made, "--batch-size", "2", "--out", "by-hand")
    call(*made, "--batch-size", "4", "--out", "otherwise")
    shutil.rmtree(cell)
    record = tmp_path / "by-hand" / "train.json"
    plain = record.read_text()
    substituted = json.loads(plain)
    substituted["options"] |= {"perceptual": "lpips-vgg.safetensors", "perceptual_network": "lpips-vgg"}
    record.write_text(json.dumps(substituted))
    wrong = call("suite", "adopt", suite, "by-hand", code=2)
    assert "perceptual loss by lpips-vgg there, none asked for" in wrong.stderr
    record.write_text(plain)
    call("suite", "adopt", suite, "by-hand")
    adopted = json.loads((cell / "result.json").read_text())
    assert adopted["key"] == result["key"]
    assert adopted["result"]["adopted"] == str(tmp_path / "by-hand")
    weights = "checkpoints/step-00000002/network.safetensors"
    assert (cell / "work" / weights).read_bytes() == (tmp_path / "by-hand" / weights).read_bytes()
    assert json.loads((cell / "work" / "train.json").read_text())["options"]["data"] == str(
        data.relative_to(tmp_path / "trained")
    )
    wrong = call("suite", "adopt", suite, "otherwise", code=2)
    assert "another training" in wrong.stderr
    taken = call("suite", "adopt", suite, "by-hand", code=2)
    assert "has a result already" in taken.stderr


def test_a_single_cell_runs_by_its_key_and_says_how_it_ended(tmp_path: Path) -> None:
    suite = str(write_suite(tmp_path, TRAINED))
    target = Path(call("suite", "export", suite, "--snakemake").stdout.strip())
    text = target.read_text()
    rules = [line for line in text.splitlines() if line.startswith("rule cell_")]
    assert len(rules) == 1 + 2 * 3 + 1
    key = next((tmp_path / "trained" / "cells" / "data.cityscapes").iterdir()).name
    assert f"output: 'cells/data.cityscapes/{key}/result.json'" in text
    call("suite", "cell", key[:8], "--out", "trained")
    assert json.loads((tmp_path / "trained" / "cells" / "data.cityscapes" / key / "result.json").read_text())["result"]
    train = next((tmp_path / "trained" / "cells" / "generate.cityscapes.spade.seed-0").iterdir()).name
    refused = call("suite", "cell", train, "--out", "trained", code=2)
    assert "needs weights from train.cityscapes.spade.seed-0" in refused.stderr


def test_one_changed_field_of_a_protocol_is_named_and_the_rest_stays_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = str(write_suite(tmp_path, DEMO + SPADE_ALONE))
    call("run", suite, "--device", "cpu")
    original = measuring.protocol

    def other(name: str) -> Any:
        found = original(name)
        metrics = {**found.metrics, "fid": {"cityscapes": {**found.metrics["fid"]["cityscapes"], "resize": "tf1"}}}
        return found.model_copy(update={"metrics": metrics})

    monkeypatch.setattr(measuring, "protocol", other)
    lines = call("run", suite, "--dry-run", "--device", "cpu").stdout.splitlines()
    stale = [line for line in lines if line.startswith("stale")]
    assert [line.split()[1].rstrip(":") for line in stale] == [
        "evaluate.cityscapes.spade.sdm-bench@1.fid", "report",
    ]  # fmt: skip
    assert "protocol resize: clean -> tf1" in stale[0]


def test_where_datasets_are_is_kept_in_the_suites_folder(tmp_path: Path) -> None:
    run.keep_roots(tmp_path / "out", {"ade20k": tmp_path})
    run.keep_roots(tmp_path / "out", {"cityscapes": tmp_path / "cache"})
    planned = run.planned_suite(shipped_suites()["paper-table4"], tmp_path / "elsewhere")
    assert planned.states["data.ade20k"].why == "ade20k: where is it? Give --data ade20k=DIR"
    with pytest.raises(UserError, match="--data cityscapes: the suite's datasets are ade20k"):
        run.planned_suite(shipped_suites()["paper-table4"], tmp_path / "out")


def test_the_doctor_names_what_is_missing_and_what_mends_it(tmp_path: Path) -> None:
    assert "inception-2015-12-05: sha256" in call("doctor").stdout
    (tmp_path / "cache" / "weights" / "lpips-alex.json").unlink()
    found = call("doctor", "paper-table4", code=1).stdout
    assert "! weights lpips-alex: not in the cache: sdm-bench weights fetch lpips-alex" in found
    assert "ade20k: where is it? Give --data ade20k=DIR" in found
