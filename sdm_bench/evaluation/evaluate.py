"""Measure a sample set by metrics and protocols, and store the numbers."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import torch

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_json, refuse_unwritable, tolerated
from sdm_bench.base.finite import NotFinite, named
from sdm_bench.base.names import refuse_unspellable
from sdm_bench.base.processes import (
    ProcessesLost,
    decided,
    exchanged,
    is_first,
    same_everywhere,
    start_processes,
    together,
)
from sdm_bench.base.progress import say
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.datasets.captions import read_captions
from sdm_bench.datasets.folder import Folder
from sdm_bench.datasets.known_datasets import DatasetSplit, open_dataset
from sdm_bench.evaluation.context import EvaluationContext, SharedWork
from sdm_bench.evaluation.metric import Metric, MetricResult, metric, metric_names
from sdm_bench.evaluation.statistics import resolve_statistics
from sdm_bench.protocols.protocols import ALL, DEFAULT, Protocol, covering, protocol
from sdm_bench.results.naming import called, folder_name
from sdm_bench.results.provenance import versions
from sdm_bench.results.rows import LABELS, RESULTS_FILE, ResultRow, Track, read_rows
from sdm_bench.results.sample_sets import SampleSet, open_edits, open_images, open_run, picture_places
from sdm_bench.results.store import refuse_unusable, store
from sdm_bench.sampling.edit_folders import EditFolder, EditOptions
from sdm_bench.sampling.folders import SampleFolder
from sdm_bench.weights.store import MissingWeights, missing, provenance

# Metrics that take a segmenter.
SEGMENTED = ("miou", "edit_miou")


@dataclass(frozen=True)
class Evaluation:
    """What is to be measured.

    run: the folder of a run's samples; or images: where somebody's pictures are, which tables call `name`: a folder, a
    pattern or an array file, or several of which each is one sample. by_order, resolution_note: see `open_images`.
    captions: a file of captions of the label maps, see datasets/captions.py, for the CLIP score.
    track: of --images, `labels` or `text`, see SampleSet; None is `labels`.
    where: the dataset; of a run, None in it is as it was sampled. seeds: those to measure; None: all that are there.
    protocol: or `all`, each that says anything about a metric on the dataset. segmenter: in place of the protocol's.
    predictions: where the segmenter's are kept and taken from. statistics: in place of the photographs, for FID.
    fd_infinity: also of fewer pictures than the protocol takes it of. out: the CSV that rows are added to, by default
    `results.csv` in the run's folder, or in one called as the pictures are. stored: False where rows are returned alone
    and nothing is written. command: as it was typed, for the record.
    """

    metrics: Sequence[str]
    run: Path | None = None
    images: str | Path | Sequence[str | Path] | None = None
    where: DatasetSplit = field(default_factory=lambda: DatasetSplit(split=None))
    name: str | None = None
    by_order: bool = False
    resolution_note: str | None = None
    track: Track | None = None
    seeds: Sequence[int] | None = None
    protocol: str = DEFAULT
    segmenter: str | None = None
    predictions: Path | None = None
    statistics: str | None = None
    fd_infinity: bool = False
    captions: Path | None = None
    allow_incomplete: bool = False
    out: Path | None = None
    stored: bool = True
    device: str = "auto"
    command: str = ""


def evaluate(asked: Evaluation) -> tuple[list[ResultRow], list[str]]:
    """Measures and stores; returns the rows, and a line for all that could not be measured or stored, with the reason.

    What can be known is refused before any work: raises UserError for unknown names, options that do nothing for these
    metrics, pictures that are not those of the split, places whose names are not UTF-8, and a CSV that rows can't be
    added to. Under torchrun all processes return the same failures, and the rows as the first one stored them.
    """
    device = start_processes(asked.device)
    with together():
        target, samples, dataset, cells, statistics = _prepared(asked)
    same_everywhere({"pictures or label maps": samples.digest})
    work = SharedWork(planned=_planned(cells, dataset.kind))
    rows: list[ResultRow] = []
    failures: list[str] = []
    for name, chosen in cells:
        try:
            with together():
                section = metric(name).stated(chosen, dataset.kind)
                given = asked.segmenter, asked.predictions, statistics, work, asked.fd_infinity
                context = EvaluationContext(samples, dataset, chosen, name, section, device, *given)
                found = metric(name).measure(context)
                _refuse_no_numbers(found.rows)
        except ProcessesLost:
            raise
        except click.ClickException as error:
            reason = error.short if isinstance(error, MissingWeights) else error.message
            failures.append(f"{chosen.name}, {name}: {reason}" if asked.protocol == ALL else f"{name}: {reason}")
        else:
            rows += decided(partial(_stored, target, found, context, asked))
    if rows and is_first() and target is not None and target.is_file():
        say(f"{target}: {len(rows)} rows")
    unstored = dict.fromkeys(line for lines in exchanged(work.unstored) for line in lines)
    return rows, [*failures, *unstored]


def _stored(target: Path | None, found: MetricResult, context: EvaluationContext, asked: Evaluation) -> list[ResultRow]:
    """The rows as they were stored, or as they were measured where they can't or need not be."""
    if target is None:
        return found.rows
    with tolerated(context.shared.unstored, "numbers"):
        return store(target, found.rows, found.per_image, _record(context, asked))
    return found.rows


def _refuse_no_numbers(rows: Sequence[ResultRow]) -> None:
    """Raises NotFinite where a row's value is NaN or Inf."""
    wrong = [f"{row.metric} {row.class_name}".strip() for row in rows if not math.isfinite(row.value)]
    if wrong:
        raise NotFinite(f"NaN or Inf instead of {named(wrong)}; not stored")


def _prepared(
    asked: Evaluation,
) -> tuple[Path | None, SampleSet, SemanticDataset, list[tuple[str, Protocol]], Path | None]:
    """Where rows go, if at all, what is measured against what, by which metrics and protocols, and given statistics."""
    metrics = [metric(name) for name in dict.fromkeys(asked.metrics)]
    _refuse_idle_options(asked)
    statistics = resolve_statistics(asked.statistics)
    for each in metrics:
        each.refuse_segmenter(asked.segmenter)
    if asked.protocol != ALL:
        protocol(asked.protocol)
    _refuse_unusable_places(asked)
    target = _target(asked) if asked.stored else None
    if target is not None:
        refuse_unusable(target)
    samples, dataset = open_samples(asked)
    refuse_edits(metrics, samples)
    if is_first() and target is not None:
        _say_others(target, samples)
    if asked.captions is not None:
        samples = replace(samples, captions=read_captions(asked.captions, dataset))
    cells = [
        (each.name, chosen)
        for each in metrics
        for chosen in _protocols(each.name, asked.protocol, samples, dataset.kind, statistics is not None)
    ]
    if is_first():
        _say_missing_weights(cells, dataset.kind, asked.segmenter)
    return target, samples, dataset, cells, statistics


def refuse_edits(metrics: Sequence[Metric], samples: SampleSet) -> None:
    """Raises UserError for a metric of edits of other samples, and the other way round."""
    edits = isinstance(samples.options, EditOptions)
    for each in metrics:
        if each.edits and not edits:
            raise UserError(f"{each.name}: of edits; {samples.where} holds none, `sdm-bench edit` makes them")
        if edits and not each.edits:
            fitting = ", ".join(name for name in metric_names() if metric(name).edits)
            raise UserError(f"{each.name}: of samples of whole label maps; {samples.where} holds edits: {fitting}")


def _target(asked: Evaluation) -> Path:
    """The CSV of the rows; raises UserError where pictures are called as the folder of a run is."""
    if asked.out is not None:
        return asked.out
    if asked.run is not None:
        return asked.run / RESULTS_FILE
    assert asked.images is not None
    name = called(picture_places(asked.images), asked.name)
    folder = Path(folder_name(name))
    if SampleFolder(folder).exists:
        raise UserError(f"{folder}: a run's folder; numbers of pictures called '{name}' need --out, or another --name")
    return folder / RESULTS_FILE


def _say_others(target: Path, samples: SampleSet) -> None:
    """A line where the CSV has rows of other pictures of this name, which stay."""
    rows = read_rows(target) if samples.options is None and target.is_file() else []
    others = {row.sample_set for row in rows if row.method == samples.name and row.sample_set != samples.digest}
    if others:
        say(
            f"{target}: has numbers of other pictures called '{samples.name}'; they stay, and these are added beside "
            "them; --name tells methods apart"
        )


def _refuse_idle_options(asked: Evaluation) -> None:
    """Raises UserError for what does nothing for these metrics or pictures."""
    if (asked.run is None) == (asked.images is None):
        raise UserError("say what to measure: either a run's folder or --images")
    if asked.run is not None and asked.name is not None:
        raise UserError("--name: what --images are called; a run's samples have the name of their method")
    for flag, given in {
        "--by-order": asked.by_order,
        "--resolution-note": asked.resolution_note is not None,
        "--track": asked.track is not None,
    }.items():
        if asked.run is not None and given:
            raise UserError(f"{flag}: of --images; a run's folder says all that there is to say of its samples")
    for flag, value, needed in (
        ("--segmenter", asked.segmenter, SEGMENTED),
        ("--predictions", asked.predictions, SEGMENTED),
        ("--statistics", asked.statistics, ("fid",)),
        ("--captions", asked.captions, ("clip_score",)),
    ):
        if value is not None and not {*needed} & {*asked.metrics}:
            raise UserError(f"{flag} {value}: does nothing without --metric {' or '.join(needed)}")
    if asked.fd_infinity and "fid" not in asked.metrics:
        raise UserError("--fd-infinity: does nothing without --metric fid")


def _refuse_unusable_places(asked: Evaluation) -> None:
    """Raises UserError where predictions can't be kept, or a place has a name that no record can say."""
    given = {"RUN": asked.run, "--predictions": asked.predictions, "--captions": asked.captions, "--out": asked.out}
    places = [(flag, place) for flag, place in given.items() if place is not None]
    places += [("--images", place) for place in picture_places(asked.images or ())]
    for flag, place in places:
        refuse_unspellable(place.resolve(), flag)
    if asked.predictions is not None:
        refuse_unwritable(asked.predictions, "--predictions")


def open_samples(asked: Evaluation) -> tuple[SampleSet, SemanticDataset]:
    """The samples to measure and the split that they are of; raises UserError where they are not both there."""
    where = asked.where
    if asked.images is not None:
        if where.name is None or where.root is None:
            raise UserError("--images needs --dataset and --data: what are the pictures to be compared with?")
        dataset = open_dataset(where.name, where.root, where.split or "val")
        selection = asked.seeds, asked.allow_incomplete
        said = asked.by_order, asked.resolution_note
        samples = open_images(asked.images, asked.name, dataset, *selection, *said)
        return replace(samples, track=asked.track or LABELS), dataset
    assert asked.run is not None
    if EditFolder(asked.run).exists:
        for flag, value in (("--dataset", where.name), ("--data", where.root), ("--split", where.split)):
            if value is not None:
                raise UserError(f"{flag} {value}: {asked.run} holds what was edited; leave it out")
        return open_edits(asked.run, asked.seeds, asked.allow_incomplete)
    options = SampleFolder(asked.run).options()
    for flag, given, made in (("--dataset", where.name, options.dataset), ("--split", where.split, options.split)):
        if given not in (None, made) and not (flag == "--dataset" and given == Folder.name):
            raise UserError(f"{flag} {given}: the samples in {asked.run} are of {made}")
    dataset = open_dataset(where.name or options.dataset, where.root or Path(options.data), options.split)
    if dataset.name != options.dataset:
        raise UserError(f"{dataset.root}: {dataset.name}; the samples in {asked.run} are of {options.dataset}")
    return open_run(asked.run, dataset, asked.seeds, asked.allow_incomplete), dataset


def _protocols(name: str, asked: str, samples: SampleSet, kind: str, statistics: bool) -> list[Protocol]:
    """The protocol called `asked`; for `all`, those by which the metric can be measured, the others being named."""
    if asked != ALL:
        return [protocol(asked)]
    found = []
    for each in covering(name, kind):
        try:
            section = metric(name).stated(each, kind)
            metric(name).refuse(section, each, statistics)
            metric(name).refuse_samples(section, each, samples)
        except UserError as error:
            say(f"left out: {error.message}")
        else:
            found.append(each)
    return found


def _planned(cells: Sequence[tuple[str, Protocol]], dataset: str) -> dict[str, list[Any]]:
    """What all protocols of this evaluation state, by metric, of those that state enough."""
    planned: dict[str, list[Any]] = {}
    for name, each in cells:
        if dataset in each.datasets(name) and not each.unknown(name, dataset):
            planned.setdefault(name, []).append(metric(name).stated(each, dataset))
    return planned


def _needed(name: str, each: Protocol, dataset: str, segmenter: str | None) -> list[str]:
    """Registry names of the weights that a metric needs under a protocol, none where that can't be measured."""
    if dataset not in each.datasets(name) or each.unknown(name, dataset):
        return []
    return metric(name).weights(metric(name).parsed(each, dataset), segmenter)


def _say_missing_weights(cells: Sequence[tuple[str, Protocol]], dataset: str, segmenter: str | None) -> None:
    """One complete list of the weights that are not in the cache, with the lines that bring each."""
    names = dict.fromkeys(weights for name, each in cells for weights in _needed(name, each, dataset, segmenter))
    absent = missing(names)
    if absent:
        say(f"{MissingWeights(absent).message}\nWhat needs them will be left out.")


def _record(context: EvaluationContext, asked: Evaluation) -> dict[str, Any]:
    """How a measurement was made: everything that decides its numbers, the command, and what it ran on."""
    samples, dataset = context.samples, context.dataset
    names = _needed(context.metric, context.protocol, dataset.kind, context.segmenter)
    arguments = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(asked).items()}
    arguments["images"] = list(map(str, picture_places(asked.images or ())))
    arguments["where"] = {name: str(value) if value is not None else None for name, value in vars(asked.where).items()}
    del arguments["command"]
    return {
        "command": asked.command or "not typed: called from Python",
        "arguments": arguments,
        "metric": context.metric,
        "protocol": {
            "name": context.protocol.name,
            "sources": context.protocol.sources,
            "states": context.section.model_dump(mode="json"),
        },
        "weights": {name: asdict(found) for name in names if (found := provenance(name)) is not None},
        "segmenter": context.segmenter,
        "statistics": str(context.statistics) if context.statistics else None,
        "pictures": {str(source.name): source.manifest for source in samples.images.values()},
        "made by": None if samples.options is None else read_json(samples.places[0] / samples.options.record),
        "label maps": samples.labels_sha256,
        "real": {"root": str(dataset.root.resolve()), "split": dataset.split, "count": len(dataset)},
        "device": str(context.device),
        "threads": torch.get_num_threads(),
        "versions": versions(),
    }
