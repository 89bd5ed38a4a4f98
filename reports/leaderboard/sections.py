"""The tables of a leaderboard: one for what compares, a line a sample set and bundle, the best first."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from reports.comparability import incomparable
from reports.leaderboard.check import Bundle
from reports.lines import COLUMNS, SHORT_DIGEST, Line, Says
from reports.metric_table import chosen_lines, metric_table, present_in
from reports.names import dataset_name
from reports.table import NothingToShow, Table, TableOptions
from sdm_bench.evaluation.metric import main_outputs
from sdm_bench.results.naming import folder_name
from sdm_bench.results.rows import REAL, ResultRow

BEFORE = ("method", "variant", "solver", "guidance")
PHOTOGRAPHS = "photographs"


class Section(NamedTuple):
    """What all numbers of a table have in common. track: empty for photographs that no pictures belong to."""

    dataset: str
    split: str
    protocol: str
    track: str
    image_size: str
    num_images: int
    labels_sha256: str

    @property
    def title(self) -> str:
        """What it is of, but for the label maps."""
        of = f"track {self.track}" if self.track else PHOTOGRAPHS
        count = f"{self.num_images} pictures of {self.image_size}"
        return f"{dataset_name(self.dataset)} ({self.split}), {self.protocol}, {of}: {count}"

    @property
    def file(self) -> str:
        """A name for files of it, which no other section has."""
        parts = [*map(str, self[:-1]), self.labels_sha256[:SHORT_DIGEST]]
        return folder_name("-".join(part for part in parts if part))


def section_of(row: ResultRow) -> Section:
    """Where a row stands; photographs in that without a track."""
    return Section(*(getattr(row, name) for name in Section._fields))


def tables_of(bundles: Mapping[str, Bundle]) -> list[Table]:
    """The tables of bundles by name; ids of their numbers begin with the bundle's name and a slash."""
    by_section: dict[Section, dict[str, list[ResultRow]]] = {}
    for name, bundle in bundles.items():
        sections = {section_of(row) for row in bundle.rows}
        for row in bundle.rows:
            own = section_of(row)
            shown_in = [each for each in sections if row.method == REAL and each.track and _plain(each) == _plain(own)]
            for section in shown_in or [own]:
                by_section.setdefault(section, {}).setdefault(name, []).append(row)
    ordered = sorted(by_section, key=lambda each: (each[:5], -each.num_images, each))
    made = [_table(section, by_section[section], bundles, by_section) for section in ordered]
    return [table for table in made if table is not None]


def _plain(section: Section) -> Section:
    return section._replace(track="")


def _table(
    section: Section,
    rows: Mapping[str, Sequence[ResultRow]],
    bundles: Mapping[str, Bundle],
    sections: Mapping[Section, object],
) -> Table | None:
    """The table of a section; None where no row has a main number."""
    outputs = main_outputs()
    owners: list[tuple[Line, str]] = []
    for name, of in rows.items():
        try:
            lines, _ = chosen_lines("leaderboard", of, outputs, TableOptions())
        except NothingToShow:
            continue
        owners += [(line, name) for line in lines]
    if not owners:
        return None
    first = next(iter(present_in([line for line, _ in owners], outputs).values()))

    def place(pair: tuple[Line, str]) -> tuple:
        line, name = pair
        row = line.rows.get(first.name)
        worth = math.inf if row is None else row.value if first.direction == "lower" else -row.value
        return line.first.method == REAL, worth, line.first.method, name

    owners.sort(key=place)
    lines = [line for line, _ in owners]
    names = {id(line): name for line, name in owners}
    before: dict[str, Says] = {name: COLUMNS[name] for name in BEFORE}
    behind: dict[str, Says] = {"seeds": COLUMNS["seeds"], "bundle": lambda line: names[id(line)]}
    submitters = {name: each.manifest.submitter.name for name, each in bundles.items() if each.manifest}
    if any(submitters.get(name) for _, name in owners):
        behind["submitted by"] = lambda line: submitters[names[id(line)]]
    alike = [other for other in sections if other.title == section.title]
    title = section.title if len(alike) == 1 else f"{section.title}, label maps {section.labels_sha256[:SHORT_DIGEST]}"
    table = metric_table(section.file, title, (lines, incomparable(lines)), outputs, before, behind)
    ids = [
        {key: f"{name}/{each}" for key, each in found.items()}
        for (_, name), found in zip(owners, table.ids, strict=True)
    ]
    notes = [*table.notes, f"ordered by {first.title}; photographs last"]
    return replace(table, ids=ids, notes=notes)
