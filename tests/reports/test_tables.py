"""Tables are lines and columns of result rows."""

from pathlib import Path

import pandas as pd
import pytest

from reports.table import Table, TableOptions, harmless
from reports.tables import make_table, make_tables
from sdm_bench.base.errors import UserError
from sdm_bench.results.rows import REAL, ResultRow
from tests.reports.test_lines import training
from tests.results.test_rows import row


def of(method: str, guidance: float | None, metric: str = "fid", **changes: object) -> ResultRow:
    """A row of the sample set of a method and guidance."""
    made = {"solver": "", "steps": None, "seeds": "0"} if guidance is None else {}
    about = {"method": method, "guidance": guidance, "sample_set": f"{method} {guidance}", "metric": metric, **made}
    measure = {"kid": "fid", "recall": "fid", "iou": "miou", "accuracy": "miou"}.get(metric, metric)
    extra = {} if measure == "fid" else {"num_real": None, "reference_sha256": "", "direction": "higher"}
    return row(**{**about, "measure": measure, **extra, **changes})


ROWS = [
    of("spade", None, value=80.123, note="trained without the perceptual loss"),
    of(
        "spade", None, "lpips", value=0.0, extractor="lpips-alex",
        note="trained without the perceptual loss; zero by construction: one picture a label map",
    ),
    of("sdm", 1.0, value=40.0, spread=1.25, spread_over="seeds"),
    of("sdm", 1.5, value=30.0),
    of("sdm", 1.5, "miou", value=0.51239, extractor="unet abc", note="above the ceiling of real photographs, 0.5000"),
    of("sdm", 1.5, "iou", class_name="road", value=0.9),
    of("sdm-concat", 1.0, value=60.0),
    of("sdm-concat", 1.5, value=50.0),
]  # fmt: skip


def test_the_comparison_has_a_line_a_sample_set() -> None:
    table = make_table("comparison", ROWS)
    assert table.frame["method"].tolist() == ["SDM", "SDM", *["DDPM, concatenated label map"] * 2, "SPADE"]
    sdm = table.frame[(table.frame["method"] == "SDM") & (table.frame["guidance"] == "1.5")]
    assert (sdm["FID"].item(), sdm["mIoU"].item(), sdm["images"].item()) == (30.0, 0.51239, "5")
    assert table.frame["FID"].iloc[-1] == 80.123
    assert table.frame["guidance"].iloc[-1] == ""
    assert "variant" not in table.frame
    assert table.remarks == []


def test_the_two_tracks_never_stand_in_one_table(capsys: pytest.CaptureFixture[str]) -> None:
    ceilings = [
        of(REAL, None, "miou", track="", sample_set="real", protocol=name, value=value)
        for name, value in (("sdm-bench@1", 0.5), ("controlnetpp@1", 0.6))
    ]
    text = [
        of("ControlNet", None, metric, track="text", protocol="controlnetpp@1", value=value)
        for metric, value in (("fid", 30.0), ("miou", 0.4))
    ]
    labels, texts = make_tables("comparison", [*ROWS, *ceilings, *text])
    assert (labels.name, texts.name) == ("comparison-labels", "comparison-text")
    assert set(labels.frame["track"]) == {"labels", ""}
    assert texts.frame[["track", "method"]].to_numpy().tolist() == [["text", "ControlNet"], ["", REAL]]
    assert texts.frame["mIoU"].tolist() == [0.4, 0.6]
    assert labels.frame["mIoU"].iloc[-1] == 0.5
    for table in (labels, texts):
        assert any("the two are never ranked together" in note for note in table.notes)
    with pytest.raises(UserError, match="table comparison: rows of the tracks labels and text; expected one"):
        make_table("comparison", [*ROWS, *text])
    (alone,) = make_tables("ablation", [*ROWS, *text])
    assert (alone.name, set(alone.frame["track"])) == ("ablation-labels", {"labels"})
    assert "no table ablation of the track text: no results of sdm-concat or sdm" in capsys.readouterr().err
    with pytest.raises(UserError, match="sensitivity compares protocols"):
        make_tables("sensitivity", [*ROWS, *text])
    (single,) = make_tables("comparison", text)
    assert single.name == "comparison"


def test_markdown_is_rounded_csv_is_not(tmp_path: Path) -> None:
    csv, markdown, *_ = make_table("comparison", ROWS).write(tmp_path)
    frame = pd.read_csv(csv)
    assert frame["FID"].iloc[-1] == 80.123
    assert frame["FID spread"].dropna().tolist() == [1.25]
    text = markdown.read_text()
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
    assert "\n".join(lines) in text, "a blank line would end the table"
    assert "| 80.12 | 0.0000 |" in lines[-1]
    assert "| <ins>40.00</ins> ± 1.25 |" in text
    assert "0.5124" in text


def test_notes_stand_for_their_own_line_and_protocol() -> None:
    notes = make_table("comparison", ROWS).notes
    assert "FID on Cityscapes (val), sdm-bench@1: inception" in notes
    assert "±: standard deviation over seeds" in notes
    assert "sdm-bench@1: SPADE: trained without the perceptual loss" in notes
    assert "sdm-bench@1: SPADE, LPIPS: zero by construction: one picture a label map" in notes
    above = "sdm-bench@1: SDM, ddim, 25 steps, guidance 1.5, mIoU: above the ceiling of real photographs, 0.5000"
    assert above in notes


def test_a_note_names_the_one_line_that_it_is_of() -> None:
    rows = [
        of("spade", None, note="trained without the perceptual loss", weights_sha256="a" * 64, sample_set="a"),
        of("spade", None, weights_sha256="b" * 64, sample_set="b"),
        of("spade", None, dataset="ade20k", weights_sha256="c" * 64, sample_set="c"),
    ]
    said = "sdm-bench@1: SPADE, dataset Cityscapes, weights aaaaaaaa, FID: trained without the perceptual loss"
    assert said in make_table("comparison", rows).notes


def test_a_distance_of_minus_nothing_prints_as_nothing() -> None:
    text = make_table("comparison", [of("sdm", 1.0, value=-1e-9)]).markdown()
    assert "| 0.00 |" in text
    assert "-0.00" not in text


def test_two_trainings_of_one_method_are_two_lines() -> None:
    rows = [
        row(value=value, metric=metric, measure=metric, weights_sha256=weights * 64, time=f"2026-11-27T{hour}:00:00")
        for weights, metric, value, hour in (
            ("a", "fid", 100.0, 10), ("a", "miou", 0.9, 12), ("b", "fid", 50.0, 11), ("b", "miou", 0.4, 11),
        )
    ]  # fmt: skip
    frame = make_table("comparison", rows).frame
    assert frame[["weights", "FID", "mIoU"]].to_numpy().tolist() == [
        ["aaaaaaaa", 100.0, 0.9],
        ["bbbbbbbb", 50.0, 0.4],
    ]


def test_a_mean_over_trainings_is_said() -> None:
    table = make_table("comparison", [training(0, 10.0), training(1, 14.0)], TableOptions(average=True))
    assert "| 12.00 ± 2.83 |" in table.markdown()
    assert table.frame["training seed"].tolist() == ["0, 1"]
    said = "SDM, ddim, 25 steps, guidance 1.5: mean ± standard deviation over 2 trainings (seeds 0, 1)"
    assert said in table.notes


def test_lines_that_do_not_compare_are_said_above_or_refused() -> None:
    rows = [*ROWS, of("oasis", None, value=20.0, num_images=4)]
    table = make_table("comparison", rows)
    (remark,) = table.remarks
    assert "the number of pictures (5, 4)" in remark
    assert table.markdown().index(remark) < table.markdown().index("| dataset")
    with pytest.raises(UserError, match=r"--comparable: Numbers of Cityscapes under sdm-bench@1 are not comparable"):
        make_table("comparison", rows, TableOptions(comparable=True))
    make_table("comparison", ROWS, TableOptions(comparable=True))


def test_names_cannot_break_the_table() -> None:
    hostile = "a|b\n<script>alert(1)</script> & c"
    text = make_table("comparison", [of(hostile, None, value=1.0)]).markdown()
    assert "a\\|b &lt;script>alert(1)&lt;/script> &amp; c" in text
    assert len([line for line in text.splitlines() if line.startswith("|")]) == 3


def test_the_ablation_crosses_condition_with_guidance() -> None:
    frame = make_table("ablation", ROWS).frame
    assert frame[["conditioning", "guidance", "FID"]].to_numpy().tolist() == [
        ["concat", "without", 60.0],
        ["concat", "1.5", 50.0],
        ["SPADE", "without", 40.0],
        ["SPADE", "1.5", 30.0],
    ]


def test_the_ablation_says_every_ceiling_with_what_it_belongs_to() -> None:
    real = {"method": "real photographs", "guidance": None}
    ceilings = [
        of(**real, metric="miou", value=0.58741, image_size=size, sample_set=size, extractor="unet", steps=None)  # type: ignore[arg-type]
        for size in ("64x32", "128x64")
    ]
    text = make_table("ablation", [*ROWS, *ceilings]).markdown()
    for size in ("64x32", "128x64"):
        assert f"- mIoU of real photographs (Cityscapes val, sdm-bench@1, {size}, unet e): 0.5874" in text


def test_the_ablation_keeps_solvers_apart() -> None:
    other = [of("sdm", 1.5, value=35.0, solver="ddpm", steps=50)]
    frame = make_table("ablation", ROWS + other).frame
    spade = frame[(frame["conditioning"] == "SPADE") & (frame["guidance"] == "1.5")]
    assert dict(zip(spade["solver"], spade["FID"], strict=True)) == {"ddim, 25 steps": 30.0, "ddpm, 50 steps": 35.0}


def test_companions_stand_beside_fid() -> None:
    rows = [row(value=30.0), row(metric="kid", value=0.0123456), row(metric="recall", value=0.5, direction="higher")]
    table = make_table("companions", [*rows, *ROWS[4:6]])
    (line,) = (line for line in table.markdown().splitlines() if line.startswith("| Cityscapes"))
    assert "| 30.00 | 0.0123 | 0.5000 |" in line, line
    assert list(table.frame.columns)[-5:] == ["FID", "KID", "recall", "images", "seeds"]
    with pytest.raises(UserError, match="no results of fid, fid_float64, fd_infinity"):
        make_table("companions", ROWS[4:6])


def test_what_cannot_be_tabulated_is_refused() -> None:
    with pytest.raises(UserError, match=r"Unknown table 'ablatoin'\. Did you mean 'ablation'"):
        make_table("ablatoin", ROWS)
    with pytest.raises(UserError, match="no results of sdm-concat or sdm"):
        make_table("ablation", ROWS[:2])
    with pytest.raises(UserError, match="no results to make a table of"):
        make_table("comparison", [])


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=cmd()", "'=cmd()"),
        ("+1+1", "'+1+1"),
        ("@x", "'@x"),
        ("-x", "'-x"),
        ("-1.5", "-1.5"),
        (-2.5, -2.5),
        ("a=b", "a=b"),
    ],
)
def test_cells_that_spreadsheets_would_run_are_made_harmless(cell: object, written: object) -> None:
    assert harmless(cell) == written
    made = Table("t", "T", pd.DataFrame({"method": [cell]}), [])
    assert made.files()["t.csv"] == f"method\n{written}\n"


def test_remarks_are_escaped_too() -> None:
    rows = [of("sdm", 1.0), of("x", None, incomplete="# H <b>1</b> of *5* missing")]
    text = make_table("comparison", rows).markdown()
    assert "# H &lt;b>1&lt;/b> of \\*5\\* missing" in text.split("| dataset")[0]
    assert "<b>" not in text


def test_a_mean_says_above_the_table_what_was_left_out_of_it() -> None:
    rows = [training(0, 10.0), training(1, 14.0, configuration_sha256="c")]
    (remark,) = make_table("comparison", rows, TableOptions(average=True)).remarks
    assert "trainings with the seeds 0, 1 differ in the configuration" in remark


def test_ceilings_of_other_protocol_contents_stand_beside_a_mean() -> None:
    ceilings = [
        of("real photographs", None, "miou", value=value, sample_set="r", protocol_sha256=sha, training_seed=None)
        for value, sha in ((0.5, "p"), (0.6, "q"))
    ]
    frame = make_table(
        "comparison", [*ceilings, training(0, 10.0), training(1, 14.0)], TableOptions(average=True)
    ).frame
    assert frame["mIoU"].dropna().tolist() == [0.5, 0.6]
    assert frame["protocol content"].tolist()[1:] == ["p", "q"]


def test_no_two_lines_of_the_ablation_look_alike() -> None:
    rows = [
        of("sdm", 1.5, value=1.0),
        of("sdm", 1.5, value=2.0, variant="without instances", sample_set="a"),
        of("sdm", 0.5, value=3.0, sample_set="b"),
        of("sdm", 1.0, value=4.0, sample_set="c"),
        of("sdm", 1.5, value=5.0, sample_set="d", weights_sha256="x" * 64),
    ]
    for average in (False, True):
        frame = make_table("ablation", rows[:4] if average else rows, TableOptions(average=average)).frame
        said = frame.drop(columns=["FID", "FID difference"]).astype(str).agg("|".join, axis=1)
        assert said.is_unique
        assert sorted(frame["FID"]) == [row.value for row in rows[: len(frame)]]
        assert "without instances" in frame["variant"].tolist()


def test_the_ablation_tells_ceilings_of_other_label_maps_apart() -> None:
    ceilings = [
        of(
            "real photographs",
            None,
            "miou",
            value=value,
            sample_set=labels,
            labels_sha256=labels * 64,
            extractor="unet",
        )
        for labels, value in (("a", 0.5), ("b", 0.6))
    ]
    notes = make_table("ablation", [*ROWS, *ceilings]).notes
    for labels, value in (("a", "0.5000"), ("b", "0.6000")):
        of_it = f"Cityscapes val, sdm-bench@1, 64x32, unet e, labels {labels * 8}"
        assert f"mIoU of real photographs ({of_it}): {value}" in notes
