"""The mean over trainings is of trainings that differ in their seed alone, and what stays apart is said."""

import pytest

from reports.averages import average_trainings
from reports.lines import Line, make_lines, telling_columns
from sdm_bench.base.errors import UserError
from sdm_bench.results.rows import ResultRow
from tests.reports.test_lines import METRICS, REAL_ROW, fid, miou, training


def averaged(*rows: ResultRow) -> tuple[list[Line], list[str]]:
    return average_trainings(make_lines(rows, METRICS))


def scored(seed: int, value: float, **changes: object) -> ResultRow:
    """The mean IoU of a training whose FID is `training`."""
    of_fid = training(seed, 0.0).model_dump(include={"training_seed", "weights_sha256", "sample_set", "folder"})
    return miou(**{**of_fid, "value": value, **changes})


def test_trainings_that_differ_in_their_seed_are_averaged_on_request() -> None:
    assert len(make_lines([training(0, 10.0), training(1, 14.0), fid(guidance=2.0)], METRICS)) == 3
    lines, remarks = averaged(training(1, 14.0), training(0, 10.0), fid(guidance=2.0))
    assert len(lines) == 2
    assert remarks == []
    mean = next(line for line in lines if line.trainings)
    assert mean.trainings == (0, 1)
    assert (mean.rows["fid"].value, mean.rows["fid"].spread) == (12.0, pytest.approx(2 * 2**0.5))
    assert mean.field("training seed") == "0, 1"
    assert (mean.field("weights"), mean.field("folder")) == ("", ""), "those of one training are not those of the mean"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"training_steps": 9}, "the training steps"),
        ({"num_images": 4}, "the number of pictures"),
        ({"image_size": "8x4"}, "the size"),
        ({"seeds": "0"}, "seeds"),
        ({"configuration_sha256": "c"}, "the configuration"),
        ({"labels_sha256": "m"}, "the label maps"),
        ({"protocol_sha256": "q"}, "the protocol's content"),
        ({"extractor_sha256": "f"}, "the network that measures"),
        ({"reference_sha256": "q"}, "the reference set"),
        ({"num_real": 9}, "the number of photographs"),
        ({"incomplete": "1 of 5 missing"}, "completeness"),
        ({"note": "trained without the perceptual loss"}, "their notes"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_trainings_that_differ_in_more_are_not_averaged_and_that_is_said(change: dict[str, object], said: str) -> None:
    lines, remarks = averaged(training(0, 10.0), training(1, 14.0, **change))
    assert sorted((line.trainings, line.rows["fid"].value) for line in lines) == [((), 10.0), ((), 14.0)]
    assert remarks == [
        "Not averaged: SDM, ddim, 25 steps, guidance 1.5 (Cityscapes val, sdm-bench@1): trainings with the seeds 0, 1 "
        f"differ in {said}."
    ]


def test_two_trainings_with_one_seed_are_no_mean() -> None:
    rows = [training(0, 10.0), training(0, 14.0, weights_sha256="x" * 64, sample_set="t", folder="runs/again")]
    with pytest.raises(UserError, match=r"trainings with the seeds 0, 0 in runs/0, runs/again"):
        averaged(*rows)


def test_the_order_of_measurements_decides_nothing() -> None:
    lines, remarks = averaged(training(0, 10.0), scored(0, 0.5), scored(1, 0.7), training(1, 14.0))
    (line,) = lines
    assert {name: row.value for name, row in line.rows.items()} == {"fid": 12.0, "miou": pytest.approx(0.6)}
    assert remarks == []


def test_a_metric_that_one_training_lacks_hides_no_mean_and_no_number() -> None:
    lines, remarks = averaged(training(0, 10.0), scored(0, 0.5), training(1, 14.0))
    found = [(line.trainings, {name: row.value for name, row in line.rows.items()}) for line in lines]
    assert ((0, 1), {"fid": 12.0}) in found
    assert ((), {"miou": 0.5}) in found
    assert len(found) == 2
    assert remarks == [
        "Not averaged over all trainings: SDM, ddim, 25 steps, guidance 1.5 (Cityscapes val, sdm-bench@1): mIoU was "
        "not measured of the training with the seed 1."
    ]


def test_a_segmenter_more_is_a_number_more() -> None:
    other = {"extractor": "drn", "extractor_sha256": "f" * 64}
    rows = [scored(seed, value) for seed, value in ((0, 0.5), (1, 0.7))]
    lines, remarks = averaged(*rows, *(scored(seed, 0.1 * seed, **other) for seed in (0, 1)))
    assert [(line.trainings, line.rows["miou"].value) for line in lines] == [
        ((0, 1), pytest.approx(0.6)),
        ((0, 1), pytest.approx(0.05)),
    ]
    assert remarks == []


def test_a_mark_of_one_number_keeps_no_training_apart() -> None:
    mark = "above the ceiling of real photographs, 0.5874"
    (line,), remarks = averaged(scored(0, 0.5, note="a"), scored(1, 0.7, note=f"a; {mark}"))
    assert line.rows["miou"].note == f"a; {mark} (training seed 1)"
    assert remarks == []


def test_photographs_and_pictures_without_a_training_are_never_averaged() -> None:
    real = {**REAL_ROW, "training_seed": None, "sample_set": "real"}
    ceilings = [miou(value=value, protocol_sha256=sha, **real) for value, sha in ((0.5, "p"), (0.6, "q"))]
    theirs = [fid(method="theirs", training_seed=None, sample_set=name) for name in "ab"]
    lines, remarks = averaged(*ceilings, *theirs, training(0, 10.0), training(1, 14.0))
    assert [line.trainings for line in lines if line.first.method != "sdm"] == [()] * 4
    assert [line.rows["miou"].value for line in lines if "miou" in line.rows] == [0.5, 0.6]
    assert remarks == []


def test_configurations_have_means_of_their_own() -> None:
    rows = [training(seed, 10.0 + seed) for seed in (0, 1)]
    rows += [
        training(seed, 20.0 + seed, configuration_sha256="c", weights_sha256=f"c{seed}", sample_set=f"c{seed}")
        for seed in (0, 1)
    ]
    lines, (remark,) = averaged(*rows)
    assert [(line.trainings, line.rows["fid"].value) for line in lines] == [((0, 1), 10.5), ((0, 1), 20.5)]
    assert telling_columns(lines) == ["training seed", "configuration"]
    assert remark.endswith("trainings with the seeds 0, 1 differ in the configuration.")


def test_a_number_by_a_further_segmenter_that_one_training_has_is_said() -> None:
    rows = [scored(0, 0.5), scored(1, 0.7), scored(0, 0.9, extractor="drn", extractor_sha256="f" * 64)]
    lines, (remark,) = averaged(*rows)
    assert sorted((line.trainings, line.rows["miou"].value) for line in lines) == [
        ((), 0.9),
        ((0, 1), pytest.approx(0.6)),
    ]
    assert "mIoU (drn ffffffff) was not measured of the training with the seed 1." in remark
