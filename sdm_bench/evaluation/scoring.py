"""A segmenter's predictions against label maps, for any number of protocols at once.

A picture goes through the network once for each different input that protocols ask for; what they do with its scores
comes after. Pictures are decoded and prepared by threads ahead of the network, which sees those of one size in batches.
Predictions can be kept as PNGs, a folder for everything that decides them, and are taken from there the next time.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_json, tolerated, write_json
from sdm_bench.base.processes import rank_and_count, same_everywhere, shared
from sdm_bench.base.progress import track
from sdm_bench.base.sections import Section
from sdm_bench.datasets.base import IGNORED, ClassTable, Record, SemanticDataset
from sdm_bench.datasets.pictures import ahead
from sdm_bench.datasets.transforms import resize_map
from sdm_bench.evaluation.kept import read_kept, write_kept
from sdm_bench.metrics.images import ImageSource
from sdm_bench.metrics.miou import confusion_matrix, mean_iou

if TYPE_CHECKING:
    from segmenters.prediction import Segmenter

Kernel = Literal["nearest", "bilinear", "bicubic", "bilinear-opencv", "bilinear-corners", "bicubic-corners"]
Size = tuple[int, int]
BATCH_SIZE = 16
# Pixels of a batch's largest pass: 16 pictures, or fewer of larger ones, so that full-size Cityscapes fits.
BATCH_PIXELS = 16 * 512 * 512
# Part of what names kept predictions: raised whenever a change of the program changes one, or what is kept with it.
PREDICTION_VERSION = "3"
ABOUT_FILE = "about.json"
# What decides the network's input, and what decides how its scores become a prediction.
INPUT = {"picture_size", "picture_kernel", "short_sides"}
PREDICTION = {*INPUT, "labels", "label_size", "score_corners"}
SCORED = {*PREDICTION, "classes"}


class MMSegFiles(Section):
    """Files of MMSegmentation. config: without its ending. checkpoint: ends in its SHA-256's first digits."""

    config: str
    checkpoint: str

    @property
    def sha256(self) -> str:
        """The first digits of the checkpoint's SHA-256, which its name ends in."""
        return self.checkpoint.rpartition("-")[2].partition(".")[0]


class MIoUSection(Section):
    """What a protocol states of mean IoU of a segmenter's predictions on a dataset.

    segmenter: registry name of its weights; None: the user's own.
    picture_size, picture_kernel: what the segmenter is fed, (height, width) and how pictures are resized to it: by
    Pillow, antialiased and rounded to 8 bits; by OpenCV, rounded but not antialiased; or, with corners, by torch with
    aligned corners, neither antialiased nor rounded. "labels": the size that labels have. None: samples as they are,
    resized as the segmenter's authors do.
    short_sides: passes at these short sides, averaged; None: as the segmenter's authors do where picture_size is None.
    labels: "samples", as the generator saw them, at the samples' size; "file", as the dataset stores them.
    label_size: to which they are resized then, to the nearest value; None: as they are. Scores are resized to it,
    bilinear; with aligned corners where score_corners says so, or the head of a network of MMSegmentation has them.
    classes: "evaluated", those of the dataset's benchmark; "every", those that it ignores too.
    dropped: names of classes whose rows and columns the confusion matrix loses: a pixel that is one of them, or is
    taken for one, counts nowhere.
    average, without: which classes the mean is over, see metrics/miou.py, and names of classes that it leaves out.
    samples, sample_size: see evaluation/groups.py. groups: "mean", of the numbers of each group; "corpus", of one
    confusion matrix over all groups, with the mean over them beside it. ceiling_recipe: how photographs are resized to
    the samples' size for the ceiling.
    mmseg: the configuration and the checkpoint of MMSegmentation that the protocol's numbers are by, for --segmenter.
    """

    segmenter: str | None = None
    picture_size: Size | Literal["labels"] | None = None
    picture_kernel: Kernel | None = None
    short_sides: tuple[int, ...] | None = None
    labels: Literal["samples", "file"] = "samples"
    label_size: Size | None = None
    score_corners: bool = False
    classes: Literal["evaluated", "every"] = "evaluated"
    dropped: tuple[str, ...] = ()
    average: Literal["union", "all", "labels"]
    without: tuple[str, ...] = ()
    samples: int | None = None
    sample_size: Size | None = None
    groups: Literal["mean", "corpus"] = "mean"
    ceiling_recipe: Literal["sdm", "spade"] = "sdm"
    mmseg: MMSegFiles | None = None

    def class_names(self, classes: ClassTable) -> tuple[str, ...]:
        """The names of the classes, in the order of the confusion matrix."""
        return classes.names if self.classes == "every" else classes.evaluated_names

    def class_maps(self, classes: ClassTable) -> tuple[np.ndarray, np.ndarray]:
        """The class in the confusion matrix of each class of the label maps, and of each that the segmenter knows."""
        if self.classes == "evaluated":
            return classes.evaluate_as, np.arange(len(classes.evaluated_names))
        evaluated = np.flatnonzero(classes.evaluate_as != IGNORED)
        return np.arange(len(classes)), evaluated[np.argsort(classes.evaluate_as[evaluated])]

    def key(self, fields: set[str]) -> str:
        """What is stated under `fields`, as text."""
        return self.model_dump_json(include=fields)

    @property
    def input_key(self) -> str:
        """What decides the network's input; pictures that are enlarged to the labels' size depend on these too."""
        return self.key({*INPUT, "labels", "label_size"} if self.picture_size == "labels" else INPUT)


class ConfusionResult(NamedTuple):
    """What was found in pictures: one confusion matrix, int64 (C, C), and the mean IoU of each picture by its id.

    confusion: entry [true, predicted] a number of pixels. A picture's mean is over the classes in either of its maps.
    """

    confusion: np.ndarray
    each: dict[str, float]


class Item(NamedTuple):
    """One picture: its id, label maps by prediction key, kept predictions by the same, the passes the network sees."""

    id: str
    labels: dict[str, np.ndarray]
    kept: dict[str, np.ndarray]
    passes: list[Tensor]


@dataclass(frozen=True)
class SegmentationScorer:
    """One segmenter on pictures of a split's label maps.

    size: (height, width) that the samples have, asked for only where a protocol needs it; it may raise UserError.
    kept: the folder of all kept predictions; None: none are kept. unstored: takes a line where they can't be kept.
    """

    segmenter: "Segmenter"
    dataset: SemanticDataset
    size: Callable[[], Size]
    kept: Path | None = None
    unstored: list[str] = field(default_factory=list)

    def score(self, source: ImageSource, sections: Sequence[MIoUSection]) -> list[ConfusionResult]:
        """What is found in the pictures of `source` under each of `sections`; shared by all processes.

        The sections feed the network in one way (`input_key`), so that each picture is segmented once.
        """
        assert len({section.input_key for section in sections}) == 1
        same_everywhere({source.name: source.manifest, self.segmenter.name: self.segmenter.sha256})
        count, processes = len(source), rank_and_count()[1]
        shares = shared(
            lambda ranks: [self._scored(source, sections, range(k, count, processes)) for k in ranks], processes
        )
        found = []
        for parts in zip(*shares, strict=True):
            each = {name: value for part in parts for name, value in part.each.items()}
            confusion = np.sum([part.confusion for part in parts], axis=0)
            found.append(ConfusionResult(confusion, dict(sorted(each.items()))))
        return found

    def _scored(
        self, source: ImageSource, sections: Sequence[MIoUSection], indices: Sequence[int]
    ) -> list[ConfusionResult]:
        counts = [len(section.class_names(self.dataset.classes)) for section in sections]
        found = [ConfusionResult(np.zeros((n, n), np.int64), {}) for n in counts]
        for name, matrices in self.matrices(source, sections, indices):
            for result, confusion in zip(found, matrices, strict=True):
                result.confusion[:] += confusion
                result.each[name] = mean_iou(confusion)
        return found

    def matrices(
        self, source: ImageSource, sections: Sequence[MIoUSection], indices: Sequence[int]
    ) -> Iterator[tuple[str, list[np.ndarray]]]:
        """The ids of the pictures at `indices` and the confusion matrix of each under every one of `sections`."""
        classes = self.dataset.classes
        maps = [(section, len(section.class_names(classes)), *section.class_maps(classes)) for section in sections]
        for item, predictions in self._predictions(source, {s.key(PREDICTION): s for s in sections}, indices):
            found = []
            for section, count, true_class, predicted_class in maps:
                key = section.key(PREDICTION)
                true, predicted = true_class[item.labels[key]], predicted_class[predictions[key]]
                found.append(confusion_matrix(true, predicted, count))
            yield item.id, found

    def _predictions(
        self, source: ImageSource, wanted: dict[str, MIoUSection], indices: Sequence[int]
    ) -> Iterator[tuple[Item, dict[str, np.ndarray]]]:
        """The items with their predictions by key, uint8 (H, W) of the label's size; new ones are kept."""
        records = {record.id: record for record in self.dataset.records}
        folders = {key: self._folder(source, section) for key, section in wanted.items()}

        def item(position: int) -> Item:
            index = indices[position]
            return self._item(source, index, records[source.ids[index]], wanted, folders)

        items = ahead(item, len(indices), 2 * BATCH_SIZE)
        for batch in batches(track(items, f"segmenting {source.name}", len(indices), unit="pictures")):
            predicted: list[dict[str, np.ndarray]] = [dict(each.kept) for each in batch]
            pending = [key for key in wanted if key not in batch[0].kept]
            scores = self.segmenter.scores(_stacked(batch)) if pending else []
            for key in pending:
                sizes = [each.labels[key].shape for each in batch]
                made = self.segmenter.classes(scores, sizes, wanted[key].score_corners)
                for each, mine, prediction in zip(batch, predicted, made, strict=True):
                    mine[key] = prediction
                    folder = folders[key]
                    if folder is not None:
                        with tolerated(self.unstored, f"predictions of {source.name}"):
                            write_kept(folder / f"{each.id}.png", prediction)
            yield from zip(batch, predicted, strict=True)

    def _item(
        self,
        source: ImageSource,
        index: int,
        record: Record,
        wanted: dict[str, MIoUSection],
        folders: dict[str, Path | None],
    ) -> Item:
        stored = self.dataset.label(record)
        labels = {key: self._label(stored, section) for key, section in wanted.items()}
        files = {key: folder / f"{record.id}.png" for key, folder in folders.items() if folder is not None}
        read = {key: read_kept(file, labels[key].shape) for key, file in files.items()}
        kept = {key: prediction for key, prediction in read.items() if prediction is not None}
        if len(kept) == len(wanted):
            return Item(record.id, labels, kept, [])
        key, section = next(iter(wanted.items()))
        size = labels[key].shape if section.picture_size == "labels" else section.picture_size
        kernel = section.picture_kernel or "bicubic"
        passes = self.segmenter.prepare(source.read(index), size, kernel, section.short_sides)
        return Item(record.id, labels, kept, passes)

    def _label(self, stored: np.ndarray, section: MIoUSection) -> np.ndarray:
        """int64 (H, W) classes of a stored label map, at the size at which predictions are compared with it."""
        label = resize_map(stored, self.size()) if section.labels == "samples" else stored
        return label if section.label_size is None else resize_map(label, section.label_size)

    def key(self, source: ImageSource, section: MIoUSection) -> dict[str, str]:
        """Everything that decides the predictions of `source`."""
        return {
            "pictures": source.manifest,
            "segmenter": self.segmenter.sha256,
            "protocol": section.key(PREDICTION),
            "size": str(self.size()) if section.labels == "samples" else "",
            "version": PREDICTION_VERSION,
        }

    def _folder(self, source: ImageSource, section: MIoUSection) -> Path | None:
        """Where predictions of `source` are kept; its name is the digest of everything that decides them."""
        if self.kept is None:
            return None
        key = self.key(source, section)
        folder = self.kept / hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
        about = folder / ABOUT_FILE
        if about.is_file() and read_json(about) != key:
            raise UserError(f"{about}: says that other predictions are kept there; delete {folder}")
        if not about.is_file():
            with tolerated(self.unstored, f"predictions of {source.name}"):
                write_json(about, key)
        return folder


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Runs of items whose passes have equal sizes and that lack the same, at most BATCH_SIZE items and BATCH_PIXELS."""
    batch: list[Item] = []
    for item in items:
        if batch and (len(batch) == _most(item) or _alike(item) != _alike(batch[0])):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _most(item: Item) -> int:
    largest = max((x.shape[1] * x.shape[2] for x in item.passes), default=1)
    return min(BATCH_SIZE, max(1, BATCH_PIXELS // largest))


def _alike(item: Item) -> tuple:
    return tuple(item.kept), [tuple(x.shape) for x in item.passes]


def _stacked(batch: Sequence[Item]) -> list[Tensor]:
    return [torch.stack(each) for each in zip(*(item.passes for item in batch), strict=True)]
