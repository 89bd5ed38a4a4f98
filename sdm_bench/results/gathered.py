"""One picture for each label map and sample: what a place holds, what is missing or too many, and the nearest names."""

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.base.folders import without_repeats
from sdm_bench.metrics.images import ImageSource, count_sizes, files_source, pictures_in

# (height, width) in pixels.
Size = tuple[int, int]
IDS_LISTED = 10
NEAREST = 3
# Ids that a stray name is compared with, those next to it in their order.
COMPARED = 2000


@dataclass
class Gathered:
    """The pictures of one sample. where: the place, for messages. pictures: by id, several where an id occurs twice.

    extras: names that are no ids. source: how pictures, one an id, become what is measured.
    """

    where: str
    source: Callable[[dict[str, Any]], ImageSource]
    pictures: dict[str, list[Any]] = field(default_factory=dict)
    extras: list[str] = field(default_factory=list)


def of_files(where: str, pictures: dict[str, list[Path]], expected: set[str]) -> Gathered:
    """Files by name; those whose names are not `expected` are extras, and links to one file count once."""
    known = {name: without_repeats(paths) for name, paths in pictures.items() if name in expected}
    return Gathered(where, partial(files_source, where), known, sorted(pictures.keys() - expected))


def of_folder(folder: Path, expected: set[str]) -> Gathered:
    """The pictures directly in a folder, as `pictures_in` finds them."""
    return of_files(str(folder), pictures_in(folder), expected)


def complete(
    samples: dict[int, Gathered], expected: set[str], allow_incomplete: bool, advice: Sequence[str]
) -> tuple[dict[int, ImageSource], str]:
    """The pictures of each sample as what is measured, and what is missing or too many.

    Raises UserError with the names unless each sample has exactly one picture for every label map, or that is allowed:
    then the label maps that have a picture in every sample are measured, of several with one id the first by name.
    """
    wrong = [text for text in (_complaint(each, expected) for each in samples.values()) if text]
    if wrong and not allow_incomplete:
        files = [each for one in samples.values() for found in one.pictures.values() for each in found]
        sizes = count_sizes(each for each in files if isinstance(each, Path))
        several = f"; pictures of several sizes: {spell_sizes(sizes)}" if len(sizes) > 1 else ""
        hints = "".join(f"; {hint}" for hint in advice)
        raise UserError("\n".join(wrong) + f"{several}{hints}; --allow-incomplete measures what is there")
    common = expected.intersection(*(one.pictures for one in samples.values()))
    if not common:
        raise UserError("\n".join([*wrong, *advice, "no picture belongs to a label map of the split"]))
    images = {number: one.source({name: one.pictures[name][0] for name in common}) for number, one in samples.items()}
    return images, _summary(samples.values(), expected, common)


def _complaint(one: Gathered, expected: set[str]) -> str:
    """Which ids are missing or there twice, and which names are too many; empty where nothing is wrong."""
    twice = {name: found for name, found in one.pictures.items() if len(found) > 1}
    kinds = {
        "missing": sorted(expected - one.pictures.keys()),
        "not of the split": [_with_nearest(name, sorted(expected)) for name in one.extras[:IDS_LISTED]],
        "twice": [f"{name}: {' and '.join(map(str, found[:2]))}" for name, found in sorted(twice.items())],
    }
    counts = {"not of the split": len(one.extras)}
    parts = [
        f"{counts.get(kind, len(names))} {kind} ({listed(names, counts.get(kind))})"
        for kind, names in kinds.items()
        if names
    ]
    if not parts:
        return ""
    return f"{one.where}: not one picture for each of the split's {len(expected)} label maps: {'; '.join(parts)}"


def _with_nearest(name: str, ids: Sequence[str]) -> str:
    """A name with the ids that it may have been meant as."""
    place = bisect_left(ids, name)
    around = ids[max(0, place - COMPARED // 2) : place + COMPARED // 2]
    nearest = difflib.get_close_matches(name, around, NEAREST)
    return f"{name}: nearest {', '.join(nearest)}" if nearest else name


def _summary(samples: Iterable[Gathered], expected: set[str], common: set[str]) -> str:
    """What rows say of an incomplete set, over all samples."""
    samples = list(samples)
    counts = {
        f"of {len(expected)} missing": len(expected - common),
        "not of the split": len({name for one in samples for name in one.extras}),
        "twice": len({name for one in samples for name, found in one.pictures.items() if len(found) > 1}),
    }
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)


def listed(names: Sequence[str], count: int | None = None) -> str:
    """The first names and how many more there are, of `count` in all."""
    rest = (len(names) if count is None else count) - IDS_LISTED
    return ", ".join(names[:IDS_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def spell_sizes(sizes: Counter[Size]) -> str:
    """Each size with the number of pictures that have it, the commonest first."""
    return ", ".join(f"{width}x{height} ({count})" for (height, width), count in sizes.most_common())
