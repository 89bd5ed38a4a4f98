"""Single classes: a line a class, a column group a method, each number that of its own measurement."""

import pytest

from reports.table import TableOptions
from reports.tables import make_table, make_tables
from sdm_bench.base.errors import UserError
from sdm_bench.results.rows import REAL, ResultRow
from tests.reports.test_tables import of


def measured(method: str, **values: float) -> list[ResultRow]:
    """Mean IoU of a method, with that of each class."""
    track = {"track": "" if method == REAL else "labels"}
    classes = [of(method, None, "iou", class_name=name, value=value, **track) for name, value in values.items()]
    return [of(method, None, "miou", value=sum(values.values()) / len(values), **track), *classes]


ROWS = [
    *measured("spade", road=0.9, sky=0.2),
    *measured("oasis", road=0.8, sky=0.4),
    *measured(REAL, road=1.0, sky=0.9),
]


def test_each_class_is_a_line_and_ranked_for_itself() -> None:
    table = make_table("classes", ROWS)
    assert table.frame.to_numpy().tolist() == [["road", 0.9, 0.8, 1.0], ["sky", 0.2, 0.4, 0.9]]
    assert list(table.frame) == ["class", "SPADE IoU", "OASIS IoU", f"{REAL} IoU"]
    assert {place: mark for place, mark in table.marks.items() if mark == "best"} == {
        (0, "SPADE IoU"): "best", (1, "OASIS IoU"): "best"
    }  # fmt: skip
    assert table.ids[0]["SPADE IoU"] == ROWS[1].id


def test_lpips_inside_a_class_stands_beside_its_iou() -> None:
    lpips = [
        of("spade", None, "lpips", value=0.1),
        of("spade", None, "class_lpips", measure="lpips", class_name="sky", value=0.3),
    ]
    frame = make_table("classes", [*ROWS, *lpips]).frame
    assert frame["SPADE LPIPS in a class"].tolist()[1] == 0.3
    assert frame["SPADE LPIPS in a class"].isna().tolist() == [True, False]


def test_measurements_by_two_segmenters_are_two_columns() -> None:
    other = [row.model_copy(update={"extractor_sha256": "f" * 64, "value": 0.11}) for row in ROWS[:3]]
    frame = make_table("classes", [*ROWS, *other]).frame
    values = sorted(frame.loc[0, [name for name in frame if name.startswith("SPADE")]])
    assert values == [0.11, 0.9]


def test_datasets_have_tables_of_their_own() -> None:
    other = [row.model_copy(update={"dataset": "ade20k"}) for row in ROWS]
    names = [table.name for table in make_tables("classes", [*ROWS, *other])]
    assert names == ["classes-ade20k", "classes-cityscapes"]


def test_of_two_rows_with_one_key_the_newer_holds() -> None:
    newer = ROWS[1].model_copy(update={"value": 0.7, "time": "2999-01-01T00:00:00"})
    assert make_table("classes", [newer, *ROWS]).frame["SPADE IoU"].tolist() == [0.7, 0.2]


def test_what_there_is_none_of_is_said() -> None:
    with pytest.raises(UserError, match="no results of single classes"):
        make_table("classes", ROWS[:1])
    with pytest.raises(UserError, match="the table classes has no means over trainings"):
        make_table("classes", ROWS, TableOptions(average=True))
