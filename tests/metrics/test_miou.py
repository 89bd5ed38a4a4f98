"""Mean IoU on a case small enough to count by hand."""

import numpy as np
import pytest

from sdm_bench.base.errors import UserError
from sdm_bench.metrics import miou

LABEL = np.array([[0, 0, 0, 1], [1, 255, 255, 1]], np.uint8)
# Class 0: 2 of 3. Class 1: 2 of 4. Class 2: predicted, not there. Class 3: predicted where ignored only.
PREDICTION = np.array([[0, 0, 1, 1], [2, 0, 3, 1]], np.uint8)


@pytest.fixture
def confusion() -> np.ndarray:
    return miou.confusion_matrix(LABEL, PREDICTION, 4)


def test_rows_are_labels_columns_predictions_and_255_is_dropped(confusion: np.ndarray) -> None:
    assert confusion.tolist() == [[2, 1, 0, 0], [0, 2, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert confusion.dtype == np.int64


def test_intersection_union_and_iou(confusion: np.ndarray) -> None:
    assert miou.intersection(confusion).tolist() == [2, 2, 0, 0]
    assert miou.union(confusion).tolist() == [3, 4, 1, 0]
    np.testing.assert_allclose(miou.iou_per_class(confusion), [2 / 3, 1 / 2, 0, np.nan])


@pytest.mark.parametrize(("average", "expected"), [("union", 7 / 6 / 3), ("all", 7 / 6 / 4), ("labels", 7 / 6 / 2)])
def test_the_three_means_divide_by_different_classes(
    confusion: np.ndarray, average: miou.Average, expected: float
) -> None:
    assert miou.mean_iou(confusion, average) == pytest.approx(expected, rel=1e-15)


def test_accuracies(confusion: np.ndarray) -> None:
    assert miou.pixel_accuracy(confusion) == pytest.approx(4 / 6)
    assert miou.mean_accuracy(confusion) == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert miou.frequency_weighted_iou(confusion) == pytest.approx(0.5 * 2 / 3 + 0.5 * 1 / 2)


def test_matrices_of_parts_add_up() -> None:
    rng = np.random.default_rng(0)
    label, prediction = rng.integers(0, 7, (2, 5, 30, 40))
    parts = sum(miou.confusion_matrix(a, b, 7) for a, b in zip(label, prediction, strict=True))
    assert np.array_equal(parts, miou.confusion_matrix(label, prediction, 7))
    assert np.asarray(parts).sum() == label.size


def test_another_value_may_be_ignored_or_none() -> None:
    assert miou.confusion_matrix(LABEL % 3, PREDICTION, 4, ignored=1)[1].sum() == 0
    with pytest.raises(UserError, match=r"label map with the values \[255\]; expected 0..3"):
        miou.confusion_matrix(LABEL, PREDICTION, 4, ignored=None)


def test_values_outside_and_other_shapes_are_refused() -> None:
    with pytest.raises(UserError, match=r"prediction with the values \[3\]; expected 0..2"):
        miou.confusion_matrix(np.zeros((1, 2), int), np.array([[0, 3]]), 3)
    with pytest.raises(UserError, match=r"label map with the values \[-1\]"):
        miou.confusion_matrix(np.array([-1, 0]), np.array([0, 0]), 3)
    with pytest.raises(UserError, match=r"shape \(2, 4\), prediction of shape \(2, 3\)"):
        miou.confusion_matrix(LABEL, PREDICTION[:, :3], 4)


@pytest.mark.parametrize("average", ["union", "labels"])
def test_without_pixels_there_is_no_number(average: miou.Average) -> None:
    empty = miou.confusion_matrix(np.full((2, 2), 255), np.zeros((2, 2), int), 3)
    assert np.isnan(miou.mean_iou(empty, average))
    assert np.isnan(miou.pixel_accuracy(empty))
    assert np.isnan(miou.mean_accuracy(empty))
    assert np.isnan(miou.frequency_weighted_iou(empty))


def test_an_unknown_average_gets_the_nearest(confusion: np.ndarray) -> None:
    with pytest.raises(UserError, match="Did you mean 'labels'"):
        miou.mean_iou(confusion, "label")  # type: ignore[arg-type]


def test_classes_can_be_left_out_of_the_mean(confusion: np.ndarray) -> None:
    """Class 2 is left out; its pixels still count as wrong for class 1."""
    counted = np.array([True, True, False, True])
    assert miou.mean_iou(confusion, "union", counted) == pytest.approx(7 / 6 / 2)
    assert miou.mean_iou(confusion, "all", counted) == pytest.approx(7 / 6 / 3)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mmsegmentation_counts_the_same() -> None:
    """Its IoUMetric on twenty random maps of 19 classes with ignored pixels, in percent and rounded to 2 digits."""
    import torch
    from mmengine.structures import PixelData
    from mmseg.evaluation import IoUMetric
    from mmseg.structures import SegDataSample

    rng = np.random.default_rng(0)
    metric = IoUMetric(iou_metrics=["mIoU"], ignore_index=255)
    metric.dataset_meta = {"classes": [str(index) for index in range(19)]}
    total = np.zeros((19, 19), np.int64)
    for _ in range(20):
        label = rng.choice([*range(19), 255], (24, 32)).astype(np.uint8)
        predicted = np.where(rng.random((24, 32)) < 0.6, label % 19, rng.integers(0, 19, (24, 32))).astype(np.uint8)
        sample = SegDataSample(
            gt_sem_seg=PixelData(data=torch.from_numpy(label)[None].long()),
            pred_sem_seg=PixelData(data=torch.from_numpy(predicted)[None].long()),
        )
        metric.process({}, [sample.to_dict()])
        total += miou.confusion_matrix(label, predicted, 19)
    found = metric.compute_metrics(metric.results)
    assert found["mIoU"] == pytest.approx(100 * miou.mean_iou(total), abs=0.005)
    assert found["aAcc"] == pytest.approx(100 * miou.pixel_accuracy(total), abs=0.005)
    assert found["mAcc"] == pytest.approx(100 * miou.mean_accuracy(total), abs=0.005)
