"""The metrics of a task, one function a metric: rows out, or a UserError that says why there are none."""

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch

from sdm_bench.datasets.transforms import Resized
from sdm_bench.errors import UserError
from sdm_bench.evaluation.task import Samples, Task, mean_and_spread
from sdm_bench.metrics.features import Extractor, ImageSource, extract, files_source, inception_extractor
from sdm_bench.metrics.frechet import frechet_distance
from sdm_bench.metrics.lpips_diversity import LPIPS, corpus_diversity, diversity, load_lpips
from sdm_bench.metrics.miou import confusion_matrix, iou_per_class, mean_iou
from sdm_bench.progress import say, track
from sdm_bench.results import ResultRow
from sdm_bench.tensors import to_unit_range
from sdm_bench.weights.store import MissingWeights, cache_folder, require

if TYPE_CHECKING:
    from segmenters.prediction import Segmenter

FEW_IMAGES = 2048
SEGMENTER_BATCH = 16
OWN_SEGMENTER = "name another with --segmenter: a run of `sdm-bench segment train`, a weights file, or `toy`"


def fid_rows(task: Task) -> list[ResultRow]:
    """The Fréchet Inception distance of every seed's pictures to the real ones; mean and spread over seeds."""
    about = task.protocol.fid
    weights = require([about.extractor])[about.extractor]
    extractor = inception_extractor(weights, about.resize, str(task.device))
    real = _features(real_source(task.real), extractor)
    values = []
    for source in task.samples.sources.values():
        _refuse_other_count(source, task)
        values.append(frechet_distance(_features(source, extractor), real))
    if len(real) < FEW_IMAGES:
        say(f"warning: FID from {len(real)} images, fewer than {FEW_IMAGES}; comparable only at this number of images")
    row = task.row(
        metric="fid", **mean_and_spread(values), direction="lower", extractor=f"{extractor.name}, {about.resize}"
    )
    return [row]


def _features(source: ImageSource, extractor: Extractor) -> np.ndarray:
    return extract(source, extractor, cache_folder() / "features")


def _refuse_other_count(source: ImageSource, task: Task) -> None:
    expected = [record.id for record in task.dataset.records]
    if task.samples.options is not None:
        _refuse_missing(source, expected)
    elif len(source) != len(expected):
        say(f"warning: {source.name} has {len(source)} pictures, the real set {len(expected)}")


def _refuse_missing(source: ImageSource, expected: Iterable[str]) -> None:
    missing = sorted(set(expected) - set(source.ids))
    extra = sorted(set(source.ids) - set(expected))
    if missing or extra:
        listed = (
            f"{len(missing)} missing ({', '.join(missing[:3])})" if missing else f"{len(extra)} too many ({extra[0]})"
        )
        raise UserError(f"{source.name}: not the pictures of the split: {listed}; `sdm-bench generate` resumes")


def real_source(real: Resized) -> ImageSource:
    """The real photographs at the samples' size, as pictures to measure."""
    records = real.dataset.records
    paths = [record.image for record in records if record.image is not None]
    if len(paths) < len(records):
        raise UserError(
            f"{real.dataset.root}: {len(records) - len(paths)} label maps have no photograph to compare with"
        )
    files = files_source("real", dict(zip((record.id for record in records), paths, strict=True)))
    digest = hashlib.sha256(f"{real.transform!r} {files.manifest}".encode())

    def read(index: int) -> np.ndarray:
        image = real[index].image
        assert image is not None
        return image

    return ImageSource(f"real {real.dataset.name} {real.dataset.split}", files.ids, read, digest.hexdigest())


def lpips_rows(task: Task) -> list[ResultRow]:
    """LPIPS diversity: the mean distance of a label map's samples, mean and spread over label maps."""
    about = task.protocol.lpips
    samples = task.samples
    options = samples.options
    if options is not None and not options.stochastic:
        note = "zero by construction: one picture a label map"
        return [task.row(metric="lpips", value=0.0, direction="higher", extractor=about.weights, note=note)]
    if len(samples.folders) < 2:
        raise UserError(f"diversity needs at least two samples a label map; {samples.name} has one seed")
    network = load_lpips(require([about.weights])[about.weights], "alex", str(task.device))
    ids = _common_ids(samples)
    numbers = track(range(len(ids)), "LPIPS diversity", len(ids), unit="maps")
    found = corpus_diversity(_map_diversity(network, samples, number) for number in numbers)
    row = task.row(
        metric="lpips",
        value=found.mean,
        spread=None if np.isnan(found.spread) else found.spread,
        direction="higher",
        extractor=about.weights,
        note="spread over label maps",
    )
    return [row]


def _common_ids(samples: Samples) -> tuple[str, ...]:
    first, *others = samples.sources.values()
    for other in others:
        _refuse_missing(other, first.ids)
    return first.ids


def _map_diversity(network: LPIPS, samples: Samples, number: int) -> float:
    pictures = [to_unit_range(source.read(number)) for source in samples.sources.values()]
    return diversity(network, torch.stack(pictures))


def miou_rows(task: Task) -> list[ResultRow]:
    """Mean IoU of a segmenter's predictions on the samples with their label maps: mean over seeds, and per class."""
    segmenter = _segmenter(task)
    classes = task.dataset.classes
    names = classes.evaluated_names
    confusions = [_confusion(task, source, segmenter) for source in task.samples.sources.values()]
    average = task.protocol.miou.average
    common = {"direction": "higher", "extractor": f"{segmenter.name} {segmenter.sha256[:12]}"}
    rows = [task.row(metric="miou", **mean_and_spread([mean_iou(c, average) for c in confusions]), **common)]
    per_class = np.stack([iou_per_class(confusion) for confusion in confusions])
    for name, values in zip(names, per_class.T, strict=True):
        if not np.isnan(values).all():
            rows.append(task.row(metric="iou", class_name=name, **mean_and_spread(values[~np.isnan(values)]), **common))
    return rows


def _segmenter(task: Task) -> "Segmenter":
    from segmenters.prediction import load_segmenter

    dataset = task.dataset
    source = task.segmenter or task.protocol.miou.segmenter.get(dataset.name)
    if source is None:
        raise UserError(f"{task.protocol.name} knows no published segmenter for {dataset.name}; {OWN_SEGMENTER}")
    try:
        return load_segmenter(source, dataset.name, dataset.classes, task.device)
    except MissingWeights as error:
        raise UserError(f"{error.message}\nor {OWN_SEGMENTER}") from error


def _confusion(task: Task, source: ImageSource, segmenter: "Segmenter") -> np.ndarray:
    classes = task.dataset.classes
    index_of = {name: index for index, name in enumerate(source.ids)}
    _refuse_missing(source, [record.id for record in task.dataset.records])
    total = np.zeros((len(classes.evaluated_names),) * 2, np.int64)
    starts = range(0, len(task.real), SEGMENTER_BATCH)
    for start in track(starts, f"segmenting {source.name}", len(starts), unit="batches"):
        examples = [task.real[i] for i in range(start, min(start + SEGMENTER_BATCH, len(task.real)))]
        pictures = np.stack([source.read(index_of[example.id]) for example in examples])
        for example, predicted in zip(examples, segmenter.predict(pictures), strict=True):
            total += confusion_matrix(classes.evaluate_as[example.label], predicted, len(total))
    return total
