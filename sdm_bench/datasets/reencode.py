"""Writes a dataset whose label maps are in another encoding as the official one; the source stays as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdm_bench.base.errors import PartialFailure, UserError, unknown_name
from sdm_bench.base.files import LOCK_FILE, atomic_path, link_or_copy, read_object, write_json, write_png
from sdm_bench.base.progress import track
from sdm_bench.datasets.base import Record, SemanticDataset, Sources
from sdm_bench.datasets.decoding import UnreadableFile
from sdm_bench.datasets.encodings import Encoding, by_name, recognised, recognised_colors
from sdm_bench.datasets.folder import CLASSES_FILE, Folder
from sdm_bench.datasets.known_datasets import dataset_class
from sdm_bench.datasets.maps import distinct, read_map, read_values
from sdm_bench.datasets.pictures import in_parallel
from sdm_bench.datasets.verify_report import counted

MARKER = "prepared.json"


@dataclass(frozen=True)
class ReencodeReport:
    """What was written: examples, how many of their label maps were converted from each encoding, and were there."""

    name: str
    out: Path
    examples: int
    converted: dict[str, int]
    kept: int

    def lines(self) -> list[str]:
        """The result as lines of text."""
        how = ", ".join(f"{count} from {title}" for title, count in self.converted.items())
        examples = counted(self.examples, "example")
        return [f"{self.name} in {self.out}: {examples}; label maps: {how} ({self.kept} were there already)"]


@dataclass(frozen=True)
class _Job:
    dataset: SemanticDataset
    record: Record
    encoding: Encoding | None
    out: Path

    @property
    def label(self) -> Path:
        """Where the label map goes."""
        return self.out / self.record.label.relative_to(self.dataset.root)


def reencode(name: str, source: Path, out: Path, encoding: str | None = None) -> ReencodeReport | None:
    """Writes the dataset called `name` in `source` to `out`, with label maps as official ones; a second run resumes.

    Photographs and instance maps are hard links, or copies on another disk. encoding: what the label maps are, by
    default what is recognised in each split. Returns None where nothing has to be converted. Raises UserError where an
    encoding can't be told or can't be converted, where label maps of another kind alone are there, and where `out`
    holds anything else; PartialFailure, once all the rest is done, with everything that could not be converted.
    """
    splits = _splits(name, source)
    jobs = [job for dataset in splits for job in _jobs(dataset, encoding, out)]
    if not any(job.encoding for job in jobs):
        return None
    _refuse_nested(source, out)
    _refuse_hopeless(jobs)
    titles = {job.encoding.title: 0 for job in jobs if job.encoding is not None}
    _claim(out, splits[0].name, sorted(titles))
    if (source / CLASSES_FILE).is_file():
        with atomic_path(out / CLASSES_FILE) as temporary:  # a copy, since it is there to be edited
            temporary.write_bytes((source / CLASSES_FILE).read_bytes())
    outcomes = list(track(in_parallel(_write, jobs), f"prepare {name}", len(jobs), unit="examples"))
    failures = [outcome for outcome in outcomes if isinstance(outcome, str)]
    for job, outcome in zip(jobs, outcomes, strict=True):
        if job.encoding is not None and not isinstance(outcome, str):
            titles[job.encoding.title] += 1
    kept = sum(outcome is True for outcome in outcomes)
    result = ReencodeReport(splits[0].name, out, len(jobs) - len(failures), titles, kept)
    if failures:
        raise PartialFailure("\n".join([*result.lines(), f"not prepared ({len(failures)}):", *failures]))
    return result


def _refuse_nested(source: Path, out: Path) -> None:
    there, here = out.resolve(), source.resolve()
    if there == here or here in there.parents or there in here.parents:
        raise UserError(f"{out}: inside or around {source}, which stays as it is; choose another folder")


def _refuse_hopeless(jobs: Sequence[_Job]) -> None:
    """Raises UserError where label maps can't be converted, with how many and the first."""
    wrong = [(job.record.label, job.encoding) for job in jobs if job.encoding and job.encoding.convert is None]
    if wrong:
        path, encoding = wrong[0]
        raise UserError(
            f"{path}{f' and {len(wrong) - 1} more' * (len(wrong) > 1)}: {encoding.title}; {encoding.advice}"
        )


def _splits(name: str, source: Path) -> list[SemanticDataset]:
    """The splits that are there, those that share their files once."""
    kind = dataset_class(name, source)
    if kind is Folder and not (source / CLASSES_FILE).is_file():
        return []
    there: dict[Sources, SemanticDataset] = {}
    datasets = [kind(source, split, records=[]) for split in kind.splits]
    for dataset in datasets:
        if dataset.sources().label.files():
            there.setdefault(dataset.sources(), kind(source, dataset.split))
    other = "" if there else datasets[0].other_labels()
    if other:
        raise UserError(f"{source}: no label maps of {name} found; expected {kind.layout()}.{other}")
    return list(there.values())


def _jobs(dataset: SemanticDataset, asked: str | None, out: Path) -> list[_Job]:
    """What is to be done for each example of a split."""
    known = by_name(dataset.kind, dataset.file_values, dataset.classes.colors)
    if asked is not None and asked not in known:
        raise unknown_name(f"encoding of {dataset.kind}", asked, known)
    colors = {"colors", "equal-channels"}
    each = list(track(in_parallel(_looked_at, [(dataset, r) for r in dataset.records]), "reading", len(dataset)))
    values = frozenset(value for found in each if isinstance(found, frozenset) for value in found)
    told = None if asked is None or asked in colors else known[asked]
    of_ids = told or _recognised(dataset, values)
    of_colors = known[asked] if asked in colors else None
    return [
        _Job(dataset, record, of_ids if isinstance(found, frozenset) else (found and of_colors) or found, out)
        for record, found in zip(dataset.records, each, strict=True)
    ]


def _looked_at(job: tuple[SemanticDataset, Record]) -> frozenset[int] | Encoding | None:
    """The values of a label map of ids, or what one of colours is; None where that isn't known."""
    dataset, record = job
    try:
        values = read_values(record.label)
    except UserError:
        return None  # whoever converts it says what is wrong
    if values.ndim == 2:
        return distinct(values)
    try:
        dataset.to_classes(dataset.read_label(record.label), record.label)
    except UserError:
        return recognised_colors(dataset.kind, values, dataset.file_values, dataset.classes.colors)
    return None


def _recognised(dataset: SemanticDataset, values: frozenset[int]) -> Encoding | None:
    found = recognised(dataset.kind, values, dataset.file_values, dataset.classes.colors) if values else []
    if len(found) > 1:
        flags = " or ".join(f"--encoding {each.name} ({each.title})" for each in found)
        raise UserError(
            f"{dataset.root}: {dataset.split}: the label maps may be in {len(found)} encodings; say {flags}"
        )
    return found[0] if found else None


def _claim(out: Path, name: str, titles: Sequence[str]) -> None:
    """Marks `out` as what is written there; raises UserError where it holds anything else."""
    about, marker = {"dataset": name, "from": list(titles)}, out / MARKER
    if marker.is_file():
        if read_object(marker) != about:
            raise UserError(f"{out}: prepared from something else ({MARKER} in it says what); choose another folder")
        return
    if out.is_dir() and any(path.name != LOCK_FILE for path in out.iterdir()):
        raise UserError(f"{out}: not empty, and no {MARKER} in it; choose another folder")
    write_json(marker, about)


def _write(job: _Job) -> bool | str:
    """Writes the files of one example; whether its label map was there already, or what is wrong."""
    root, record = job.dataset.root, job.record
    try:
        kept = _is_whole(job)
        if not kept:
            _write_label(job)
        for path in (record.image, record.instance):
            if path is not None:
                link_or_copy(path, job.out / path.relative_to(root))
    except UserError as error:
        return error.message
    return kept


def _is_whole(job: _Job) -> bool:
    try:
        return job.label.is_file() and read_map(job.label).shape == read_values(job.record.label).shape[:2]
    except UnreadableFile:
        return False


def _write_label(job: _Job) -> None:
    path = job.record.label
    if job.encoding is None:
        job.dataset.to_classes(job.dataset.read_label(path), path)
        link_or_copy(path, job.label)
        return
    assert job.encoding.convert is not None, "refused before"
    try:
        official: np.ndarray = job.encoding.convert(read_values(path))
    except ValueError as error:
        raise UserError(f"{path}: not {job.encoding.title}: {error}") from error
    job.dataset.to_classes(official, path)
    write_png(job.label, official)
