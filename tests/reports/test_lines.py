"""A line is a sample set under a protocol, and lines are never merged unless somebody asks for a mean."""

import pytest

from reports.lines import average_trainings, incomparable, make_lines, telling_columns
from sdm_bench.base.errors import UserError
from sdm_bench.results.rows import ResultRow
from tests.results.test_rows import row

METRICS = ("fid", "lpips", "miou")


def fid(**changes: object) -> ResultRow:
    return row(**{"metric": "fid", "measure": "fid", **changes})


def miou(**changes: object) -> ResultRow:
    about = {"metric": "miou", "measure": "miou", "direction": "higher", "value": 0.5, "extractor": "unet"}
    return row(**{**about, "num_real": None, "reference_sha256": "", **changes})


def test_numbers_of_one_sample_set_share_a_line() -> None:
    (line,) = make_lines([fid(), miou()], METRICS)
    assert set(line.rows) == {"fid", "miou"}


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"weights_sha256": "b" * 64}, "weights"),
        ({"sample_set": "t", "manifest_sha256": "cd", "folder": "runs/b"}, "folder"),
        ({"sample_set": "t", "image_size": "128x64"}, "size"),
        ({"split": "test", "sample_set": "t"}, "split"),
        ({"training_steps": 200, "weights_sha256": "b" * 64}, "training steps"),
        ({"training_seed": 1, "weights_sha256": "b" * 64}, "training seed"),
        ({"sample_set": "t", "incomplete": "1 of 5 missing"}, "incomplete"),
        ({"sample_set": "t", "manifest_sha256": "cd"}, "sample set"),
    ],
)
def test_lines_that_would_look_alike_are_told_apart_by_themselves(changes: dict[str, object], column: str) -> None:
    rows = [fid(value=100.0), miou(value=0.9), fid(value=50.0, **changes), miou(value=0.4, **changes)]
    lines = make_lines(rows, METRICS)
    assert {(line.rows["fid"].value, line.rows["miou"].value) for line in lines} == {(100.0, 0.9), (50.0, 0.4)}
    assert column in telling_columns(lines)
    shown = [tuple(line.field(name) for name in telling_columns(lines)) for line in lines]
    assert len(set(shown)) == 2


def test_nothing_is_shown_that_tells_nothing() -> None:
    lines = make_lines([fid(), fid(guidance=2.0, sample_set="t", weights_sha256="b" * 64)], METRICS)
    assert telling_columns(lines) == []


def test_a_second_segmenter_is_a_line_of_its_own() -> None:
    rows = [fid(), miou(), miou(extractor="drn", extractor_sha256="f" * 64, value=0.7)]
    lines = make_lines(rows, METRICS)
    assert [sorted(line.rows) for line in lines] == [["fid", "miou"], ["miou"]]
    assert telling_columns(lines)[0] == "segmenter"


def test_of_two_rows_with_one_key_the_newer_holds() -> None:
    rows = [fid(value=1.0, time="2026-01-02"), fid(value=2.0, time="2026-01-01")]
    (line,) = make_lines(rows, METRICS)
    assert line.rows["fid"].value == 1.0


def test_the_ceiling_of_one_size_is_not_that_of_another() -> None:
    sizes = {"64x32": 0.5, "128x64": 0.6}
    real = {"method": "real photographs", "solver": "", "steps": None, "guidance": None, "weights_sha256": ""}
    rows = [miou(image_size=size, sample_set=size, value=value - 0.1) for size, value in sizes.items()]
    rows += [miou(image_size=size, sample_set=f"real {size}", value=value, **real) for size, value in sizes.items()]
    lines = make_lines(rows, METRICS)
    assert "size" in telling_columns(lines)
    found = [(line.field("method"), line.field("size"), line.rows["miou"].value) for line in lines]
    assert found == [
        ("SDM", "64x32", 0.4), ("real photographs", "64x32", 0.5),
        ("SDM", "128x64", 0.5), ("real photographs", "128x64", 0.6),
    ]  # fmt: skip


def training(seed: int, value: float, **changes: object) -> ResultRow:
    about = {
        "training_seed": seed,
        "weights_sha256": str(seed) * 64,
        "sample_set": f"s{seed}",
        "folder": f"runs/{seed}",
    }
    return fid(**{**about, "value": value, **changes})


def test_trainings_that_differ_in_their_seed_are_averaged_on_request() -> None:
    lines = make_lines([training(0, 10.0), training(1, 14.0), fid(guidance=2.0)], METRICS)
    assert len(lines) == 3
    averaged = average_trainings(lines)
    assert len(averaged) == 2
    mean = next(line for line in averaged if line.trainings)
    assert mean.trainings == (0, 1)
    assert (mean.rows["fid"].value, mean.rows["fid"].spread) == (12.0, pytest.approx(2 * 2**0.5))
    assert mean.field("training seed") == "0, 1"


@pytest.mark.parametrize("change", [{"training_steps": 9}, {"num_images": 4}, {"image_size": "8x4"}, {"seeds": "0"}])
def test_trainings_that_differ_in_more_are_not_averaged(change: dict[str, object]) -> None:
    lines = make_lines([training(0, 10.0), training(1, 14.0, **change)], METRICS)
    assert [line.trainings for line in average_trainings(lines)] == [(), ()]


def test_two_trainings_with_one_seed_are_no_mean() -> None:
    rows = [training(0, 10.0), training(0, 14.0, weights_sha256="x" * 64, sample_set="t", folder="runs/again")]
    with pytest.raises(UserError, match=r"trainings with the seeds 0, 0 in runs/0, runs/again"):
        average_trainings(make_lines(rows, METRICS))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_images": 4}, "the number of pictures (5, 4)"),
        ({"image_size": "8x4"}, "their size (8x4, 64x32)"),
        ({"reference_sha256": "q"}, "the reference set (r, q)"),
        ({"incomplete": "1 of 5 missing"}, "completeness (complete, 1 of 5 missing)"),
        ({"split": "test"}, "the split (test, val)"),
    ],
)
def test_what_does_not_compare_is_said(changes: dict[str, object], said: str) -> None:
    same = make_lines([fid(), fid(guidance=2.0, sample_set="t")], METRICS)
    assert incomparable(same) == []
    (sentence,) = incomparable(make_lines([fid(), fid(guidance=2.0, sample_set="t", **changes)], METRICS))
    assert said in sentence
    assert sentence.startswith("Numbers of cityscapes under sdm-bench@1 are not comparable throughout")
    elsewhere = make_lines([fid(), fid(dataset="ade20k", **changes)], METRICS)
    assert incomparable(elsewhere) == [], "other datasets always differ"
