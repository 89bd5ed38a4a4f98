"""The best and the next are marked among what compares, and no difference within the noise is bold alone."""

import pytest

from reports.table import Table
from reports.tables import make_table
from sdm_bench.results.rows import REAL, ResultRow
from tests.reports.test_tables import of


def marks(table: Table, column: str) -> dict[str, str]:
    """The mark of each line with a number, by its method."""
    names = [each for each in table.frame if not each.endswith(" spread")]
    rows = table.shown().rows
    at, method = names.index(column), names.index("method")
    return {row[method].text: row[at].mark for row in rows if row[at].text}


def three(*values: tuple[float, float | None], **changes: object) -> list[ResultRow]:
    """FID of three methods, each with its spread over seeds."""
    return [
        of(name, None, value=value, spread=spread, spread_over="seeds" if spread else "", **changes)
        for name, (value, spread) in zip(("a", "b", "c"), values, strict=True)
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (((3.0, None), (2.0, None), (1.0, None)), ["", "second", "best"]),
        (((1.0, 0.1), (2.0, 0.1), (3.0, 0.1)), ["best", "second", ""]),
        (((1.0, 0.8), (2.0, 0.7), (3.0, 0.1)), ["best", "best", "second"]),
        (((1.0, 0.8), (2.0, None), (3.0, None)), ["best", "second", ""]),
        (((1.0, None), (2.0, 1.5), (3.0, 3.0)), ["best", "best", "best"]),
        (((1.001, None), (1.004, None), (1.006, None)), ["best", "best", "second"]),
        (((1.0, None), (2.0, None), (2.004, None)), ["best", "second", "second"]),
    ],
)
def test_lower_is_better_beyond_the_noise(values: tuple, expected: list[str]) -> None:
    assert list(marks(make_table("comparison", three(*values)), "FID").values()) == expected


def test_higher_is_better_and_photographs_are_not_ranked() -> None:
    rows = [of(name, None, "miou", value=value) for name, value in (("a", 0.3), ("b", 0.5), ("c", 0.4))]
    table = make_table("comparison", [*rows, of(REAL, None, "miou", track="", sample_set="real", value=0.9)])
    assert marks(table, "mIoU") == {"a": "", "b": "best", "c": "second", REAL: ""}


@pytest.mark.parametrize(
    "other",
    [
        {"dataset": "ade20k"}, {"protocol": "b@1"}, {"image_size": "8x4"}, {"num_images": 4}, {"extractor_sha256": "f"},
        {"reference_sha256": "q"}, {"labels_sha256": "m"}, {"split": "test"}, {"incomplete": "1 of 5 missing"},
    ],
    ids=lambda value: next(iter(value)),
)  # fmt: skip
def test_what_does_not_compare_is_not_ranked_with_others(other: dict[str, object]) -> None:
    rows = [of("a", None, value=3.0), of("b", None, value=2.0), of("c", None, value=1.0, **other)]
    assert marks(make_table("comparison", rows), "FID") == {"a": "second", "b": "best", "c": ""}


def test_tracks_are_ranked_each_for_itself() -> None:
    labels = [of(name, None, value=value) for name, value in (("a", 3.0), ("b", 2.0))]
    text = [of(name, None, value=value, track="text") for name, value in (("c", 1.0), ("d", 0.5))]
    table = make_table("tracks", [*labels, *text])
    assert marks(table, "FID") == {"a": "second", "b": "best", "c": "second", "d": "best"}
    assert table.blocks == [2]


def test_kid_is_no_better_than_its_standard_error() -> None:
    rows = [
        of(name, None, metric, value=value)
        for name, kid, error in (("a", 0.010, 0.004), ("b", 0.013, 0.001), ("c", 0.020, 0.001))
        for metric, value in (("fid", 100 * kid), ("kid", kid), ("kid_standard_error", error))
    ]
    table = make_table("companions", rows)
    assert marks(table, "KID") == {"a": "best", "b": "best", "c": "second"}
    assert marks(table, "FID") == {"a": "best", "b": "second", "c": ""}
    assert set(marks(table, "KID error").values()) == {""}
    assert any("KID's standard error" in note for note in table.notes)


def test_lpips_is_no_better_than_its_standard_error_over_label_maps() -> None:
    rows = [
        of(name, None, "lpips", value=value, spread=0.1, spread_over="label maps", num_images=100)
        for name, value in (("a", 0.5), ("b", 0.49), ("c", 0.4))
    ]
    table = make_table("comparison", rows)
    assert marks(table, "LPIPS") == {"a": "best", "b": "best", "c": "second"}
    assert "LPIPS spread" not in table.frame


def test_diversity_that_is_zero_by_construction_is_not_the_best_of_its_kind() -> None:
    same = {"value": 0.0, "spread": None, "spread_over": "", "extractor_sha256": ""}
    rows = [of(name, None, "lpips", **same) for name in ("a", "b")]
    rows += [of(name, None, "lpips", value=value) for name, value in (("c", 0.2), ("d", 0.1))]
    assert marks(make_table("comparison", rows), "LPIPS") == {"a": "", "b": "", "c": "best", "d": "second"}


def test_a_number_alone_is_not_the_best_of_anything() -> None:
    table = make_table("comparison", [of("a", None, value=3.0)])
    assert marks(table, "FID") == {"a": ""}
    assert not any(note.startswith("bold") for note in table.notes)
