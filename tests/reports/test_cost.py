"""The table of costs shows what was recorded beside the samples, and nothing else."""

from pathlib import Path

import pytest

from reports.table import TableOptions
from reports.tables import make_table
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import write_json
from sdm_bench.results.rows import REAL
from sdm_bench.sampling.cost import COST_FILE, Cost, Timing
from sdm_bench.sampling.folders import SampleFolder, SampleOptions
from tests.reports.test_tables import of

OPTIONS = SampleOptions(
    method="sdm", dataset="cityscapes", data="d", split="val", labels_sha256="l", image_size=(32, 64), recipe="sdm",
    stochastic=True, weights="w", weights_sha256="w" * 64, solver="ddim", solver_steps=25, guidance=1.5,
)  # fmt: skip
COST = Cost(
    parameters=1_500_000, evaluations=50, flop=2_000_000_000, training_seconds=5400.0,
    timings=(Timing(device="cpu", batch_size=8, pictures=10, seconds=12.5),),
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Samples with a record of their cost."""
    SampleFolder(tmp_path).start(OPTIONS, [0], "")
    write_json(tmp_path / COST_FILE, COST.model_dump(mode="json"))
    return tmp_path


def test_what_is_recorded_stands_in_the_table_once(run: Path) -> None:
    mine = {"weights_sha256": "w" * 64}
    rows = [
        of("sdm", 1.5, **mine), of("sdm", 1.5, protocol="b@1", **mine), of("sdm", 1.0, **mine),
        of("spade", None, weights_sha256="s" * 64), of(REAL, None, "miou", track="", sample_set="real"),
    ]  # fmt: skip
    table = make_table("cost", rows, TableOptions(folders=[run]))
    on, off, spade = table.frame.astype(object).fillna("").to_dict("records")
    assert on["parameters (M)"] == 1.5
    assert (on["evaluations"], on["GFLOP a sample"], on["training hours"]) == ("50", 2.0, 1.5)
    assert on["seconds a sample"] == "1.25 (cpu, batch 8)"
    for other in (off, spade):
        assert {other[name] for name in list(other) if "a sample" in name or name == "parameters (M)"} == {""}
    assert "| 1.50 | 50 | 2.00 | 1.25 (cpu, batch 8) | 1.50 |" in table.markdown()


def test_evaluations_of_a_segmenter_that_guides_stand_apart(tmp_path: Path) -> None:
    options = OPTIONS.model_copy(update={"guidance_by": "segmenter", "segmenter": "n", "segmenter_sha256": "n" * 64})
    SampleFolder(tmp_path).start(options, [0], "")
    cost = COST.model_copy(update={"evaluations": 25, "segmenter_evaluations": 25})
    write_json(tmp_path / COST_FILE, cost.model_dump(mode="json"))
    rows = [of("sdm", 1.5, weights_sha256="w" * 64, variant=variant) for variant in ("", "guided by a segmenter")]
    table = make_table("cost", rows, TableOptions(folders=[tmp_path]))
    assert dict(zip(table.frame["variant"], table.frame["evaluations"], strict=True)) == {
        "": "", "guided by a segmenter": "25 + 25"
    }  # fmt: skip


def test_where_nothing_is_recorded_that_is_said() -> None:
    with pytest.raises(UserError, match="no cost is recorded beside the samples"):
        make_table("cost", [of("sdm", 1.5)])
