"""Protocols side by side: no number is lost, and only the protocol differs within a line."""

import pytest

from reports.table import TableOptions
from reports.tables import make_table
from sdm_bench.base.errors import UserError
from tests.reports.test_lines import training
from tests.reports.test_tables import of


def test_the_same_samples_under_every_protocol_and_how_far_they_differ() -> None:
    scores = {"a@1": 0.3, "b@1": 0.45, "c@1": 0.4}
    rows = [of("sdm", 1.5, "miou", protocol=name, value=value) for name, value in scores.items()]
    rows.append(of("spade", None, "miou", protocol="a@1", value=0.2))
    frame = make_table("sensitivity", rows).frame
    assert frame["method"].tolist() == ["SDM", "SPADE"]
    assert frame[["a@1", "b@1", "c@1"]].iloc[0].tolist() == [0.3, 0.45, 0.4]
    assert frame["spread"].iloc[0] == pytest.approx(0.15)
    assert frame["spread"].isna().tolist() == [False, True], "one protocol says nothing about how far they differ"
    assert frame["b@1"].isna().tolist() == [False, True]
    with pytest.raises(UserError, match=r"sensitivity compares protocols; the results are of a@1 alone"):
        make_table("sensitivity", rows[:1])


def test_two_trainings_are_two_lines_of_sensitivity() -> None:
    rows = [
        of("sdm", 1.5, "miou", protocol=name, value=value, sample_set=weights, weights_sha256=weights * 64)
        for weights, name, value in (("a", "a@1", 0.1), ("a", "b@1", 0.2), ("b", "a@1", 0.3), ("b", "b@1", 0.5))
    ]
    frame = make_table("sensitivity", rows).frame
    assert frame[["weights", "a@1", "b@1"]].to_numpy().tolist() == [["aaaaaaaa", 0.1, 0.2], ["bbbbbbbb", 0.3, 0.5]]


FILE = {"reference_sha256": "f" * 64, "num_real": None, "note": "real: statistics of 9 images, s.npz ffffffffffff"}


def test_photographs_and_statistics_are_lines_of_their_own() -> None:
    rows = [
        of("sdm", 1.5, protocol="a@1", value=10.0),
        of("sdm", 1.5, protocol="a@1", value=90.0, **FILE),
        of("sdm", 1.5, protocol="b@1", value=12.0, reference_sha256="r resized otherwise"),
        of("sdm", 1.5, protocol="b@1", value=93.0, **FILE),
    ]
    for order in (rows, rows[::-1]):
        frame = make_table("sensitivity", order).frame.sort_values("a@1")
        assert frame[["a@1", "b@1", "spread"]].to_numpy().tolist() == [[10.0, 12.0, 2.0], [90.0, 93.0, 3.0]]
        assert frame["reference"].tolist()[1] == "ffffffff"


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"extractor_sha256": "f" * 64}, "segmenter"),
        ({"labels_sha256": "l" * 64, "sample_set": "t"}, "labels"),
        ({"reference_sha256": "q", "measure": "fid", "metric": "fid"}, "reference"),
        ({"protocol_sha256": "q"}, "protocol content"),
        ({"variant": "icpe", "sample_set": "t"}, "variant"),
    ],
)
def test_no_number_is_lost_and_no_two_lines_look_alike(changes: dict, column: str) -> None:
    metric = changes.get("metric", "miou")
    rows = [
        of("sdm", 1.5, metric, protocol=name, value=value, **more)
        for more, value in (({}, 0.1), ({k: v for k, v in changes.items() if k not in ("metric", "measure")}, 0.2))
        for name in ("a@1", "b@1")
    ]
    frame = make_table("sensitivity", rows).frame
    assert frame[["a@1", "b@1"]].to_numpy().tolist() == [[0.1, 0.1], [0.2, 0.2]]
    assert frame["spread"].tolist() == [0.0, 0.0]
    assert column in frame
    assert frame[column].nunique() == 2


def test_a_mean_over_trainings_stands_under_each_protocol_with_its_spread() -> None:
    values = {"a@1": 1.0, "b@1": 5.0}
    rows = [training(seed, value + seed, protocol=name) for seed in (0, 2) for name, value in values.items()]
    table = make_table("sensitivity", rows, TableOptions(average=True))
    assert table.frame[["training seed", "a@1", "b@1", "spread"]].to_numpy().tolist() == [["0, 2", 2.0, 6.0, 4.0]]
    assert "2.00 ± 1.41" in table.markdown()
    assert sum("mean ± standard deviation over 2 trainings" in note for note in table.notes) == 1
    rows.append(training(1, 9.0, protocol="a@1", configuration_sha256="c"))
    (remark,) = make_table("sensitivity", rows, TableOptions(average=True)).remarks
    assert "differ in the configuration" in remark


def test_lines_that_do_not_compare_are_said_above_or_refused() -> None:
    rows = [of("sdm", 1.5, protocol=name) for name in ("a@1", "b@1")]
    other = of("spade", None, protocol="a@1", num_images=4, seeds="0-1")
    (remark,) = make_table("sensitivity", [*rows, other]).remarks
    assert remark.startswith("Numbers of Cityscapes under a@1 are not comparable throughout")
    with pytest.raises(UserError, match="--comparable: Numbers of Cityscapes under a@1"):
        make_table("sensitivity", [*rows, other], TableOptions(comparable=True))
    make_table("sensitivity", rows, TableOptions(comparable=True))
