"""Table 1 and Table 3: methods by datasets, no line of results merged with another or lost."""

from collections import Counter
from typing import Any

import pandas as pd
import pytest

from reports.names import named
from reports.table import SPREAD, TableOptions
from reports.tables import make_table, make_tables
from sdm_bench.base.errors import UserError
from sdm_bench.results.rows import REAL
from tests.reports.test_lines import training
from tests.reports.test_tables import ROWS, of


def made(method: str, dataset: str, value: float, metric: str = "fid", **changes: object) -> Any:
    """A row of a method on a dataset, whose label maps and weights are its own."""
    own = {
        "sample_set": f"{method} {dataset}",
        "labels_sha256": dataset * 8,
        "weights_sha256": f"{method}{dataset}" * 8,
    }
    return of(method, None, metric, dataset=dataset, value=value, **{**own, **changes})


SIDES = [
    made(method, dataset, value, metric)
    for method, values in (("spade", (50.0, 30.0)), ("oasis", (40.0, 35.0)))
    for dataset, value in zip(("cityscapes", "ade20k"), values, strict=True)
    for metric, value in (("fid", value), ("lpips", value / 100))
]


def numbers(frame: pd.DataFrame) -> Counter[float]:
    """Every number of a table, as often as it stands there."""
    columns = [name for name in frame.select_dtypes("number") if not name.endswith(SPREAD)]
    return Counter(float(each) for each in frame[columns].to_numpy().ravel() if not pd.isna(each))


def test_datasets_stand_side_by_side_with_a_line_a_method() -> None:
    table = make_table("table1", SIDES)
    assert list(table.frame) == ["method", "ADE20K FID", "ADE20K LPIPS", "Cityscapes FID", "Cityscapes LPIPS"]
    assert table.frame.to_numpy().tolist() == [["SPADE", 30.0, 0.3, 50.0, 0.5], ["OASIS", 35.0, 0.35, 40.0, 0.4]]
    assert table.caption.startswith(
        "All: protocol sdm-bench@1, track labels. ADE20K (val), sdm-bench@1: 5 pictures of "
    )
    assert "\\multicolumn{2}{c}{ADE20K} & \\multicolumn{2}{c}{Cityscapes}" in table.files()["table1.tex"]
    assert "| SPADE | **30.00** |" in table.markdown()
    assert [list(each) for each in table.ids] == [list(table.frame)[1:]] * 2


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"training_seed": 7, "weights_sha256": "z" * 64}, "training seed"),
        ({"weights_sha256": "z" * 64}, "weights"),
        ({"num_images": 4}, "images"),
        ({"seeds": "0-3"}, "seeds"),
        ({"protocol": "b@1"}, "protocol"),
        ({"protocol_sha256": "q"}, "protocol content"),
        ({"extractor_sha256": "f" * 64}, "extractor"),
        ({"reference_sha256": "q"}, "reference"),
        ({"variant": "deep"}, "variant"),
        ({"manifest_sha256": "n", "folder": "elsewhere"}, "folder"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_lines_that_would_share_a_place_have_their_own(change: dict[str, object], column: str) -> None:
    other = made("spade", "cityscapes", 49.0, **change)
    table = make_table("table1", [*SIDES, other])
    assert numbers(table.frame) == Counter([*(row.value for row in SIDES), 49.0])
    assert column in table.frame
    (oasis,) = table.frame[table.frame["method"] == "OASIS"].to_dict("records")
    assert (oasis["ADE20K FID"], oasis["Cityscapes FID"]) == (35.0, 40.0)
    said = list(table.frame.select_dtypes(exclude="number"))
    assert not table.frame[said].duplicated().any()


@pytest.mark.parametrize(
    ("change", "heading"),
    [
        ({"image_size": "8x4"}, "Cityscapes 8x4 FID"),
        ({"split": "test"}, "Cityscapes test FID"),
        ({"labels_sha256": "m" * 64}, "Cityscapes mmmmmmmm FID"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_sizes_and_label_maps_of_a_dataset_are_columns_of_their_own(change: dict, heading: str) -> None:
    table = make_table("table1", [*SIDES, made("spade", "cityscapes", 49.0, sample_set="other", **change)])
    assert table.frame.set_index("method")[heading]["SPADE"] == 49.0
    assert numbers(table.frame) == Counter([*(row.value for row in SIDES), 49.0])


def test_table3_has_the_ceiling_below_and_accuracy_on_request() -> None:
    rows = [
        of(method, None, metric, track=track, sample_set=method, value=value)
        for method, track, value in ((REAL, "", 0.6), ("spade", "labels", 0.5))
        for metric in ("miou", "accuracy")
    ]
    table = make_table("table3", rows)
    assert table.frame.to_numpy().tolist() == [["SPADE", 0.5], [REAL, 0.6]]
    assert list(make_table("table3", rows, TableOptions(accuracy=True)).frame)[1:] == [
        "Cityscapes mIoU", "Cityscapes accuracy"
    ]  # fmt: skip


def test_means_over_trainings_say_so() -> None:
    table = make_table("table1", [training(0, 10.0), training(1, 14.0)], TableOptions(average=True))
    assert table.frame["Cityscapes FID"].tolist() == [12.0]
    assert "training seed 0, 1" in table.caption
    assert table.ids == [{}]


def test_published_numbers_stand_beside_ours_marked_and_never_ranked() -> None:
    rows = [of("spade", None, value=99.0), of("oasis", None, value=88.0)]
    table = make_table("table1", rows, TableOptions(beside=True))
    spade, oasis = table.frame[:2].to_dict("records")
    assert "71.80 [" in spade["Cityscapes FID published"]
    assert "47.70 [" in oasis["Cityscapes FID published"]
    measured = table.frame["Cityscapes FID"]
    assert measured[:2].tolist() == [99.0, 88.0]
    assert measured[2:].isna().all()
    assert table.frame["method"][2:].tolist()[0] == "SDM"
    assert table.blocks == [2]
    assert set(table.marks) == {(0, "Cityscapes FID"), (1, "Cityscapes FID")}
    number = oasis["Cityscapes FID published"].split("[")[1].rstrip("]")
    (note,) = (note for note in table.notes if note.startswith(f"[{number}] "))
    assert "Sushko et al. 2021" in note
    assert "does not compare: under oasis@2, ours under sdm-bench@1; size 512x256, ours 64x32" in note
    assert any("never ranked with what is" in note for note in table.notes)


def test_published_numbers_of_the_same_protocol_size_and_count_compare() -> None:
    rows = [of("oasis", None, value=88.0, protocol="oasis@2", image_size="512x256", num_images=500)]
    notes = make_table("table1", rows, TableOptions(beside=True)).notes
    (note,) = (note for note in notes if "Sushko" in note and "oasis@2" not in note and "its protocol" not in note)
    assert note.endswith("does not compare: its number of pictures is not stated")


def test_published_numbers_of_other_tracks_stay_out() -> None:
    rows = [of("ControlNet", None, dataset="ade20k", track="text", value=30.0)]
    (table,) = make_tables("table1", rows, TableOptions(beside=True))
    assert "SPADE" not in table.frame["method"].tolist()
    (table,) = make_tables("table1", [of("spade", None, dataset="ade20k")], TableOptions(beside=True))
    assert "OASIS" in table.frame["method"].tolist()


def test_a_dataset_of_which_nothing_is_published_has_no_column_for_it() -> None:
    table = make_table("table1", [of("spade", None, dataset="mine", value=1.0)], TableOptions(beside=True))
    assert list(table.frame) == ["method", "mine FID"]


def test_names_are_the_users_in_cells_headings_and_notes() -> None:
    names = {"methods": {"spade": "SPADE (ours)"}, "datasets": {"cityscapes": "CS"}, "columns": {"FID": "FID-5k"}}
    with named(names):
        table = make_table("table1", ROWS[:1])
        text = table.markdown()
    assert "| method | CS FID-5k ↓ |" in text
    assert "| SPADE (ours) | 80.12 |" in text
    assert "SPADE (ours), FID-5k: trained without the perceptual loss" in text
    assert list(table.frame) == ["method", "CS FID"]
    assert "SPADE (ours)" not in make_table("table1", ROWS[:1]).markdown()


def test_no_results_of_its_numbers_are_said() -> None:
    with pytest.raises(UserError, match="no results of miou for the table table3"):
        make_table("table3", ROWS[:1])
