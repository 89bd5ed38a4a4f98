"""The pictures that stand side by side: in the user's order, under headings that differ."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reports.figures.examples import chosen
from reports.figures.material import ColumnChoice, Material
from reports.figures.registry import NothingToDraw
from reports.figures.text import told_apart
from reports.lines import place as place_of
from reports.pictured import Pictured
from reports.shown import GONE, file_name, label_maps, shown_together
from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say
from sdm_bench.datasets.base import ClassTable, Example


@dataclass(frozen=True)
class PictureSet:
    """Pictures of the same label maps, with a heading each, and the label maps that are shown of them."""

    name: str
    pictured: Sequence[Pictured]
    headings: Sequence[str]
    examples: Sequence[Example]
    classes: ClassTable

    @property
    def photographs(self) -> bool:
        """Whether any label map has one."""
        return any(example.image is not None for example in self.examples)

    @property
    def legend(self) -> list[tuple[str, Sequence[int]]]:
        """Names and colours of the classes that the examples show, those of one colour together."""
        present = np.unique(np.concatenate([np.unique(example.label) for example in self.examples]))
        by_color: dict[tuple[int, ...], list[str]] = {}
        for place in present:
            by_color.setdefault(tuple(self.classes.colors[place].tolist()), []).append(self.classes.names[place])
        return [(", ".join(names), color) for color, names in by_color.items()]


def picture_sets(figure: str, material: Material, count: int) -> list[PictureSet]:
    """The pictures by dataset, split, size and label maps; `count` examples of each unless the user says.

    Where the label maps are no longer on the disk a line says so. Raises NothingToDraw where nothing is left, and
    UserError for a column that isn't among the runs.
    """
    if not material.pictured:
        raise NothingToDraw(f"figure {figure}: no samples in any of the runs; `sdm-bench generate` makes them")
    ordered = _ordered(material.pictured, material.columns)
    groups = shown_together([each for each, _ in ordered])
    given = {id(each): heading for each, heading in ordered}
    sets, gone = [], []
    for shown, pictured in groups.items():
        name = file_name(shown, list(groups), figure, "")
        real = label_maps(shown, pictured)
        if real is None:
            gone.append(f"{name} left out: {', '.join(each.place for each in pictured)}: {GONE}")
            continue
        headings = _headings(pictured, [given[id(each)] for each in pictured])
        examples = [real[place] for place in chosen(material, real, pictured, count)]
        sets.append(PictureSet(name, pictured, headings, examples, real.dataset.classes))
    if not sets:
        raise NothingToDraw("; ".join(gone))
    for line in gone:
        say(line)
    return sets


def _ordered(pictured: Sequence[Pictured], columns: Sequence[ColumnChoice]) -> list[tuple[Pictured, str]]:
    """What is shown with the heading that the user gave each, in the user's order, else in that of tables."""
    if not columns:
        return [(each, "") for each in sorted(pictured, key=_place)]
    found: list[tuple[Pictured, str]] = []
    for column in columns:
        fitting = [each for each in pictured if os.path.realpath(each.place) == os.path.realpath(column.run)]
        fitting = fitting or [each for each in pictured if column.run in (each.name, each.method)]
        if len(fitting) != 1:
            there = ", ".join(each.place for each in fitting or pictured)
            raise UserError(
                f"--column {column.run}: {'several' if fitting else 'no'} such run; expected one of {there}"
            )
        if any(each is fitting[0] for each, _ in found):
            raise UserError(f"--column {column.run}: given twice; expected each run once")
        found.append((fitting[0], column.heading))
    return found


def _place(pictured: Pictured) -> tuple:
    """As lines of tables are ordered."""
    return place_of(pictured.method), pictured.method, pictured.variant, pictured.guidance or 0.0


def _headings(pictured: Sequence[Pictured], given: Sequence[str]) -> list[str]:
    """What columns are called, all different: as the user said, else by method, solver where they differ, guidance."""
    solvers = {each.solver for each in pictured} - {""}
    titles = [name or each.title(solver=len(solvers) > 1) for name, each in zip(given, pictured, strict=True)]
    return told_apart(titles, [each.details for each in pictured])


def samples(pictured: Pictured, example: Example, seeds: Sequence[int]) -> Iterator[np.ndarray | None]:
    """The pictures of a label map, uint8 (H, W, 3), None for one that isn't there.

    Raises UserError for one of another size.
    """
    for seed in seeds:
        picture = pictured.read(example.id, seed)
        if picture is not None and picture.shape[:2] != example.label.shape:
            found, wanted = (f"{shape[1]}x{shape[0]}" for shape in (picture.shape, example.label.shape))
            raise UserError(
                f"{pictured.place}: {example.id}, seed {seed}: {found} pixels; expected {wanted} as run.json says"
            )
        yield picture
