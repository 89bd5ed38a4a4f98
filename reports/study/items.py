"""The pairs of pictures that a study shows, under random ids, and the record of whose each picture is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from reports.pictured import Shown, of_runs
from reports.shown import GONE, label_maps
from reports.study.choice import choose_ids
from reports.study.key import DEGRADED, PHOTOGRAPH, Item, Model
from reports.study.pictures import alike, encoded, spoilt
from reports.study.runs import Match
from sdm_bench.base.drawing import colorize
from sdm_bench.base.errors import UserError
from sdm_bench.datasets.base import ClassTable, Example
from sdm_bench.datasets.transforms import Resized
from sdm_bench.results.sample_sets import SampleSet, open_run

# Classes that are named beside a label map, those of most pixels.
NAMED = 12


@dataclass(frozen=True)
class Compared:
    """A pair of runs on one dataset, opened. ids: those that both have, in the dataset's order."""

    match: Match
    real: Resized
    sides: tuple[SampleSet, SampleSet]
    ids: tuple[str, ...]

    @property
    def title(self) -> str:
        """The pair on its dataset, for messages."""
        return f"{':'.join(self.match.names)} on {self.match.shown.dataset}"

    def models(self) -> list[Model]:
        """The record of the two runs."""
        return [
            Model(
                name=name,
                folder=str(run.folder.absolute()),
                digest=side.digest,
                seed=next(iter(side.images)),
                options=run.options(),
            )
            for name, run, side in zip(self.match.names, self.match.runs, self.sides, strict=True)
        ]


@dataclass(frozen=True)
class Drawn:
    """An item with its pictures as files, by picture id. legend: names and colours of the label map's classes."""

    id: str
    item: Item
    pictures: dict[str, bytes]
    size: tuple[int, int]
    label: bytes | None
    legend: Sequence[tuple[str, str]]

    def data(self) -> dict[str, Any]:
        """What the page knows of it: nothing that tells one picture from the other but their random ids."""
        height, width = self.size
        return {"pictures": sorted(self.pictures), "size": [width, height], "legend": self.legend}


def open_compared(matches: Sequence[Match]) -> list[Compared]:
    """The pairs with their samples of each run's first seed. Raises UserError where the label maps are gone."""
    reals: dict[Shown, Resized] = {}
    opened = []
    for match in matches:
        if match.shown not in reals:
            found = label_maps(match.shown, of_runs(run.folder for run in match.runs))
            if found is None:
                raise UserError(f"{match.runs[0].folder}, {match.runs[1].folder}: {GONE}")
            reals[match.shown] = found
        real = reals[match.shown]
        first, second = (
            open_run(run.folder, real.dataset, run.seeds()[:1], allow_incomplete=True) for run in match.runs
        )
        both = {*_ids(first)} & {*_ids(second)}
        ids = tuple(record.id for record in real.dataset.records if record.id in both)
        opened.append(Compared(match, real, (first, second), ids))
    return opened


def _ids(samples: SampleSet) -> tuple[str, ...]:
    (source,) = samples.images.values()
    return source.ids


class Look(NamedTuple):
    """How items are shown. quality: of pictures as WebP, None without loss."""

    label_map: bool
    quality: int | None


class RandomIds:
    """Ids that say nothing, each once. They begin with a letter: spreadsheet programs take 1234e5 for a number."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self.given: set[str] = set()

    def __call__(self) -> str:
        while (made := f"i{self.rng.bytes(6).hex()}") in self.given:
            pass
        self.given.add(made)
        return made


def draw_pairs(compared: Sequence[Compared], per_pair: int, look: Look, ids: RandomIds) -> Iterator[tuple[int, Drawn]]:
    """Each pair's items with the place of the pair. Raises UserError where both runs have too few label maps."""
    chosen = choose_ids([each.ids for each in compared], [each.title for each in compared], per_pair, ids.rng)
    for number, (each, examples) in enumerate(zip(compared, chosen, strict=True)):
        places = {record.id: place for place, record in enumerate(each.real.dataset.records)}
        for name in examples:
            sides = [_picture(side, name) for side in each.sides]
            about = _Item(each, each.real[places[name]], look)
            yield number, about.drawn(sides, each.match.names, each.match.names, ids)


def draw_obvious(
    compared: Sequence[Compared], count: int, look: Look, taken: set[tuple[str, str]], ids: RandomIds
) -> Iterator[Drawn]:
    """`count` photographs beside what is left of them under noise, by turns of each dataset.

    taken: datasets and ids that are shown already, which are avoided where there are others. Raises UserError where a
    dataset has too few photographs.
    """
    datasets = {each.match.shown: each for each in compared}
    for number, (shown, each) in enumerate(datasets.items()):
        wanted = len(range(number, count, len(datasets)))
        records = each.real.dataset.records
        there = [place for place, record in enumerate(records) if record.image is not None]
        if len(there) < wanted:
            raise UserError(
                f"--obvious {count}: {shown.dataset} has {len(there)} photographs, of which obvious pairs are made; "
                f"expected {wanted}, or --obvious 0"
            )
        drawn = [there[place] for place in ids.rng.permutation(len(there))]
        free = sorted(drawn, key=lambda place: (shown.dataset, records[place].id) in taken)
        for place in free[:wanted]:
            example = each.real[place]
            assert example.image is not None
            sides = [example.image, spoilt(example.image, ids.rng)]
            yield _Item(each, example, look).drawn(sides, None, (PHOTOGRAPH, DEGRADED), ids)


@dataclass(frozen=True)
class _Item:
    of: Compared
    example: Example
    look: Look

    def drawn(
        self, sides: Sequence[np.ndarray], pair: tuple[str, str] | None, whose: Sequence[str], ids: RandomIds
    ) -> Drawn:
        shown = self.of.match.shown
        made, names = ids(), (ids(), ids())
        item = Item(
            dataset=shown.dataset,
            split=shown.split,
            example=self.example.id,
            pair=pair,
            pictures=dict(zip(names, whose, strict=True)),
        )
        files = dict(zip(names, alike(sides[0], sides[1], self.look.quality), strict=True))
        if not self.look.label_map:
            return Drawn(made, item, files, shown.size, None, [])
        classes = self.of.real.dataset.classes
        label = encoded(colorize(self.example.label, classes.colors))
        return Drawn(made, item, files, shown.size, label, _legend(self.example.label, classes))


def _picture(side: SampleSet, name: str) -> np.ndarray:
    (source,) = side.images.values()
    return source.read(source.ids.index(name))


def _legend(label: np.ndarray, classes: ClassTable) -> list[tuple[str, str]]:
    """Names and colours of the classes of most pixels, as style sheets write colours; one line a colour."""
    present, pixels = np.unique(label, return_counts=True)
    by_color: dict[str, str] = {}
    for place in present[np.argsort(-pixels, kind="stable")]:
        by_color.setdefault(f"#{bytes(classes.colors[place]).hex()}", classes.names[place])
    return [(name, color) for color, name in by_color.items()][:NAMED]
