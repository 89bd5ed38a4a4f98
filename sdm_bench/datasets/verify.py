"""Reads a whole dataset and reports everything that is wrong with it, all at once."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.base.folders import files_below
from sdm_bench.base.progress import track
from sdm_bench.datasets.base import ClassTable, SemanticDataset, Sources
from sdm_bench.datasets.blending import blended, borders
from sdm_bench.datasets.decoding import UPRIGHT, Header, read_header
from sdm_bench.datasets.encodings import Encoding, doubtful, recognised, recognised_colors
from sdm_bench.datasets.known_datasets import dataset_class
from sdm_bench.datasets.maps import NotAMap, UnknownIds, distinct, read_values
from sdm_bench.datasets.pictures import FilePattern, in_parallel, read_image
from sdm_bench.datasets.verify_report import Problem, Remark, Report, Summary, counted, listed

KINDS = ("label", "image", "instance")
WORDS = {"label": "label map", "image": "photograph", "instance": "instance map"}

T = TypeVar("T")


def verify(name: str, root: Path) -> Report:
    """Reads every file of every split of the dataset called `name` below `root`.

    Raises UserError only where there is nothing to read: no such dataset, folder, class table or label map.
    """
    splits, absent = _splits(name, Path(root))
    table = splits[0].dataset.classes
    report = Report(splits[0].dataset.name, Path(root), absent=absent)
    jobs = [(split, entry) for split in splits for entry in split.entries()]
    examined = track(in_parallel(_examine, jobs), f"verify {name}", len(jobs), unit="examples")
    findings: dict[str, list[Finding]] = {split.name: [] for split in splits}
    for (split, _), finding in zip(jobs, examined, strict=True):
        findings[split.name].append(finding)
    for split in splits:
        report.splits.append(_summary(split, findings[split.name]))
        found = findings[split.name]
        report.problems += [*split.duplicates(), *split.missing(), *_problems(split, found), *_encodings(split, found)]
        report.warnings += _remarks(split, findings[split.name])
    report.warnings += _never(table, [finding for found in findings.values() for finding in found])
    return report


@dataclass(frozen=True)
class Entry:
    """The files of one id; each may be absent."""

    label: Path | None
    image: Path | None
    instance: Path | None


@dataclass
class Finding:
    """What reading the files of one id found; `occurring` is bool (num_classes,), sizes are (width, height).

    values: those of a label map that holds ids. colored: whether one holds colours that the dataset may have.
    in_colors: what one is whose colours it may not. borders: of one that holds ids, see blending.py.
    """

    problems: list[tuple[Path, str, str]] = field(default_factory=list)
    image: Path | None = None
    photo: Header | None = None
    label_size: tuple[int, int] | None = None
    photo_size: tuple[int, int] | None = None
    occurring: np.ndarray | None = None
    values: frozenset[int] = frozenset()
    colored: bool = False
    in_colors: Encoding | None = None
    borders: tuple[int, int] = (0, 0)

    def attempt(self, path: Path | None, read: Callable[[Path], T]) -> T | None:
        """`read(path)`, or None and a problem where that fails."""
        try:
            return None if path is None else read(path)
        except UserError as error:
            assert path is not None
            kind = {NotAMap: "colour", UnknownIds: "ids"}.get(type(error), "unreadable")
            self.problems.append((path, kind, error.message.removeprefix(f"{path}: ")))
            return None


class Split:
    """The files of one split by kind and id."""

    def __init__(self, name: str, dataset: SemanticDataset, sources: Sources):
        self.name = name
        self.dataset = dataset
        self.sources = sources
        where = {"label": sources.label, "image": sources.image, "instance": sources.instance}
        self.files = {kind: {} if source is None else source.files() for kind, source in where.items()}

    def entries(self) -> list[Entry]:
        """The files to read, by id; of several with one name the first."""
        first = {kind: {key: paths[0] for key, paths in found.items()} for kind, found in self.files.items()}
        return [Entry(*(first[kind].get(key) for kind in KINDS)) for key in self._ids()]

    def duplicates(self) -> list[Problem]:
        """One problem for each name that occurs twice."""
        return [
            Problem(self.name, paths[1], "duplicate", f"the same name as {listed(_names(paths))}")
            for kind in KINDS
            for _, paths in sorted(self.files[kind].items())
            if len(paths) > 1
        ]

    def missing(self) -> list[Problem]:
        """One problem for each file without its partner; a whole kind that is absent is at most one."""
        if not self.files["label"]:
            there = " and ".join(counted(len(self.files[kind]), WORDS[kind]) for kind in KINDS[1:] if self.files[kind])
            other = self.dataset.other_labels()
            message = f"no label maps here, but {there}; expected {self.dataset.layout()}{other and '.' + other}"
            return [Problem(self.name, self.sources.label.folder, "missing", message)]
        return [
            Problem(self.name, self._partner(key), "missing", f"has no {WORDS[kind]}")
            for key in self._ids()
            for kind in (KINDS[1:] if key in self.files["label"] else KINDS[:1])
            if self.files[kind] and key not in self.files[kind]
        ]

    def passed_over(self) -> list[Path]:
        """Files beside the label maps that hold the same in other ids."""
        source = self.sources.label
        return [] if source.without is None else sorted(source.folder.rglob(f"*{source.without}.png"))

    def _ids(self) -> list[str]:
        return sorted(set().union(*self.files.values()))

    def _partner(self, key: str) -> Path:
        return next(self.files[kind][key][0] for kind in KINDS if key in self.files[kind])


def _names(paths: list[Path]) -> list[Path]:
    """The files that share a name with the second of `paths`, below the folder they have in common."""
    common = os.path.commonpath(paths)
    return [path.relative_to(common) for path in [*paths[:1], *paths[2:]]]


def _splits(name: str, root: Path) -> tuple[list[Split], tuple[str, ...]]:
    """The splits that are there, those that share their files as one, and the names of those that are not."""
    kind = dataset_class(name, root)
    datasets = [kind(root, split, records=[]) for split in kind.splits]
    shared: dict[Sources, list[SemanticDataset]] = {}
    for dataset in datasets:
        shared.setdefault(dataset.sources(), []).append(dataset)
    splits = [
        Split(" = ".join(dict.fromkeys(d.split for d in same)), same[0], sources) for sources, same in shared.items()
    ]
    there = [split for split in splits if any(split.files.values())]
    if not there:
        other = datasets[0].other_labels()
        raise UserError(f"{root}: nothing of {name} found; expected {kind.layout()}.{other}")
    return there, tuple(split.name for split in splits if split not in there)


def _examine(job: tuple[Split, Entry]) -> Finding:
    dataset, entry = job[0].dataset, job[1]
    finding = Finding(image=entry.image)
    photo = finding.attempt(entry.image, _photo)
    raw = finding.attempt(entry.label, dataset.read_label)
    instance = finding.attempt(entry.instance, dataset.read_instances)
    if photo is not None:
        finding.photo, finding.photo_size = photo, (photo.width, photo.height)
    if raw is not None:
        finding.label_size = (raw.shape[1], raw.shape[0])
        shape = None if photo is None else (photo.height, photo.width, 3)
        _compare(dataset, entry, finding, raw, shape, instance)
    if entry.label is not None:
        _note_encoding(dataset, finding, entry.label, raw)
    return finding


def _photo(path: Path) -> Header:
    """What a photograph's header says, once all of it was read."""
    read_image(path)
    return read_header(path)


def _note_encoding(dataset: SemanticDataset, finding: Finding, path: Path, raw: np.ndarray | None) -> None:
    """Notes the ids of a label map, or what one is whose colours are not the dataset's."""
    finding.colored = raw is not None and raw.ndim == 3
    if raw is not None and not finding.colored:
        finding.values = distinct(raw)
        finding.borders = borders(raw)
    elif any(problem[0] == path and problem[1] in ("colour", "ids") for problem in finding.problems):
        try:
            pixels = read_values(path)
        except UserError:
            return
        if pixels.ndim == 2:
            finding.values = distinct(pixels)
        else:
            finding.in_colors = recognised_colors(dataset.kind, pixels, dataset.file_values, dataset.classes.colors)


def _compare(
    dataset: SemanticDataset,
    entry: Entry,
    finding: Finding,
    raw: np.ndarray,
    photo: tuple[int, int, int] | None,
    instance: np.ndarray | None,
) -> None:
    label = finding.attempt(entry.label, lambda path: dataset.to_classes(raw, path))
    for path, shape in ((entry.image, photo), (entry.instance, None if instance is None else instance.shape)):
        misfit = None if shape is None else dataset.misfit(shape, raw.shape[:2])
        if path and misfit:
            finding.problems.append((path, "size", misfit))
    if label is None:
        return
    finding.occurring = np.bincount(label.ravel(), minlength=len(dataset.classes)) > 0
    if entry.instance and instance is not None and instance.shape == label.shape:
        said = dataset.contradictions(label, instance.astype(np.int32))
        finding.problems += [(entry.instance, "instances", message) for message in said]


def _summary(split: Split, findings: list[Finding]) -> Summary:
    return Summary(
        split=split.name,
        examples=len(split.files["label"]),
        photographs=len(split.files["image"]),
        instance_maps=len(split.files["instance"]) if split.sources.instance else None,
        label_sizes=Counter(finding.label_size for finding in findings if finding.label_size),
        photo_sizes=Counter(finding.photo_size for finding in findings if finding.photo_size),
    )


def _problems(split: Split, findings: list[Finding]) -> list[Problem]:
    return [Problem(split.name, *problem) for finding in findings for problem in finding.problems]


def _encodings(split: Split, findings: list[Finding]) -> list[Problem]:
    """One problem for each encoding, other than the dataset's, that the split's label maps are in."""
    dataset, folder = split.dataset, split.sources.label.folder
    values = {value for finding in findings for value in finding.values}
    possible = recognised(dataset.kind, values, dataset.file_values, dataset.classes.colors) if values else []
    in_colors = {each.in_colors.name: each.in_colors for each in findings if each.in_colors is not None}
    counts = Counter(each.in_colors.name for each in findings if each.in_colors is not None)
    groups = [(possible, sum(bool(finding.values) for finding in findings))] if possible else []
    groups += [([encoding], counts[name]) for name, encoding in in_colors.items()]
    return [Problem(split.name, folder, "encoding", _told(dataset, group, count)) for group, count in groups]


def _told(dataset: SemanticDataset, possible: list[Encoding], count: int) -> str:
    """What label maps are, and what helps."""
    titles = " or ".join(each.title for each in possible)
    command = f"{_command(dataset, possible[0] if len(possible) > 1 else None)} converts them"
    advice = [each.advice for each in possible if each.advice] + [command] * (possible[0].convert is not None)
    return "; ".join([f"{counted(count, 'label map')} not as {dataset.name} has them, but {titles}", *advice])


def _command(dataset: SemanticDataset, encoding: Encoding | None) -> str:
    """The command that converts label maps; encoding: to be named, None: it recognises it by itself."""
    named = "" if encoding is None else f" --encoding {encoding.name}"
    return f"`sdm-bench data prepare {dataset.kind} {dataset.root} OUT{named}`"


def _remarks(split: Split, findings: list[Finding]) -> list[Remark]:
    remarks = []
    if split.files["label"] and not split.files["image"]:
        remarks.append(
            "label maps only, no photographs: it can be sampled from, but not trained on or compared with"
            f"{_of_other_kinds(split.sources.image)}"
        )
    if split.files["label"] and split.sources.instance and not split.files["instance"]:
        remarks.append("no instance maps: edges between objects of one class cannot be drawn")
    photos = [(each.image.name, each.photo) for each in findings if each.image and each.photo]
    modes = [f"{name} ({photo.mode})" for name, photo in photos if photo.mode != "RGB"]
    beside = split.passed_over()
    if beside:
        remarks.append(f"{counted(len(beside), 'file')} *{split.sources.label.without}.png passed over: other ids")
    doubt = doubtful(split.dataset.kind, {value for finding in findings for value in finding.values})
    if doubt is not None:
        remarks.append(f"no id above 170: are these {doubt.title}? {_command(split.dataset, doubt)} converts them")
    blending = blended(finding.borders for finding in findings)
    if blending:
        remarks.append(blending)
    colored = sum(finding.colored for finding in findings)
    by_ids = sum(bool(finding.values) for finding in findings)
    if colored and by_ids:
        remarks.append(f"{counted(by_ids, 'label map')} with ids and {colored} with colours: is one of these meant?")
    if modes:
        remarks.append(f"{counted(len(modes), 'photograph')} not in RGB, read as RGB: {listed(modes)}")
    turned = [f"{name} ({photo.orientation})" for name, photo in photos if photo.orientation != UPRIGHT]
    if turned:
        remarks.append(f"{counted(len(turned), 'photograph')} turned upright as their EXIF says: {listed(turned)}")
    return [Remark(split.name, remark) for remark in remarks]


def _of_other_kinds(source: FilePattern) -> str:
    """What lies where photographs were looked for, in words; nothing where nothing does."""
    there = files_below(source.folder).files
    expected = f"{source.ending}.{{{','.join(suffix.removeprefix('.') for suffix in source.suffixes)}}}"
    return f"; passed over {listed([path.name for path in there])}: expected *{expected}" if there else ""


def _never(table: ClassTable, findings: list[Finding]) -> list[Remark]:
    """A remark on the evaluated classes that no label map holds; none where no label map could be read."""
    read = [finding.occurring for finding in findings if finding.occurring is not None]
    if not read:
        return []
    here = {name for name, occurs in zip(table.names, np.any(read, axis=0), strict=True) if occurs}
    absent = [name for name in table.evaluated_names if name not in here]
    if not absent:
        return []
    evaluated = len(table.evaluated_names)
    return [Remark("", f"{len(absent)} of {evaluated} evaluated classes never occur: {listed(absent)}")]
