"""The committed results of the suite `toy`: tables are made again from the rows, and one number from its features."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cli import main
from sdm_bench.metrics.frechet import frechet_distance
from sdm_bench.metrics.kernel import kernel_distance
from sdm_bench.results.rows import ResultRow, read_rows
from tests.docs.commands import ROOT

RESULTS = ROOT / "docs/results/toy"
ROWS = ROOT / "examples/bundles/toy/results.csv"
# Of the table's digits: features are kept in float16.
TOLERANCES = {"fid": 0.05, "kid": 2e-4}


@pytest.fixture(scope="module")
def rows() -> list[ResultRow]:
    """All rows of the bundle."""
    return read_rows(ROWS)


def test_the_tables_are_those_of_the_rows(tmp_path: Path) -> None:
    tables = sorted(path.stem for path in RESULTS.glob("*.csv") if path.with_suffix(".md").is_file())
    assert {"table1", "table3", "table4", "comparison", "companions"} <= set(tables)
    asked = [argument for name in tables for argument in ("--table", name)]
    command = ["report", str(ROWS), *asked, "--no-figure", "--format", "md", "--format", "csv", "--out", str(tmp_path)]
    made = CliRunner().invoke(main, command, catch_exceptions=False)
    assert made.exit_code == 0, made.output
    for name in tables:
        for ending in ("md", "csv"):
            committed = (RESULTS / f"{name}.{ending}").read_text(encoding="utf-8")
            assert (tmp_path / f"{name}.{ending}").read_text(encoding="utf-8") == committed, f"{name}.{ending}"


@pytest.mark.parametrize("name", ["fid", "kid"])
def test_a_number_is_that_of_its_features(name: str, rows: list[ResultRow]) -> None:
    (row,) = [
        row for row in rows
        if (row.dataset, row.method, row.guidance, row.metric, row.class_name, row.training_seed, row.protocol)
        == ("ade20k", "sdm", 1.5, name, "", 0, "sdm-bench@1")
    ]  # fmt: skip
    with np.load(RESULTS / "features.npz", allow_pickle=False) as kept:
        features = {key: kept[key].astype(np.float32) for key in kept.files}
    real = features.pop("real")
    assert {len(each) for each in features.values()} == {row.num_images} == {row.num_real} == {len(real)}
    if name == "fid":
        each = [frechet_distance(found, real) for found in features.values()]
    else:
        each = [kernel_distance(found, real).value for found in features.values()]
    assert np.mean(each) == pytest.approx(row.value, abs=TOLERANCES[name])
    assert np.std(each, ddof=1) == pytest.approx(row.spread, abs=TOLERANCES[name])
