"""The metrics of a task, one function a metric: rows out, or a UserError that says why there are none."""

import numpy as np
import torch

from sdm_bench.errors import UserError
from sdm_bench.evaluation.sources import real_source, refuse_missing
from sdm_bench.evaluation.task import Measured, Samples, Task, mean_and_spread
from sdm_bench.metrics.features import Extractor, ImageSource, extract, inception_extractor
from sdm_bench.metrics.frechet import frechet_distance
from sdm_bench.metrics.lpips_diversity import LPIPS, corpus_diversity, diversity, load_lpips
from sdm_bench.progress import say, track
from sdm_bench.tensors import to_unit_range
from sdm_bench.weights.store import cache_folder, require

FEW_IMAGES = 2048


def fid_rows(task: Task) -> Measured:
    """The Fréchet Inception distance of every seed's pictures to the real ones; mean and spread over seeds."""
    about = task.protocol.fid_on(task.dataset.name)
    weights = require([about.extractor])[about.extractor]
    extractor = inception_extractor(weights, about.resize, str(task.device))
    real = _features(real_source(task.photographs(about.real_recipe)), extractor)
    values = []
    for source in task.samples.sources.values():
        _refuse_other_count(source, task)
        values.append(frechet_distance(_features(source, extractor), real))
    if len(real) < FEW_IMAGES:
        say(f"warning: FID from {len(real)} images, fewer than {FEW_IMAGES}; comparable only at this number of images")
    row = task.row(
        metric="fid", **mean_and_spread(values), direction="lower", extractor=f"{extractor.name}, {about.resize}"
    )
    return Measured([row], [])


def _features(source: ImageSource, extractor: Extractor) -> np.ndarray:
    return extract(source, extractor, cache_folder() / "features")


def _refuse_other_count(source: ImageSource, task: Task) -> None:
    expected = [record.id for record in task.dataset.records]
    if task.samples.options is not None:
        refuse_missing(source, expected)
    elif len(source) != len(expected):
        say(f"warning: {source.name} has {len(source)} pictures, the real set {len(expected)}")


def lpips_rows(task: Task) -> Measured:
    """LPIPS diversity: the mean distance of a label map's samples, mean and spread over label maps."""
    about = task.protocol.lpips_on(task.dataset.name)
    samples = task.samples
    options = samples.options
    if options is not None and not options.stochastic:
        note = "zero by construction: one picture a label map"
        return Measured(
            [task.row(metric="lpips", value=0.0, direction="higher", extractor=about.weights, note=note)], []
        )
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
    return Measured([row], [])


def _common_ids(samples: Samples) -> tuple[str, ...]:
    first, *others = samples.sources.values()
    for other in others:
        refuse_missing(other, first.ids)
    return first.ids


def _map_diversity(network: LPIPS, samples: Samples, number: int) -> float:
    pictures = [to_unit_range(source.read(number)) for source in samples.sources.values()]
    return diversity(network, torch.stack(pictures))
