"""Which numbers stand in one figure: those that may be compared, and what tells each of them from the others."""

import hashlib
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from reports.averages import average_trainings
from reports.figures.material import Material
from reports.figures.registry import NothingToDraw
from reports.figures.text import told_apart
from reports.lines import IDENTITY, SHORT_DIGEST, Line, make_lines, order
from reports.names import dataset_name
from sdm_bench.base.progress import say
from sdm_bench.results.rows import REAL, TEXT, ResultRow

# What a heading adds to the method, its variant and its guidance where two would be alike, in this order.
DETAILS = (
    *("guidance", "solver", "training seed", "training steps", "seeds", "images", "configuration", "weights"),
    *("segmenter", "extractor", "reference", "sample set", "folder"),
)
SEEDS, LABEL_MAPS = "standard deviation over seeds", "standard error over label maps"


class Way(NamedTuple):
    """How a metric was measured: under which content of the protocol, by which network, against which photographs."""

    metric: str
    protocol_sha256: str
    extractor_sha256: str
    reference_sha256: str
    num_real: int | None

    @classmethod
    def of(cls, row: ResultRow) -> "Way":
        """That of a number."""
        return cls(*(getattr(row, name) for name in cls._fields))

    def fits(self, row: ResultRow) -> bool:
        """Whether a number was measured so, as far as it says: LPIPS that is zero by construction needs no network."""
        return _says_less(Way.of(row), self)


class Shared(NamedTuple):
    """What all numbers of a figure have in common."""

    dataset: str
    protocol: str
    split: str
    image_size: str
    labels_sha256: str
    num_images: int
    incomplete: str
    track: str
    ways: tuple[Way, ...]

    @property
    def title(self) -> str:
        """What a reader has to know of all numbers."""
        parts = [f"{dataset_name(self.dataset)} {self.split}", self.image_size, self.protocol]
        parts += [f"{self.num_images} images", self.incomplete]
        return ", ".join(filter(None, [*parts, "text-to-image prior" if self.track == TEXT else ""]))


@dataclass(frozen=True)
class Group:
    """Lines that may be compared, in the order of tables. name: of the figure's files."""

    name: str
    lines: Sequence[Line]
    shared: Shared


def comparable(figure: str, material: Material, metrics: Sequence[str]) -> list[Group]:
    """The lines of generated pictures with any of `metrics`, in groups that may be compared.

    What was measured by two networks or against two references is there once with each. Raises NothingToDraw where
    there is none.
    """
    found = grouped(material, metrics)
    if not found:
        raise NothingToDraw(f"figure {figure}: no results of {', '.join(metrics)}; `sdm-bench evaluate` measures them")
    names = file_names(figure, list(found))
    return [Group(name, lines, shared) for name, (shared, lines) in zip(names, found.items(), strict=True)]


def grouped(material: Material, metrics: Sequence[str]) -> dict[Shared, list[Line]]:
    """The lines that may be compared, by what they share."""
    lines = make_lines(material.rows, metrics)
    if material.average:
        lines, _ = average_trainings(lines)
    found: dict[Shared, list[Line]] = {}
    for pictures, together in _by(lines, _pictures).items():
        if together[0].first.method != REAL:
            for ways in _ways(together, metrics):
                found[Shared._make((*pictures, ways))] = sorted(_measured_so(together, ways), key=order)
    return found


def _pictures(line: Line) -> tuple:
    """What lines have in common of which pictures they are; photographs are of no track."""
    return tuple(getattr(line.first, name) for name in Shared._fields if name != "ways")


def _ways(lines: Sequence[Line], metrics: Sequence[str]) -> list[tuple[Way, ...]]:
    """Each combination of one way for every metric."""
    found = []
    for name in metrics:
        rows = [line.rows[name] for line in lines if name in line.rows]
        ways = dict.fromkeys(Way.of(row) for row in rows)
        found.append([way for way in ways if not any(way != other and _says_less(way, other) for other in ways)])
    return list(itertools.product(*filter(None, found)))


def _says_less(way: Way, other: Way) -> bool:
    return all(mine == theirs or mine in ("", None) for mine, theirs in zip(way, other, strict=True))


def _measured_so(lines: Sequence[Line], ways: tuple[Way, ...]) -> list[Line]:
    """A line a sample set, with the rows that were measured so."""
    made: dict[tuple, Line] = {}
    for line in lines:
        rows = {metric: row for metric, row in line.rows.items() if any(way.fits(row) for way in ways)}
        if rows:
            key = identity(line)
            made[key] = Line({**(made[key].rows if key in made else {}), **rows}, line.trainings)
    return list(made.values())


def identity(line: Line) -> tuple:
    """What a line is of, whatever was measured of it."""
    return *(getattr(line.first, name) for name in IDENTITY), line.first.seeds, line.trainings


def _by(lines: Iterable[Line], key: Callable[[Line], tuple]) -> dict[tuple, list[Line]]:
    groups: dict[tuple, list[Line]] = {}
    for line in lines:
        groups.setdefault(key(line), []).append(line)
    return groups


def headings(lines: Sequence[Line], without: Sequence[str] = ()) -> list[str]:
    """What legends call lines, all different. without: details that the figure shows in another way."""
    titles = []
    spelt = (lambda line: line.first.solver) if "steps" in without else (lambda line: line.field("solver"))
    solvers = {spelt(line) for line in lines} - {""}
    for line in lines:
        guidance = line.first.guidance
        guided = line.first.guided and "guidance" not in without
        parts = [line.field("method"), line.field("variant"), spelt(line) if len(solvers) > 1 else ""]
        titles.append(" ".join(filter(None, [*parts, f"s={guidance:g}" if guided else ""])))
    details = [{name: line.field(name) for name in DETAILS if name not in without} for line in lines]
    return told_apart(titles, details)


def file_names(figure: str, groups: Sequence[Any]) -> list[str]:
    """`<figure>` for the only group, else with whatever tells the groups apart behind it.

    groups: `Shared` or the like.
    """
    if len(groups) == 1:
        return [figure]
    fields = ("dataset", "protocol", "split", "image_size", "track")
    parts = [[str(getattr(group, name, "")) for group in groups] for name in fields]
    differing = [values for values in parts if len({*values}) > 1]
    names = [
        "-".join([figure, *filter(None, (re.sub(r"[^\w.@+]+", "_", values[k]) for values in differing))])
        for k in range(len(groups))
    ]
    digests = [hashlib.sha256(repr(group).encode()).hexdigest()[:SHORT_DIGEST] for group in groups]
    return [f"{name}-{digest}" if names.count(name) > 1 else name for name, digest in zip(names, digests, strict=True)]


def error(row: ResultRow) -> tuple[float, str]:
    """Half the length of a number's error bar, and what it is; NaN where nothing is known.

    Of a spread over label maps the standard error of their mean.
    """
    if row.spread is None:
        return float("nan"), ""
    if row.spread_over == "label maps":
        return row.spread / float(np.sqrt(row.num_images)), LABEL_MAPS
    return row.spread, SEEDS


def datum(heading: str, row: ResultRow, line: Line | None = None) -> dict[str, Any]:
    """What a figure's CSV says of a number. The id is that of results.csv, empty for means over trainings."""
    half, of = error(row)
    averaged = line is not None and bool(line.trainings)
    return {
        "series": heading,
        "dataset": row.dataset,
        "split": row.split,
        "protocol": row.protocol,
        "image_size": row.image_size,
        "track": row.track,
        "metric": row.metric,
        "class": row.class_name,
        "value": row.value,
        "error": half,
        "error_is": of,
        "images": row.num_images,
        "seeds": row.seeds,
        "id": "" if averaged else row.id,
    }


def along(group: Group, field: str) -> list[list[Line]]:
    """The curves of a group: two or more lines that differ in `field` alone, sorted by it, no value twice.

    Lines without a value or without a second one are left out with a sentence.
    """
    apart = [name for name in IDENTITY if name not in (field, "sample_set", "manifest_sha256")]
    curves: list[tuple[tuple, list[Line]]] = []
    for line in sorted(group.lines, key=lambda each: getattr(each.first, field) or 0):
        value = getattr(line.first, field)
        key = *(getattr(line.first, name) for name in apart), line.first.seeds, line.trainings
        fitting = [curve for of, curve in curves if of == key and getattr(curve[-1].first, field) != value]
        if value is None:
            continue
        if fitting:
            fitting[0].append(line)
        else:
            curves.append((key, [line]))
    found = sorted((curve for _, curve in curves if len(curve) > 1), key=lambda curve: order(curve[0]))
    drawn = {id(line) for curve in found for line in curve}
    for name, line in zip(headings(group.lines), group.lines, strict=True):
        if found and id(line) not in drawn:
            say(f"{group.name}: {name} left out: no second number that differs in {field} alone")
    return found


def ceiling(group: Group, rows: Iterable[ResultRow]) -> float | None:
    """Mean IoU of the photographs by the segmenter of a group; None where there is none."""
    way = next((each for each in group.shared.ways if each.metric == "miou"), None)
    found = [row for row in rows if row.method == REAL and row.metric == "miou" and is_ceiling(row, group.shared, way)]
    return max(found, key=lambda row: row.time).value if found else None


def is_ceiling(row: ResultRow, shared: Shared, way: Way | None) -> bool:
    """Whether a number of photographs belongs to those of a group that were measured in one way."""
    names = ("dataset", "protocol", "split", "image_size", "labels_sha256")
    return (
        way is not None
        and all(getattr(row, name) == getattr(shared, name) for name in names)
        and (row.protocol_sha256, row.extractor_sha256) == (way.protocol_sha256, way.extractor_sha256)
    )
