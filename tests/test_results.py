"""Result rows and their store."""

from pathlib import Path

import pytest

from sdm_bench.errors import UserError
from sdm_bench.results import ResultRow, read_rows, store, to_csv


def row(**changes: object) -> ResultRow:
    fields = {
        "dataset": "cityscapes", "split": "val", "method": "sdm", "protocol": "sdm-bench@1", "metric": "fid",
        "value": 1 / 3, "direction": "lower", "num_images": 5, "seeds": "0-1", "solver": "ddim", "steps": 25,
        "guidance": 1.5, "extractor": "inception", "manifest_sha256": "ab",
    }  # fmt: skip
    return ResultRow(**(fields | changes))


def test_rows_round_trip_in_full_precision(tmp_path: Path) -> None:
    rows = [row(), row(metric="lpips", spread=0.1, solver="", steps=None, guidance=None, note="a, b")]
    store(tmp_path / "results.csv", rows)
    assert read_rows(tmp_path / "results.csv") == rows


def test_a_newer_measurement_of_the_same_replaces_the_older(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    store(path, [row(), row(guidance=1.0), row(metric="iou", class_name="road")])
    store(path, [row(value=2.0, num_images=7, seeds="0-3", manifest_sha256="cd")])
    found = read_rows(path)
    assert len(found) == 3
    assert [r.value for r in found if r.metric == "fid" and r.guidance == 1.5] == [2.0]


def test_what_is_no_row_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text(to_csv([row(), row(metric="lpips")]).replace("lpips,,0.333", "lpips,,many"))
    with pytest.raises(UserError, match=r"results\.csv, line 3: not a result row(?s:.*)value"):
        read_rows(path)
    with pytest.raises(UserError, match="no results there"):
        read_rows(tmp_path / "other.csv")
