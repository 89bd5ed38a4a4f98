"""The ablation is of any factors in which results differ, with differences to the first line."""

import pytest

from reports.table import NothingToShow, TableOptions
from reports.tables import make_table
from sdm_bench.base.errors import UserError
from tests.reports.test_tables import ROWS, of


def test_differences_are_to_the_first_line_with_the_spread_of_both() -> None:
    rows = [
        of("sdm-concat", 1.0, value=60.0, spread=3.0, spread_over="seeds"),
        of("sdm", 1.0, value=40.0, spread=4.0, spread_over="seeds"),
        of("sdm", 1.5, value=65.0),
    ]
    table = make_table("table4", rows)
    assert table.frame["FID difference"].fillna(0).tolist() == [0.0, -20.0, 5.0]
    assert table.frame["FID difference spread"].fillna(0).tolist() == [0.0, 5.0, 0.0]
    text = table.markdown()
    assert "| FID ↓ | Δ FID |" in text
    assert "| -20.00 ± 5.00 |" in text
    assert "| +5.00 |" in text
    assert r"$-$20.00 $\pm$ 5.00" in table.files()["table4.tex"]


def test_the_alias_is_the_same_table() -> None:
    table, alias = make_table("table4", ROWS), make_table("ablation", ROWS)
    assert (table.name, alias.name) == ("table4", "ablation")
    assert table.csv() == alias.csv()


def test_nothing_differs_from_what_does_not_compare_with_it() -> None:
    rows = [of("sdm", 1.0, value=40.0), of("sdm", 1.5, value=30.0, num_images=4, sample_set="x")]
    assert "FID difference" not in make_table("table4", rows).frame


def test_factors_are_named() -> None:
    frame = make_table("table4", ROWS, TableOptions(factors=("method", "guidance"))).frame
    assert frame[["method", "guidance", "FID"]].to_numpy().tolist() == [
        ["DDPM, concatenated label map", "without", 60.0],
        ["DDPM, concatenated label map", "1.5", 50.0],
        ["SDM", "without", 40.0],
        ["SDM", "1.5", 30.0],
    ]
    steps = [of("sdm", 1.5, value=value, solver="ddpm", steps=steps, sample_set=str(steps)) for steps, value in
             ((100, 3.0), (50, 5.0))]  # fmt: skip
    frame = make_table("table4", [*ROWS, *steps], TableOptions(factors=("solver",))).frame
    assert "SPADE" not in frame["method"].tolist(), "a GAN has no solver"
    with pytest.raises(UserError, match="Unknown factor 'guidence'"):
        make_table("table4", ROWS, TableOptions(factors=("guidence",)))


def test_without_the_papers_networks_the_factors_are_what_differs() -> None:
    rows = [of("spade", None, value=1.0), of("spade", None, value=2.0, variant="deep", sample_set="d")]
    frame = make_table("table4", rows).frame
    assert frame[["variant", "FID"]].to_numpy().tolist() == [["plain", 1.0], ["deep", 2.0]]
    assert make_table("table4", [*rows, of("oasis", None)]).title == "Ablation: method and variant"
    with pytest.raises(NothingToShow, match="nor others that differ"):
        make_table("table4", rows[:1])


def test_guidance_by_a_segmenter_is_a_line_of_its_own_behind_the_others() -> None:
    by = {"variant": "guided by a segmenter", "sample_set": "by"}
    frame = make_table("table4", [*ROWS, of("sdm", 0.5, value=35.0, **by)]).frame
    sdm = frame[frame["conditioning"] == "SPADE"]
    assert sdm["guidance"].tolist() == ["without", "1.5", "0.5 by a segmenter"]
    assert sdm["FID"].tolist() == [40.0, 30.0, 35.0]
