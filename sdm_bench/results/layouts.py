"""How somebody's pictures lie: which file is of which label map and sample, recognised and said in a line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.metrics.arrays import ARRAY_SUFFIXES, array_source, open_array
from sdm_bench.results.frames import SAMPLE, Match, Reading
from sdm_bench.results.gathered import Gathered, of_files
from sdm_bench.results.order import in_order, order_hint
from sdm_bench.results.patterns import is_pattern, readings_of_pattern
from sdm_bench.results.picture_folders import (
    is_number,
    match_ids,
    passes,
    pictures_below,
    refuse_rivals,
    sample_folders,
    without_given,
)

EXPECTED = "a folder of pictures, a pattern such as 'out/{id}_{sample}.png', or an .npz or .npy of guided-diffusion"


@dataclass
class Layout:
    """What was recognised. samples: by number. says: in a line, with what was passed over. advice: what may help.

    note: what rows have to say of how pictures were matched.
    """

    samples: dict[int, Gathered]
    says: str
    advice: list[str] = field(default_factory=list)
    note: str = ""


def recognised(places: Sequence[Path], dataset: SemanticDataset, by_order: bool) -> Layout:
    """The pictures in one place, or in several of which each holds one sample.

    by_order: numbers in names are places in the order of the split, which nothing can check. Raises UserError for a
    place that holds no pictures, or of which it can't be told which file is of what.
    """
    found = [_recognised(place, dataset, by_order) for place in places]
    if len(found) == 1:
        return found[0]
    for place, each in zip(places, found, strict=True):
        if places.count(place) > 1:
            raise UserError(f"--images {place}: given twice; each is one sample of every label map")
        if len(each.samples) > 1:
            raise UserError(f"--images {place}: {len(each.samples)} samples; of several --images each is one sample")
    return Layout(
        {number: next(iter(each.samples.values())) for number, each in enumerate(found)},
        "\n".join(f"sample {number}: {each.says}" for number, each in enumerate(found)),
        list(dict.fromkeys(hint for each in found for hint in each.advice)),
        next((each.note for each in found if each.note), ""),
    )


def _recognised(place: Path, dataset: SemanticDataset, by_order: bool) -> Layout:
    if place.is_dir():
        return _of_folder(place, dataset, by_order)
    if is_pattern(place):
        return _of_pattern(place, dataset, by_order)
    if place.suffix.lower() in ARRAY_SUFFIXES:
        return _of_array(place, dataset)
    found = "no such file or folder" if not place.exists() else "a file"
    raise UserError(f"--images {place}: {found}; expected {EXPECTED}")


def _of_array(place: Path, dataset: SemanticDataset) -> Layout:
    pictures = open_array(place)
    ids = [record.id for record in dataset.records]
    rows = {name: [row] for row, name in enumerate(ids[: len(pictures)])}
    extras = [f"{place.name}[{row}]" for row in range(len(ids), len(pictures))]
    gathered = Gathered(str(place), partial(array_source, place.name, place, pictures), rows, extras)
    says = f"{place}: an array of {len(pictures)} pictures, in the order of the split (sorted ids)"
    return Layout({0: gathered}, f"{says}; {_covered({0: gathered}, len(ids))}", note=BY_ORDER)


BY_ORDER = "matched by their order alone"


def _of_pattern(place: Path, dataset: SemanticDataset, by_order: bool) -> Layout:
    ids = [record.id for record in dataset.records]
    known = is_number if by_order else set(ids).__contains__
    match = readings_of_pattern(place, known)
    says = f"{place}: {len(match.readings) + len(match.foreign)} of {match.below} pictures below {match.root} fit"
    foreign = [file.name for file in match.foreign]
    return _layout(place, says, match.readings, foreign, ids, by_order, {})


def _of_folder(folder: Path, dataset: SemanticDataset, by_order: bool) -> Layout:
    files, passed = pictures_below(folder)
    files, folders_passed = without_given(files, dataset.split)
    ids = [record.id for record in dataset.records]
    match, in_folders = match_ids(files, set(ids).__contains__)
    if by_order:
        if match.readings and len(match.readings) == len(files):
            raise UserError(f"--by-order: the names in {folder} are ids already, {match.frame.text}; leave it out")
        match, in_folders = match_ids(files, is_number)
    passed = [*folders_passed, *refuse_rivals(folder, match), *passed]
    by_path = {file.path: file for file in files}
    numbers = sample_folders(folder, [by_path[each.file.path] for each in match.readings], in_folders)
    readings = [each._replace(sample=_sample(folder, each, match, numbers)) for each in match.readings]
    others = [each.file for frame, found in match.others.items() if not passes(match, frame) for each in found]
    foreign = [by_path[file.path].title for file in (*others, *match.foreign)]
    advice = [] if by_order or match.readings else order_hint(match_ids(files, is_number)[0], len(ids))
    nested = any(file.folders for file in files)
    shape = "folders of samples" if set(numbers.values()) - {None} else "nested folders" if nested else "a flat folder"
    says = f"{folder}: {shape}" + (f", names {match.frame.text}" if match.readings else "")
    layout = _layout(folder, says, readings, foreign, ids, by_order, numbers)
    layout.says += f"; passed over {', '.join(passed)}" if passed else ""
    layout.advice += advice
    return layout


def _sample(folder: Path, reading: Reading, match: Match, numbers: dict[Path, int | None]) -> int:
    """The number of a file's sample: its folder's or its name's, 0 where neither has one."""
    of_folder = numbers[reading.file.path]
    if of_folder is None or reading.sample is None:
        return of_folder if reading.sample is None and of_folder is not None else reading.sample or 0
    if len({each.sample for each in match.readings}) > 1:
        raise UserError(
            f"{folder}: samples are numbered in folders and in names, as in {reading.file.path}; say which number "
            f"counts with a pattern, {SAMPLE}"
        )
    return of_folder


def _layout(
    place: Path,
    says: str,
    readings: Sequence[Reading],
    foreign: Iterable[str],
    ids: Sequence[str],
    by_order: bool,
    numbers: dict[Path, int | None],
) -> Layout:
    if by_order:
        readings, surplus = in_order(place, readings, ids)
        foreign = [*foreign, *surplus]
    samples: dict[int, dict[str, list[Path]]] = {}
    for reading in readings:
        samples.setdefault(reading.sample or 0, {}).setdefault(reading.id, []).append(reading.file.path)
    expected = set(ids)
    several = len(samples) > 1
    gathered = {
        number: of_files(f"{place}, sample {number}" if several else str(place), samples[number], expected)
        for number in sorted(samples)
    } or {0: of_files(str(place), {}, expected)}
    gathered[next(iter(gathered))].extras += sorted(foreign)
    order = " by their order, which can't be checked" if by_order else ""
    return Layout(gathered, f"{says}; {_covered(gathered, len(ids))}{order}", note=BY_ORDER if by_order else "")


def _covered(samples: dict[int, Gathered], expected: int) -> str:
    """How many label maps have pictures, in all samples alike or in each."""
    counts = {number: len(one.pictures) for number, one in samples.items()}
    if len(counts) == 1:
        return f"pictures of {next(iter(counts.values()))} of {expected} label maps"
    if len(set(counts.values())) == 1:
        return f"{len(counts)} samples, each of {next(iter(counts.values()))} of {expected} label maps"
    each = ", ".join(f"{number}: {count}" for number, count in counts.items())
    return f"{len(counts)} samples ({each} of {expected} label maps)"
