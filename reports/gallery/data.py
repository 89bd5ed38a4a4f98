"""What the gallery's script reads: ids, classes, columns and numbers, and the pictures that they are of."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reports.gallery.columns import Column
from reports.gallery.numbers import Numbers
from reports.gallery.pictures import LABEL, LONG_SIDE, PHOTOGRAPH, Pictures, draw_row, sample_kind, small_size
from sdm_bench.base.progress import track
from sdm_bench.datasets.base import ClassTable
from sdm_bench.datasets.pictures import ahead
from sdm_bench.datasets.transforms import Resized
from sdm_bench.evaluation.metric import all_outputs
from sdm_bench.results.rows import ResultRow

# Of `distance` in pictures.py, as the page calls it.
DISTANCE = "distance to the photograph (mean difference of values, 0 to 255)"
# Rows that are drawn before they are needed: each holds whole pictures of every column.
LOOKAHEAD = 8


def draw(
    real: Resized, columns: Sequence[Column], numbers: Numbers, rows: Sequence[ResultRow], folder: Path
) -> tuple[dict[str, Any], Pictures]:
    """What the page's script reads, and the pictures, of which those that don't fit into a page are in `folder`."""
    ids = [record.id for record in real.dataset.records]
    photographs = any(record.image is not None for record in real.dataset.records)
    samples = [sample_kind(index, seed) for index, column in enumerate(columns) for seed in column.seeds]
    kinds = [LABEL, *([PHOTOGRAPH] if photographs else []), *samples]
    classes = real.dataset.classes
    pictures = Pictures(folder, len(ids))
    present, maps, distances = [], [], {}
    drawn = ahead(lambda index: draw_row(real[index], columns, classes.colors), len(ids), LOOKAHEAD)
    for index, row in enumerate(track(drawn, "gallery", len(ids), unit="label maps")):
        pictures.add(index, row.pictures, kinds)
        present.append([[each, count] for each, count in row.classes.items()])
        maps.append(row.map)
        distances.update({(column, seed, index): value for (column, seed), value in row.distances.items()})
    height, width = real.transform.size
    data: dict[str, Any] = {
        "folder": None,
        "size": [width, height],
        "small": list(small_size(height, width))[::-1],
        "longSide": LONG_SIDE,
        "photograph": photographs,
        "ids": ids,
        "classes": _classes(classes),
        "present": present,
        "maps": maps,
        "missing": pictures.missing,
        "columns": [_column(column) for column in columns],
        "measures": [*_measures(numbers, columns, rows, ids), *_distance(distances, columns, len(ids))],
    }
    return data, pictures


def _classes(table: ClassTable) -> list[list[str]]:
    """The name and the colour of each class, as style sheets write one."""
    return [[name, f"#{bytes(color).hex()}"] for name, color in zip(table.names, table.colors, strict=True)]


def _column(column: Column) -> dict[str, Any]:
    return {"title": column.title, "seeds": column.seeds, "stochastic": column.pictured.varies}


def _measures(
    numbers: Numbers, columns: Sequence[Column], rows: Sequence[ResultRow], ids: Sequence[str]
) -> list[dict[str, Any]]:
    """Each measure with its numbers: by column, by seed ("all" for those of all samples), in the order of the ids."""
    outputs, made = all_outputs(), []
    for (measure, by_column), title in zip(numbers.by_measure.items(), numbers.titles(rows), strict=True):
        output = outputs.get(measure.metric)
        digits = output.digits if output else 4
        values = []
        for index in range(len(columns)):
            found = by_column.get(index, {})
            seeds = sorted({seed for seed, _ in found}, key=lambda seed: -1 if seed is None else seed)
            values.append(
                {
                    "all" if seed is None else str(seed): [_rounded(found.get((seed, name)), digits) for name in ids]
                    for seed in seeds
                }
            )
        name = output.title if output else measure.metric
        made.append({"title": title, "short": name, "digits": digits, "values": values})
    return made


def _distance(found: dict[tuple[int, int, int], float], columns: Sequence[Column], count: int) -> list[dict[str, Any]]:
    if not found:
        return []
    values = [
        {str(seed): [_rounded(found.get((index, seed, row)), 2) for row in range(count)] for seed in column.seeds}
        for index, column in enumerate(columns)
    ]
    return [
        {
            "title": DISTANCE,
            "short": "distance",
            "digits": 1,
            "values": values,
        }
    ]


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or value != value else round(value, digits + 1)
