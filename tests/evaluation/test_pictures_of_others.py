"""Somebody's pictures, in arrays too, give the numbers of the same samples in a run; their rows go to one place."""

from pathlib import Path

import numpy as np
import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.known_datasets import DatasetSplit
from sdm_bench.evaluation.evaluate import Evaluation, evaluate
from sdm_bench.metrics.images import folder_source
from sdm_bench.results.per_image import PER_IMAGE_FILE, read_per_image
from sdm_bench.results.rows import ResultRow, read_rows
from tests.evaluation.measured import make_run, noisy, real_at

METRICS = ["fid", "lpips", "miou"]


@pytest.fixture
def run(toy_cityscapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two seeds of noisy photographs, below the working directory."""
    monkeypatch.chdir(tmp_path)
    return make_run(tmp_path / "run", real_at(toy_cityscapes), [0, 1], noisy, data=str(toy_cityscapes))


@pytest.fixture
def where(toy_cityscapes: Path) -> DatasetSplit:
    return DatasetSplit("cityscapes", toy_cityscapes, None)


def numbers(rows: list[ResultRow]) -> dict[tuple[str, str, str], float]:
    ours = ((row, "ours" if row.method in ("sdm", "theirs") else row.method) for row in rows)
    return {(row.metric, row.class_name, method): row.value for row, method in ours}


def test_all_metrics_give_the_numbers_of_a_run(run: Path, where: DatasetSplit, tmp_path: Path) -> None:
    expected, failures = evaluate(Evaluation(METRICS, run, segmenter="toy", device="cpu"))
    assert failures == []
    arrays = []
    for seed in (0, 1):
        source = folder_source(run / f"samples/seed-00{seed}")
        arrays.append(tmp_path / f"{seed}.npz")
        np.savez(arrays[-1], np.stack([source.read(index) for index in range(len(source))]))
    out = tmp_path / "theirs.csv"
    asked = Evaluation(METRICS, images=arrays, where=where, name="theirs", segmenter="toy", device="cpu", out=out)
    rows, failures = evaluate(asked)
    assert failures == []
    assert numbers(rows) == pytest.approx(numbers(expected), rel=1e-6)
    assert {row.seeds for row in rows if row.method == "theirs"} == {"0-1"}
    each = [
        read_per_image(path).sort_values(["metric", "seed", "id"])
        for path in (tmp_path / PER_IMAGE_FILE, run / PER_IMAGE_FILE)
    ]
    np.testing.assert_allclose(*(found["value"].to_numpy() for found in each), rtol=1e-6)


def test_rows_go_to_a_folder_called_as_the_method_and_stay_there(
    run: Path, where: DatasetSplit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = {"where": where, "name": "their/method", "device": "cpu"}
    first, _ = evaluate(Evaluation(["fid"], images=run / "samples/seed-000", **common))
    target = tmp_path / "their-method/results.csv"
    assert read_rows(target) == first
    assert not (tmp_path / "results.csv").exists()
    assert f"their-method/results.csv: {len(first)} rows" in capsys.readouterr().err
    second, _ = evaluate(Evaluation(["fid"], images=run / "samples/seed-001", **common))
    assert "has numbers of other pictures called 'their/method'; they stay" in capsys.readouterr().err
    assert read_rows(target) == [*first, *second]
    evaluate(Evaluation(["fid"], images=run / "samples/seed-001", **common))
    assert len(read_rows(target)) == len(first) + len(second)
    with pytest.raises(UserError, match="run: a run's folder; numbers of pictures called 'run' need --out"):
        evaluate(Evaluation(["fid"], images=run / "samples/seed-000", where=where, name="run", device="cpu"))


def test_what_is_said_of_the_pictures_stands_in_every_row_but_the_photographs(
    run: Path, where: DatasetSplit, tmp_path: Path
) -> None:
    about = {"where": where, "name": "theirs", "resolution_note": "made at 512", "device": "cpu"}
    rows, _ = evaluate(Evaluation(["miou"], images=run / "samples/seed-000", segmenter="toy", **about))
    assert {row.note for row in rows if row.method == "theirs"} <= {
        "resolution: made at 512",
        *(row.note for row in rows if row.note.startswith("resolution: made at 512; above the ceiling")),
    }
    assert {row.note for row in rows if row.method != "theirs"} == {""}


@pytest.mark.parametrize("changes", [{"by_order": True}, {"resolution_note": "x"}], ids=["by_order", "resolution_note"])
def test_what_is_said_of_somebodys_pictures_is_refused_for_a_run(run: Path, changes: dict) -> None:
    with pytest.raises(UserError, match=r"^--(by-order|resolution-note): of --images"):
        evaluate(Evaluation(["fid"], run, device="cpu", **changes))
