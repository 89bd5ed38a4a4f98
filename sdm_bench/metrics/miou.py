"""Mean IoU and its relatives, from a confusion matrix of label and prediction maps.

The official programs agree on the matrix and differ in the classes that the mean is over:

* `union`: those in the labels or the predictions (fyu/drn@d75db2e segment.py);
* `all`: all of them, one that is in neither counting as 0 (CSAILVision/semantic-segmentation-pytorch@8f27c9b eval.py);
* `labels`: those in the labels (kazuto1011/deeplab-pytorch@4219467 libs/utils/metric.py).
"""

from typing import Literal, get_args

import numpy as np

from sdm_bench.base.errors import UserError, unknown_name

IGNORED = 255
Average = Literal["union", "all", "labels"]


def confusion_matrix(
    label: np.ndarray, prediction: np.ndarray, num_classes: int, ignored: int | None = IGNORED
) -> np.ndarray:
    """int64 (num_classes, num_classes), entry [true, predicted] a number of pixels; matrices of many maps add up.

    label, prediction: integers of equal shape, 0..num_classes-1; pixels whose label is `ignored` are dropped. Raises
    UserError where the shapes differ or other values occur.
    """
    if label.shape != prediction.shape:
        raise UserError(
            f"label map of shape {label.shape}, prediction of shape {prediction.shape}; expected equal ones"
        )
    kept = np.ones(label.shape, bool) if ignored is None else label != ignored
    true, predicted = label[kept].astype(np.int64), prediction[kept].astype(np.int64)
    for name, values in (("label map", true), ("prediction", predicted)):
        outside = values[(values < 0) | (values >= num_classes)]
        if outside.size:
            raise UserError(f"{name} with the values {np.unique(outside)[:8].tolist()}; expected 0..{num_classes - 1}")
    counts = np.bincount(true * num_classes + predicted, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def intersection(confusion: np.ndarray) -> np.ndarray:
    """Pixels of each class that are right, int64 (C,)."""
    return np.diag(confusion)


def union(confusion: np.ndarray) -> np.ndarray:
    """Pixels that are a class in the labels or the predictions, int64 (C,)."""
    return confusion.sum(0) + confusion.sum(1) - np.diag(confusion)


def iou_per_class(confusion: np.ndarray) -> np.ndarray:
    """Intersection over union of each class, float64 (C,) in [0, 1]; nan for a class in neither map."""
    return _ratio(intersection(confusion), union(confusion))


def mean_iou(confusion: np.ndarray, average: Average = "union", counted: np.ndarray | None = None) -> float:
    """Mean IoU in [0, 1] over the classes that `average` takes; nan when there are none. Raises UserError.

    counted: bool (C,), the classes that may be taken at all; None: each.
    """
    if average not in get_args(Average):
        raise unknown_name("average", average, get_args(Average))
    taken = np.ones(len(confusion), bool) if counted is None else counted
    if average != "all":
        taken = taken & ((confusion.sum(1) > 0) if average == "labels" else (union(confusion) > 0))
    ious = np.nan_to_num(iou_per_class(confusion))[taken]
    return float(ious.mean()) if taken.any() else float("nan")


def pixel_accuracy(confusion: np.ndarray) -> float:
    """The share of pixels that are right, in [0, 1]; nan when there are none."""
    return float(_ratio(np.trace(confusion), confusion.sum()))


def mean_accuracy(confusion: np.ndarray) -> float:
    """The share of right pixels of each class, averaged over the classes in the labels, in [0, 1]; nan for none."""
    present = confusion.sum(1) > 0
    shares = _ratio(np.diag(confusion), confusion.sum(1))[present]
    return float(shares.mean()) if present.any() else float("nan")


def frequency_weighted_iou(confusion: np.ndarray) -> float:
    """IoU weighted by the share of pixels a class has in the labels, in [0, 1]; nan for no pixels."""
    shares = _ratio(confusion.sum(1), confusion.sum())
    return float((shares * np.nan_to_num(iou_per_class(confusion))).sum())


def _ratio(part: np.ndarray | np.int64, whole: np.ndarray | np.int64) -> np.ndarray:
    part, whole = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
