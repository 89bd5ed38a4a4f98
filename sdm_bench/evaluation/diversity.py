"""LPIPS diversity of a task: the mean distance of a label map's samples."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from sdm_bench.datasets.base import Record
from sdm_bench.datasets.transforms import resize_map
from sdm_bench.errors import UserError
from sdm_bench.evaluation.sources import pinned_weights, refuse_missing
from sdm_bench.evaluation.task import Measured, Samples, Task, spell_seeds
from sdm_bench.metrics.features import ImageSource
from sdm_bench.metrics.lpips_diversity import (
    BATCHES,
    LPIPS,
    MapDiversity,
    Net,
    corpus_diversity,
    diversity,
    load_lpips,
    reading,
)
from sdm_bench.per_image import PerImage
from sdm_bench.processes import shared
from sdm_bench.progress import track
from sdm_bench.protocols.sections import LPIPSProtocol
from sdm_bench.results import ResultRow

NETS: dict[str, Net] = {"lpips-alex": "alex", "lpips-vgg": "vgg"}


def lpips_rows(task: Task) -> Measured:
    """LPIPS diversity, mean and spread over label maps; where the protocol asks for it, inside each class too."""
    about = task.protocol.lpips_on(task.dataset.name)
    options = task.samples.options
    if options is not None and not options.stochastic:
        note = "zero by construction: one picture a label map"
        return Measured(
            [task.row(metric="lpips", value=0.0, direction="higher", extractor=_title(about), note=note)], []
        )
    sources = _sources(task, about)
    ids = _common_ids(sources)
    records = {record.id: record for record in task.dataset.records}
    network = load_lpips(pinned_weights(task.protocol, about.weights), NETS[about.weights], str(task.device))

    def work(numbers: Sequence[int]) -> list[MapDiversity]:
        return [
            _of_map(task, about, network, [source.read(number) for source in sources], records.get(ids[number]))
            for number in track(numbers, "LPIPS diversity", len(numbers), unit="maps")
        ]

    each = shared(work, len(ids))
    return Measured(_rows(task, about, len(sources), each), list(_of_maps(task, ids, each)))


def _of_maps(task: Task, ids: Sequence[str], each: Sequence[MapDiversity]) -> Iterator[PerImage]:
    """The mean of each label map, and its spread over pairs where there are several."""
    for name, found in zip(ids, each, strict=True):
        yield task.per_image(None, name, "lpips", found.mean)
        if found.pairs.size > 1:
            yield task.per_image(None, name, "lpips_spread", found.spread)


def _rows(task: Task, about: LPIPSProtocol, samples: int, each: Sequence[MapDiversity]) -> list[ResultRow]:
    found = corpus_diversity((one.mean for one in each), BATCHES[about.reading])
    seeds = spell_seeds(sorted(task.samples.folders)[:samples])
    common = {"direction": "higher", "extractor": _title(about), "note": "spread over label maps", "seeds": seeds}
    rows = [task.row(metric="lpips", value=found.mean, spread=_or_none(found.spread), **common)]
    for index, name in enumerate(task.dataset.classes.names):
        values = [one.classes[index] for one in each if index in one.classes]
        if values:
            inside = corpus_diversity(values)
            fields = {"value": inside.mean, "spread": _or_none(inside.spread)}
            rows.append(task.row(metric="class_lpips", class_name=name, **fields, **common))
    return rows


def _or_none(spread: float) -> float | None:
    return None if np.isnan(spread) else spread


def _title(about: LPIPSProtocol) -> str:
    return about.weights if about.reading == "plain" else f"{about.weights}, {about.reading}"


def _sources(task: Task, about: LPIPSProtocol) -> list[ImageSource]:
    """The samples of as many seeds as the protocol takes, the lowest first; raises UserError where there are fewer."""
    samples: Samples = task.samples
    wanted = about.samples or max(2, len(samples.folders))
    if len(samples.folders) < wanted:
        least = "at least two samples" if about.samples is None else f"{wanted} samples"
        spelt = spell_seeds(samples.folders)
        raise UserError(
            f"diversity needs {least} a label map for {task.protocol.name}; {samples.name} has {len(samples.folders)} "
            f"(seeds: {spelt}); `sdm-bench generate --seeds 0-{wanted - 1}` adds the others"
        )
    return [samples.sources[seed] for seed in sorted(samples.folders)[:wanted]]


def _common_ids(sources: Sequence[ImageSource]) -> tuple[str, ...]:
    first, *others = sources
    for other in others:
        refuse_missing(other, first.ids)
    return first.ids


def _of_map(
    task: Task, about: LPIPSProtocol, network: LPIPS, samples: Sequence[np.ndarray], record: Record | None
) -> MapDiversity:
    prepare = reading(about.reading)
    pictures = torch.stack([prepare(sample) for sample in samples])
    if not about.per_class or record is None:
        return diversity(network, pictures)
    return diversity(network, pictures, resize_map(task.dataset.label(record), task.real.transform.size))
