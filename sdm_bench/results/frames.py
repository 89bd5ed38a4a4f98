"""Which label map and which sample a file is of, from its name: an id with the same words around it in every name."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

SAMPLE = "{sample}"
# Before the number of a sample, in names of files and folders.
SAMPLE_WORDS = r"(?:seeds?|samples?|groups?|repeats?|rep|draws?|styles?|runs?|trials?|variants?)"
_WORDED = re.compile(rf"(?<![^\W\d_])({SAMPLE_WORDS}[-_ =]?)(\d{{1,9}})(?!\d)", re.IGNORECASE)
_LAST_NUMBER = re.compile(r"(.*[\W_])(\d{1,9})", re.DOTALL)
_SEPARATORS = "-_. /"
# What programs call the pictures that they make, and what they write beside them.
GENERATED = frozenset(
    {"fake_b", "fake", "fakes", "fake_image", "fake_images", "synthesized", "synthesized_image", "synthesized_images"}
    | {"generated", "gen", "samples", "sample"}
)
GIVEN = frozenset(
    {"real", "real_a", "real_b", "real_image", "real_images", "input", "inputs", "input_label", "label", "labels"}
    | {"gt", "ground_truth", "groundtruth", "condition", "conditions", "mask", "masks", "semantic", "instance", "edge"}
    | {"color", "colors", "colour", "color_label", "annotation", "annotations", "segmentation", "control", "hint"}
)


class Named(NamedTuple):
    """A picture file. name: what is read of its path: its stem, with the folder above where ids stand there."""

    path: Path
    name: str


class Frame(NamedTuple):
    """What stands before and behind the id in names; `{sample}` in place of a sample's number."""

    before: str
    behind: str

    @property
    def text(self) -> str:
        """The frame as a pattern."""
        return f"{self.before}{{id}}{self.behind}"

    @property
    def has_sample(self) -> bool:
        """Whether samples are numbered in names."""
        return SAMPLE in self.before + self.behind

    def says(self, words: frozenset[str]) -> bool:
        """Whether one of `words` stands before or behind the id, alone or at the end: `_gtFine_labelIds_real`."""
        for side in self:
            said = side.replace(SAMPLE, "").strip(_SEPARATORS).casefold()
            if any(said[k:] in words for k in range(len(said)) if k == 0 or said[k - 1] in _SEPARATORS):
                return True
        return False


class Reading(NamedTuple):
    """A file, the id that its name holds and the number of its sample, None where the name has none."""

    file: Named
    id: str
    sample: int | None


class Match(NamedTuple):
    """The frame of most ids, with the files it fits. others: those that it doesn't, by the frame that they have.

    foreign: files without an id.
    """

    frame: Frame
    readings: list[Reading]
    others: dict[Frame, list[Reading]]
    foreign: list[Named]

    @property
    def ids(self) -> set[str]:
        """Of which label maps there are pictures."""
        return {reading.id for reading in self.readings}


def best_match(files: Sequence[Named], known: Callable[[str], bool]) -> Match:
    """The frame by which the names of `files` hold the most ids; `known` says what is one.

    Frames that name an input or a photograph (GIVEN) count only where there is no other. Of frames with as many ids the
    one that says GENERATED, then the one with more files, then the one whose number follows a word, then the plainest.
    """
    table: dict[Frame, list[Reading]] = {}
    for file in files:
        for frame, reading in _readings(file, known):
            table.setdefault(frame, []).append(reading)
    eligible = {frame: found for frame, found in table.items() if not frame.says(GIVEN)} or table
    if not eligible:
        return Match(Frame("", ""), [], {}, list(files))
    best = max(eligible, key=lambda frame: _rank(frame, eligible[frame]))
    fitting = {reading.file.path for reading in table[best]}
    others: dict[Frame, list[Reading]] = {}
    seen = set(fitting)
    for frame in sorted(table, key=lambda frame: _rank(frame, table[frame]), reverse=True):
        for reading in table[frame]:
            if reading.file.path not in seen:
                seen.add(reading.file.path)
                others.setdefault(frame, []).append(reading)
    return Match(best, table[best], others, [file for file in files if file.path not in seen])


def _rank(frame: Frame, found: Sequence[Reading]) -> tuple:
    ids = len({reading.id for reading in found})
    worded = frame.has_sample and any(_WORDED.search(side.replace(SAMPLE, "0")) for side in frame)
    plainness = (2 if worded else 0) + (0 if frame.has_sample else 1)
    return ids, frame.says(GENERATED), len(found), plainness, -len(frame.before), -len(frame.behind), frame


def _readings(file: Named, known: Callable[[str], bool]) -> Iterator[tuple[Frame, Reading]]:
    """Every way to read a name: an id between two places where letters or digits begin or end."""
    name = file.name
    edges = [0, *(k for k in range(1, len(name)) if name[k - 1].isalnum() != name[k].isalnum()), len(name)]
    for start in edges:
        for end in edges:
            if start < end and known(name[start:end]):
                frame = Frame(name[:start], name[end:])
                yield frame, Reading(file, name[start:end], None)
                yield from _numbered(file, name[start:end], frame)


def _numbered(file: Named, found: str, frame: Frame) -> Iterator[tuple[Frame, Reading]]:
    """The readings in which a number beside the id is a sample's."""
    for side, text in enumerate(frame):
        match = _WORDED.search(text) or (_LAST_NUMBER.fullmatch(text) if side == 1 else None)
        if match:
            start, end = match.span(2)
            sides = [*frame]
            sides[side] = f"{text[:start]}{SAMPLE}{text[end:]}"
            yield Frame(*sides), Reading(file, found, int(match[2]))


def folder_sample(name: str) -> int | None:
    """The sample that a folder's name ends in: `seed-000`, `group_0`, `ade20k_sample_0`; None where it ends in none."""
    found = [match for match in _WORDED.finditer(name) if match.end() == len(name)]
    return int(found[0][2]) if found else None
