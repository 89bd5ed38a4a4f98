"""Which label maps figures show: given ones, spread evenly over the set, the worst and best, or those of a class."""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from reports.figures.material import Material
from reports.figures.registry import NothingToDraw
from reports.gallery.columns import Column, open_columns
from reports.gallery.numbers import find_numbers
from reports.pictured import Pictured
from sdm_bench.base.errors import UserError, unknown_name
from sdm_bench.base.progress import say
from sdm_bench.datasets.pictures import ahead
from sdm_bench.datasets.transforms import Resized

WAYS = ("evenly", "worst", "best")
CLASS = "class:"


def check_way(way: str) -> None:
    """Raises UserError for a way to choose that there isn't."""
    if way not in WAYS and not (way.startswith(CLASS) and way != CLASS):
        raise UserError(f"--examples {way}: expected {', '.join(WAYS)} or {CLASS}NAME")


def chosen(material: Material, real: Resized, pictured: Sequence[Pictured], count: int) -> list[int]:
    """The places in `real` of the label maps to show, in order; `count` is the figure's own number.

    Raises UserError for an id or a class that isn't there, and NothingToDraw where nothing is measured that the choice
    goes by.
    """
    examples = material.examples
    ids = [record.id for record in real.dataset.records]
    places = {name: place for place, name in enumerate(ids)}
    if examples.ids:
        return [_place(each, places) for each in dict.fromkeys(examples.ids)]
    count = min(examples.count or count, len(ids))
    if examples.way == "evenly":
        return [places[name] for name in evenly(ids, count)]
    if examples.way.startswith(CLASS):
        return [places[name] for name in showing(examples.way.removeprefix(CLASS), real, count)]
    scores = scores_of(open_columns(pictured, real.dataset), material)
    worst_first = sorted(scores, key=lambda name: (scores[name], name))
    picked = worst_first[:count] if examples.way == "worst" else worst_first[::-1][:count]
    return [places[name] for name in picked]


def _place(name: str, places: Mapping[str, int]) -> int:
    if name not in places:
        raise (
            unknown_name("example", name, list(places))
            if len(places) <= 20
            else UserError(f"--example {name}: no such label map; expected an id like {next(iter(places))}")
        )
    return places[name]


def evenly(ids: Sequence[str], count: int) -> list[str]:
    """`count` of the ids, spread over what their parts name (cities, then sequences, then frames), in sorted order.

    As many of each city as of any other, as far as there are, then of each sequence: those of neighbouring frames are
    taken last.
    """
    return sorted(_spread([(tuple(re.split(r"[_/\-]", name)), name) for name in sorted(ids)], count))


def _spread(named: Sequence[tuple[tuple[str, ...], str]], count: int) -> list[str]:
    if count >= len(named):
        return [name for _, name in named]
    groups: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for parts, name in named:
        groups.setdefault(parts[0] if parts else "", []).append((parts[1:], name))
    if len(groups) == 1 and not named[0][0]:
        return [named[place][1] for place in middles(len(named), count)]
    members = list(groups.values())
    if len(members) >= count:
        return [name for place in middles(len(members), count) for name in _spread(members[place], 1)]
    return [
        name for group, share in zip(members, _shares(members, count), strict=True) for name in _spread(group, share)
    ]


def _shares(groups: Sequence[Sequence], count: int) -> list[int]:
    """How many of each group: as equal as their sizes allow."""
    shares = [0] * len(groups)
    while sum(shares) < count:
        open_ones = [k for k, group in enumerate(groups) if shares[k] < len(group)]
        least = min(shares[k] for k in open_ones)
        for k in [k for k in open_ones if shares[k] == least][: count - sum(shares)]:
            shares[k] += 1
    return shares


def middles(length: int, count: int) -> list[int]:
    """The places in the middles of `count` equal parts of `length`."""
    return [int((part + 0.5) * length / count) for part in range(count)]


def showing(name: str, real: Resized, count: int) -> list[str]:
    """The ids that show most of the class `name`, most first; raises UserError where it is unknown or nowhere."""
    names = real.dataset.classes.names
    if name not in names:
        raise unknown_name("class", name, names)
    wanted = names.index(name)

    def share(place: int) -> float:
        return float((real.dataset.label(real.dataset.records[place]) == wanted).mean())

    shares = {record.id: each for record, each in zip(real.dataset.records, _all(share, len(real)), strict=True)}
    having = sorted((each for each in shares if shares[each] > 0), key=lambda each: (-shares[each], each))
    if not having:
        raise UserError(f"--examples {CLASS}{name}: no label map of the {real.dataset.split} split shows it")
    if len(having) < count:
        say(f"--examples {CLASS}{name}: {len(having)} label maps show it, fewer than {count}")
    return having[:count]


def _all(function: Callable[[int], float], count: int) -> np.ndarray:
    return np.fromiter(ahead(function, count), float, count)


def scores_of(columns: Sequence[Column], material: Material) -> dict[str, float]:
    """Mean IoU of each id over the columns and their seeds, where all columns have one; raises NothingToDraw."""
    numbers = find_numbers(columns, material.places, material.rows).by_measure
    measures = [each for each, by_column in numbers.items() if each.metric == "miou" and len(by_column) == len(columns)]
    values: dict[str, list[float]] = {}
    for of in numbers[measures[0]].values() if measures else ():
        for (_, name), value in of.items():
            if value == value:
                values.setdefault(name, []).append(value)
    if not values:
        raise NothingToDraw(
            f"--examples {material.examples.way}: no mean IoU of single pictures that all of "
            f"{', '.join(column.title for column in columns)} have; `sdm-bench evaluate --metric miou` measures it"
        )
    if len(measures) > 1:
        say(f"--examples {material.examples.way}: by mean IoU of {measures[0].protocol}, the first of {len(measures)}")
    most = max(map(len, values.values()))
    return {name: float(np.mean(each)) for name, each in values.items() if len(each) == most}
