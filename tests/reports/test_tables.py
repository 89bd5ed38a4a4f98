"""Tables are pivots of the rows."""

from pathlib import Path

import pandas as pd
import pytest

from reports.tables import make_table
from sdm_bench.errors import UserError
from tests.test_results import row

ROWS = [
    row(method="spade", value=80.123, solver="", steps=None, guidance=None),
    row(method="spade", metric="lpips", value=0.0, direction="higher", solver="", steps=None, guidance=None,
        extractor="lpips-alex", note="zero by construction: one picture a label map"),
    row(method="sdm", value=40.0, guidance=1.0),
    row(method="sdm", value=30.0, guidance=1.5),
    row(method="sdm", metric="miou", value=0.51239, direction="higher", guidance=1.5, extractor="unet abc"),
    row(method="sdm", metric="iou", class_name="road", value=0.9, direction="higher", guidance=1.5),
    row(method="sdm-concat", value=60.0, guidance=1.0),
    row(method="sdm-concat", value=50.0, guidance=1.5),
]  # fmt: skip


def test_the_comparison_has_a_line_a_method_and_guidance() -> None:
    table = make_table("comparison", ROWS)
    assert table.frame["method"].tolist() == ["SDM", "SDM", *["DDPM, concatenated label map"] * 2, "SPADE"]
    sdm = table.frame[(table.frame["method"] == "SDM") & (table.frame["guidance"] == 1.5)]
    assert (sdm["FID ↓"].item(), sdm["mIoU ↑"].item(), sdm["images"].item()) == (30.0, 0.51239, 5)
    assert table.frame["FID ↓"].iloc[-1] == 80.123
    assert pd.isna(table.frame["guidance"].iloc[-1])
    assert "variant" not in table.frame


def test_markdown_is_rounded_csv_is_not(tmp_path: Path) -> None:
    csv, markdown = make_table("comparison", ROWS).write(tmp_path)
    assert pd.read_csv(csv)["FID ↓"].iloc[-1] == 80.123
    text = markdown.read_text()
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
    assert "\n".join(lines) in text, "a blank line would end the table"
    assert "| 80.12 | 0.0000 |" in lines[-1]
    assert "0.5124" in text
    assert "- FID: protocol sdm-bench@1, inception, val split, N = 5 images a seed" in text
    assert "- spade, LPIPS: zero by construction: one picture a label map" in text


def test_the_ablation_crosses_condition_with_guidance() -> None:
    frame = make_table("ablation", ROWS).frame
    assert frame[["condition", "guidance", "FID ↓"]].to_numpy().tolist() == [
        ["concat", "without", 60.0],
        ["concat", "1.5", 50.0],
        ["SPADE", "without", 40.0],
        ["SPADE", "1.5", 30.0],
    ]


def test_the_ablation_says_the_ceiling() -> None:
    ceiling = row(method="real photographs", metric="miou", value=0.58741, direction="higher", solver="", steps=None)
    assert (
        "- mIoU of real photographs (cityscapes, sdm-bench@1): 0.5874"
        in make_table("ablation", [*ROWS, ceiling]).markdown()
    )


def test_the_ablation_keeps_solvers_apart() -> None:
    other = [row(method="sdm", value=35.0, guidance=1.5, solver="ddpm", steps=50)]
    frame = make_table("ablation", ROWS + other).frame
    spade = frame[(frame["condition"] == "SPADE") & (frame["guidance"] == "1.5")]
    assert dict(zip(spade["solver"], spade["FID ↓"], strict=True)) == {"ddim, 25 steps": 30.0, "ddpm, 50 steps": 35.0}


def test_companions_stand_beside_fid() -> None:
    rows = [row(value=30.0), row(metric="kid", value=0.0123456), row(metric="recall", value=0.5, direction="higher")]
    table = make_table("companions", [*rows, *ROWS[4:6]])
    line = table.markdown().splitlines()[-3]
    assert "| 30.00 | 0.0123 | 0.5000 |" in line, line
    assert list(table.frame.columns)[-5:] == ["FID ↓", "KID ↓", "recall ↑", "images", "seeds"]
    with pytest.raises(UserError, match="no results of fid, fd_infinity"):
        make_table("companions", ROWS[4:6])


def test_the_same_samples_under_every_protocol_and_how_far_they_differ() -> None:
    scores = {"a@1": 0.3, "b@1": 0.45, "c@1": 0.4}
    rows = [row(metric="miou", direction="higher", protocol=name, value=value) for name, value in scores.items()]
    rows.append(
        row(metric="miou", direction="higher", protocol="a@1", method="spade", value=0.2, solver="", steps=None)
    )
    frame = make_table("sensitivity", rows).frame
    assert frame["method"].tolist() == ["sdm", "spade"]
    assert frame[["a@1", "b@1", "c@1"]].iloc[0].tolist() == [0.3, 0.45, 0.4]
    assert frame["spread"].tolist() == pytest.approx([0.15, 0])
    assert frame["b@1"].isna().tolist() == [False, True]


def test_what_cannot_be_tabulated_is_refused() -> None:
    with pytest.raises(UserError, match=r"Unknown table 'ablatoin'\. Did you mean 'ablation'"):
        make_table("ablatoin", ROWS)
    with pytest.raises(UserError, match="no results of sdm-concat or sdm"):
        make_table("ablation", ROWS[:2])
    with pytest.raises(UserError, match="no results to make a table of"):
        make_table("comparison", [])
