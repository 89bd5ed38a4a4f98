"""The published numbers of a dataset as a table of their own: measured rows never stand beside them."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from reports.cells import text_columns
from reports.metric_table import column_of
from reports.names import dataset_name, method_name
from reports.published.numbers import UNKNOWN, PublishedNumber, published
from reports.table import TRACKS, Table
from sdm_bench.evaluation.metric import Output, all_outputs
from sdm_bench.models.methods import METHODS
from sdm_bench.results.rows import LABELS, REAL

SIZE = "width x height"
LEGEND = (
    "None of these numbers was measured by this program; numbers of different protocols do not compare.",
    f"protocol: by which the measurement can be repeated; {UNKNOWN}: no source says enough for that.",
    "mark: V, at least two written sources agree; S, there is one.",
    "mIoU and accuracy are fractions.",
    TRACKS,
)


def published_tables(dataset: str) -> list[Table]:
    """What others published on a dataset, a table a track: a line for each method and what its numbers are of.

    That is variant, size, number of pictures, protocol, mark and source. Photographs stand in each table in which
    there is a number of their protocol, and in that of `labels` where there is none.

    The columns of values are named "published FID" and so on, so that no join with a table of measured rows mixes
    them. Raises UserError for a dataset of which there is none.
    """
    numbers = sorted(published(dataset), key=_order)
    tracks = sorted({number.track for number in numbers} - {""})
    protocols = {track: {number.protocol for number in numbers if number.track == track} for track in tracks}

    def belongs(number: PublishedNumber, track: str) -> bool:
        of = [each for each in tracks if number.protocol in protocols[each] - {UNKNOWN}] or [LABELS]
        return track in ([number.track] if number.track else of)

    return [_table(dataset, track, [each for each in numbers if belongs(each, track)]) for track in tracks]


def _table(dataset: str, track: str, numbers: Sequence[PublishedNumber]) -> Table:
    lines: dict[tuple, dict[str, object]] = {}
    for number in numbers:
        line = _line(number)
        lines.setdefault(tuple(line.values()), line)[_column(number.output)] = number.value
    named = {number.metric for number in numbers}
    outputs = [output for output in all_outputs().values() if output.name in named]
    present = [_column(output) for output in outputs]
    frame = pd.DataFrame(list(lines.values()))[
        ["track", "method", "variant", SIZE, "images", *present, "protocol", "mark", "source"]
    ]
    title = f"Numbers that others published on {dataset_name(dataset)}, track {track}"
    columns = text_columns(frame)
    columns |= {_column(each): replace(column_of(each), title=f"published {column_of(each).title}") for each in outputs}
    return Table(f"published-{dataset}-{track}", title, frame, [*LEGEND, *_remarks(numbers)], columns=columns)


def _order(number: PublishedNumber) -> tuple[bool, int, str]:
    """Methods of the catalog in its order, others by name, photographs last; within one, the order of the files."""
    known = list(METHODS)
    place = known.index(number.method) if number.method in known else len(known)
    return number.method == REAL, place, number.method.lower()


def _line(number: PublishedNumber) -> dict[str, object]:
    size = f"{number.size[1]}x{number.size[0]}" if number.size else ""
    return {
        "track": number.track,
        "method": _title(number),
        "variant": number.variant,
        SIZE: size,
        "images": "" if number.num_images is None else str(number.num_images),
        "protocol": number.protocol,
        "mark": number.mark,
        "source": number.source,
    }


def _title(number: PublishedNumber) -> str:
    return method_name(number.method)


def _column(output: Output) -> str:
    return f"published {output.title}"


def _remarks(numbers: Sequence[PublishedNumber]) -> list[str]:
    """Notes, and where numbers were read that were not read in their source; each once, after those it is of."""
    subjects: dict[str, list[str]] = {}
    for number in numbers:
        read_in = f"read in {', '.join(number.read_in)}" if number.read_in else ""
        for text in filter(None, (number.note, read_in)):
            subjects.setdefault(text, []).append(f"{_title(number)} {number.output.title} {number.value:g}")
    return [f"{', '.join(whose)}: {text}" for text, whose in subjects.items()]
