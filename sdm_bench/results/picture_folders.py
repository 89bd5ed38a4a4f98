"""The picture files below a folder: which of them are generated, and what their names and folders say."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from sdm_bench.base.errors import UserError
from sdm_bench.base.folders import composed, files_below
from sdm_bench.datasets.pictures import IMAGE_SUFFIXES
from sdm_bench.metrics.arrays import ARRAY_SUFFIXES
from sdm_bench.results.frames import GENERATED, GIVEN, Frame, Match, Named, best_match, folder_sample

# Further folders that stand beside those of generated pictures: photographs, in SDM's results.
BESIDE_GENERATED = GIVEN | {"image", "images"}
SPLIT_FOLDERS = {
    "train": ("train", "training", "train2017"),
    "val": ("val", "validation", "val2017"),
    "test": ("test", "testing", "test2017"),
}
NAMED = 5


class File(NamedTuple):
    """A picture file, the folders between it and the place that was given, and its stem, both composed (NFC)."""

    path: Path
    folders: tuple[str, ...]
    stem: str

    @property
    def title(self) -> str:
        """The file's name below the place, without its suffix."""
        return "/".join((*self.folders, self.stem))


def is_number(text: str) -> bool:
    return re.fullmatch("[0-9]{1,9}", text) is not None


def pictures_below(folder: Path) -> tuple[list[File], list[str]]:
    """The picture files below a folder, and what was passed over, in words; raises UserError where there are none."""
    below = files_below(folder)
    found, others = [], []
    for path in below.files:
        if path.suffix.lower() in IMAGE_SUFFIXES:
            parts = [composed(part) for part in path.relative_to(folder).parent.parts]
            found.append(File(path, tuple(parts), composed(path.stem)))
        else:
            others.append(path.name)
    if not found:
        arrays = [name for name in others if Path(name).suffix.lower() in ARRAY_SUFFIXES]
        hint = f"; --images {folder / arrays[0]} measures an array" if arrays else ""
        raise UserError(f"{folder}: no pictures; expected {', '.join(IMAGE_SUFFIXES)}{hint}")
    passed = [f"{', '.join(others[:NAMED])}{', ...' * (len(others) > NAMED)}"] if others else []
    if below.hidden:
        passed.append(f"{len(below.hidden)} hidden ({below.hidden[0].name}{', ...' * (len(below.hidden) > 1)})")
    return found, passed


def without_given(files: Sequence[File], split: str) -> tuple[list[File], list[str]]:
    """The files without folders of inputs, photographs and other splits, and those folders in words."""
    children: dict[tuple[str, ...], set[str]] = {}
    loose = {file.folders for file in files}
    for file in files:
        for depth, name in enumerate(file.folders):
            children.setdefault(file.folders[:depth], set()).add(name)
    dropped = {(*above, name) for above, names in children.items() for name in _unwanted(names, split, above in loose)}
    kept, counts = [], Counter[str]()
    for file in files:
        inside = [file.folders[: k + 1] for k in range(len(file.folders)) if file.folders[: k + 1] in dropped]
        if inside:
            counts["/".join(inside[0])] += 1
        else:
            kept.append(file)
    return kept, [f"{name}/ ({count})" for name, count in counts.items()]


def _unwanted(names: set[str], split: str, beside_files: bool) -> set[str]:
    """Which of folders side by side hold no generated pictures of the split."""
    ours = {*SPLIT_FOLDERS.get(split, ()), split}
    foreign = {name for folders in SPLIT_FOLDERS.values() for name in folders} - ours
    if any(name.casefold() in ours for name in names):
        return {name for name in names if name.casefold() in foreign}
    if any(name.casefold() in GENERATED for name in names):
        return {name for name in names if name.casefold() in BESIDE_GENERATED}
    given = {name for name in names if name.casefold() in GIVEN}
    return given if given != names or beside_files else set()


def match_ids(files: Sequence[File], known: Callable[[str], bool]) -> tuple[Match, bool]:
    """The files by their ids, and whether these are the names of the folders that the files lie in."""
    by_stem = best_match([Named(file.path, file.stem) for file in files], known)
    inside = [file for file in files if file.folders and (known(file.folders[-1]) or len(by_stem.ids) == 0)]
    if not inside:
        return by_stem, False
    names = [Named(file.path, f"{file.folders[-1]}/{file.stem}") for file in inside]
    by_folder = best_match(names, known)
    if len(by_folder.ids) <= len(by_stem.ids) or "/" not in by_folder.frame.behind:
        return by_stem, False
    outside = [Named(file.path, file.stem) for file in files if file not in set(inside)]
    return by_folder._replace(foreign=[*by_folder.foreign, *outside]), True


def passes(match: Match, frame: Frame) -> bool:
    """Whether files of a frame are inputs or photographs beside the pictures that were found."""
    return not match.frame.says(GIVEN) and frame.says(GIVEN)


def refuse_rivals(folder: Path, match: Match) -> list[str]:
    """The frames of inputs, in words; raises UserError where other files may be the pictures as well."""
    by_id = {reading.id: reading.file.path for reading in match.readings}
    for frame, found in match.others.items():
        rivals = [reading for reading in found if reading.id in by_id]
        if not passes(match, frame) and 2 * len({reading.id for reading in rivals}) >= len(by_id) > 0:
            first = rivals[0]
            raise UserError(
                f"{folder}: two files for {first.id}: {by_id[first.id]} and {first.file.path}; say which are meant "
                f"with a pattern: names {match.frame.text} or {frame.text}"
            )
    return sorted(f"{frame.text} ({len(found)})" for frame, found in match.others.items() if passes(match, frame))


def sample_folders(folder: Path, files: Sequence[File], in_folders: bool) -> dict[Path, int | None]:
    """The number of the sample that each file's folders say.

    They are called `seed-000`, `group_0` or alike, or are several numbers side by side. in_folders: the last folder is
    an id's. Raises UserError where two folders of one path have numbers that vary.
    """
    beside: dict[tuple[str, ...], set[str]] = {}
    for file in files:
        for depth, name in enumerate(file.folders):
            if is_number(name):
                beside.setdefault(file.folders[:depth], set()).add(name)
    found: dict[int, dict[Path, int]] = {}
    for file in files:
        for depth, name in enumerate(file.folders[: len(file.folders) - in_folders]):
            number = folder_sample(name)
            if number is None and len(beside.get(file.folders[:depth], ())) > 1 and is_number(name):
                number = int(name)
            if number is not None:
                found.setdefault(depth, {})[file.path] = number
    varying = [depth for depth, numbers in found.items() if len(set(numbers.values())) > 1]
    if len(varying) > 1:
        raise UserError(
            f"{folder}: two numbers in {files[0].title}; say which is the sample's with a pattern, {{sample}}"
        )
    numbers = found[(varying or sorted(found))[-1]] if found else {}
    lacking = [file for file in files if numbers and file.path not in numbers]
    if lacking:
        raise UserError(f"{lacking[0].path}: beside folders of samples such as {next(iter(numbers)).parent}; of which?")
    return {file.path: numbers.get(file.path) for file in files}
