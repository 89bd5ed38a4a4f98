"""What others published beside measured numbers in figures: drawn apart, named as such, and never ranked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.figures.groups import Group
from reports.figures.material import Material
from reports.names import method_name
from reports.published.beside import COMPARES, comparison_of
from reports.published.numbers import DATASETS, PublishedNumber, published


@dataclass(frozen=True)
class Theirs:
    """What one source has of one method. numbers: by metric. title: for the legend. notes: by metric."""

    method: str
    title: str
    numbers: Mapping[str, float]
    notes: Mapping[str, str]

    def records(self) -> Iterator[dict[str, Any]]:
        """What a figure's data say of it."""
        for metric, value in self.numbers.items():
            yield {"series": self.title, "metric": metric, "value": value, "note": self.notes[metric]}


def published_beside(group: Group, material: Material, metrics: Sequence[str]) -> list[Theirs]:
    """What is published of a group's dataset and track, one for each source, method and size; none unless asked for.

    The legend says whether it compares with measured numbers, the notes why.
    """
    shared = group.shared
    if not material.published or shared.dataset not in DATASETS:
        return []
    found: dict[tuple, dict[str, PublishedNumber]] = {}
    for number in published(shared.dataset):
        if number.metric in metrics and number.track == shared.track:
            of = number.source, number.method, number.variant, number.size, number.num_images, number.protocol
            found.setdefault(of, {})[number.metric] = number
    return [_theirs(numbers, group) for numbers in found.values()]


def _theirs(numbers: Mapping[str, PublishedNumber], group: Group) -> Theirs:
    first = next(iter(numbers.values()))
    said = {metric: comparison_of(number, group.lines) for metric, number in numbers.items()}
    compares = "compares" if all(each == COMPARES for each in said.values()) else "does not compare"
    name = " ".join(filter(None, [method_name(first.method), first.variant]))
    who = first.source.split(",")[0]
    return Theirs(
        first.method,
        f"{name}, published by {who} ({compares})",
        {metric: number.value for metric, number in numbers.items()},
        {metric: f"{number.source}: {said[metric]}" for metric, number in numbers.items()},
    )
