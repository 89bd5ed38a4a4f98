"""Label maps and a segmenter's predictions, picture by picture, as one protocol reads them.

Pictures are decoded and prepared by threads ahead of the network, which sees those of one size in batches. Predictions
can be kept as PNGs, a folder for everything that decides them, and are taken from there the next time.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sdm_bench.datasets.base import IGNORED, Record
from sdm_bench.datasets.pictures import ahead, read_map
from sdm_bench.datasets.transforms import Resized, resize_map
from sdm_bench.errors import UserError
from sdm_bench.evaluation.sources import refuse_missing
from sdm_bench.files import read_json, write_json, write_png
from sdm_bench.metrics.features import ImageSource
from sdm_bench.metrics.miou import confusion_matrix, mean_iou
from sdm_bench.processes import rank_and_count, shared
from sdm_bench.progress import track
from sdm_bench.protocols.sections import MIoUProtocol

if TYPE_CHECKING:
    from segmenters.prediction import Segmenter

BATCH_SIZE = 16
BATCH_PIXELS = 16 * 512 * 512
"""Pixels of a batch's largest pass: 16 pictures, or fewer of larger ones, so that full-size Cityscapes fits."""
PREDICTION_VERSION = "1"
"""Part of what names kept predictions: raised whenever a change of the program changes one."""
ABOUT_FILE = "about.json"


class Item(NamedTuple):
    """One picture: its id, its true classes, and either its kept prediction or the passes that the network sees."""

    id: str
    label: np.ndarray
    kept: np.ndarray | None
    passes: list[Tensor]


class Seen(NamedTuple):
    """What was found in pictures: one confusion matrix, int64 (C, C), and the mean IoU of each picture by its number.

    confusion: entry [true, predicted] a number of pixels. A picture's mean is over the classes in either of its maps.
    """

    confusion: np.ndarray
    each: dict[int, float]


@dataclass(frozen=True)
class Reading:
    """How a protocol reads pictures of the examples `real` with one segmenter.

    kept: the folder of all kept predictions; None: none are kept.
    """

    segmenter: "Segmenter"
    about: MIoUProtocol
    real: Resized
    kept: Path | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the confusion matrix."""
        classes = self.real.dataset.classes
        return classes.names if self.about.classes == "every" else classes.evaluated_names

    def read(self, source: ImageSource) -> Seen:
        """What is found in the pictures of `source`, which must be those of the split; shared by all processes."""
        count = len(self.real.dataset)
        refuse_missing(source, [record.id for record in self.real.dataset.records])
        processes = rank_and_count()[1]
        shares = shared(lambda ranks: [self._seen(source, range(k, count, processes)) for k in ranks], processes)
        each = {index: value for share in shares for index, value in share.each.items()}
        return Seen(np.sum([share.confusion for share in shares], axis=0), dict(sorted(each.items())))

    def _seen(self, source: ImageSource, indices: Sequence[int]) -> Seen:
        true_class, predicted_class = self._class_maps()
        folder = self._folder(source)
        total = np.zeros((len(self.class_names),) * 2, np.int64)
        each = {}
        for index, (item, predicted) in zip(indices, self._predictions(source, folder, indices), strict=True):
            if folder is not None and item.kept is None:
                write_png(folder / f"{item.id}.png", predicted)
            confusion = confusion_matrix(true_class[item.label], predicted_class[predicted], len(total))
            total += confusion
            each[index] = mean_iou(confusion)
        return Seen(total, each)

    def _class_maps(self) -> tuple[np.ndarray, np.ndarray]:
        """The class in the confusion matrix of each class of the label maps, and of each that the segmenter knows."""
        classes = self.real.dataset.classes
        if self.about.classes == "evaluated":
            return classes.evaluate_as, np.arange(len(classes.evaluated_names))
        evaluated = np.flatnonzero(classes.evaluate_as != IGNORED)
        return np.arange(len(classes)), evaluated[np.argsort(classes.evaluate_as[evaluated])]

    def _predictions(
        self, source: ImageSource, folder: Path | None, indices: Sequence[int]
    ) -> Iterator[tuple[Item, np.ndarray]]:
        """The items with their predictions, uint8 (H, W) of the label's size."""
        records = self.real.dataset.records
        index_of = {name: index for index, name in enumerate(source.ids)}

        def item(position: int) -> Item:
            record = records[indices[position]]
            return self._item(source, index_of[record.id], record, folder)

        items = ahead(item, len(indices), 2 * BATCH_SIZE)
        for batch in batches(track(items, f"segmenting {source.name}", len(indices), unit="pictures")):
            yield from zip(batch, self._predict(batch), strict=True)

    def _item(self, source: ImageSource, index: int, record: Record, folder: Path | None) -> Item:
        label = self._label(record)
        kept = None if folder is None else folder / f"{record.id}.png"
        if kept is not None and kept.is_file():
            return Item(record.id, label, _read_kept(kept, label.shape), [])
        about = self.about
        size = label.shape if about.picture_size == "labels" else about.picture_size
        kernel = about.picture_kernel or "bicubic"
        passes = self.segmenter.prepare(source.read(index), size, kernel, about.short_sides)
        return Item(record.id, label, None, passes)

    def _label(self, record: Record) -> np.ndarray:
        """int64 (H, W) classes of the label map, at the size at which predictions are compared with it."""
        label = self.real.dataset.label(record)
        if self.about.labels == "samples":
            label = resize_map(label, self.real.transform.size)
        return label if self.about.label_size is None else resize_map(label, self.about.label_size)

    def _predict(self, batch: list[Item]) -> list[np.ndarray]:
        if batch[0].kept is not None:
            return [item.kept for item in batch if item.kept is not None]
        passes = [torch.stack(each) for each in zip(*(item.passes for item in batch), strict=True)]
        return self.segmenter.predict(passes, [item.label.shape for item in batch], self.about.score_corners)

    def key(self, source: ImageSource) -> dict[str, str]:
        """Everything that decides the predictions of `source`."""
        fields = {"picture_size", "picture_kernel", "short_sides", "labels", "label_size", "score_corners"}
        return {
            "pictures": source.manifest,
            "segmenter": self.segmenter.sha256,
            "protocol": self.about.model_dump_json(include=fields),
            "size": str(self.real.transform.size),
            "version": PREDICTION_VERSION,
        }

    def _folder(self, source: ImageSource) -> Path | None:
        """Where predictions of `source` are kept; its name is the digest of everything that decides them."""
        if self.kept is None:
            return None
        key = self.key(source)
        folder = self.kept / hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
        if (folder / ABOUT_FILE).is_file():
            assert read_json(folder / ABOUT_FILE) == key
        else:
            write_json(folder / ABOUT_FILE, key)
        return folder


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Runs of items whose passes have equal sizes, or that are all kept, at most BATCH_SIZE items and BATCH_PIXELS."""
    batch: list[Item] = []
    for item in items:
        if batch and (len(batch) == _most(item) or _sizes(item) != _sizes(batch[0])):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _most(item: Item) -> int:
    largest = max((x.shape[1] * x.shape[2] for x in item.passes), default=1)
    return min(BATCH_SIZE, max(1, BATCH_PIXELS // largest))


def _sizes(item: Item) -> list[tuple[int, ...]]:
    return [tuple(x.shape) for x in item.passes]


def _read_kept(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    predicted = read_map(path)
    if predicted.shape != shape:
        raise UserError(f"{path}: a kept prediction of shape {predicted.shape}; expected {shape}; delete it")
    return predicted
