"""Numbers of single pictures, as `evaluate` wrote them, found for the samples that a gallery shows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from reports.gallery.columns import Column
from sdm_bench.evaluation.metric import Output, all_outputs
from sdm_bench.results.per_image import PER_IMAGE_FILE, read_per_image
from sdm_bench.results.rows import ResultRow


class Measure(NamedTuple):
    """What numbers of pictures share that compare: the metric, the protocol's content and the network."""

    metric: str
    protocol: str
    protocol_sha256: str
    extractor_sha256: str


# A number by seed (None: of all samples of a label map) and id.
Values = dict[tuple[int | None, str], float]


@dataclass
class Numbers:
    """by_measure: by measure and column. remarks: what is missing, in sentences."""

    by_measure: dict[Measure, dict[int, Values]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def titles(self, rows: Sequence[ResultRow]) -> list[str]:
        """What each measure is called: metric, protocol and network, with digits of digests where that is ambiguous."""
        networks = {row.extractor_sha256: row.extractor for row in rows}
        outputs = all_outputs()
        titles = []
        for each in self.by_measure:
            name = _title(outputs, each.metric)
            network = networks.get(each.extractor_sha256, each.extractor_sha256[:8])
            titles.append(f"{name}, {each.protocol}, {network}")
        short = 6
        return [
            f"{title} {each.extractor_sha256[:short]} {each.protocol_sha256[:short]}"
            if titles.count(title) > 1
            else title
            for title, each in zip(titles, self.by_measure, strict=True)
        ]


def find_numbers(columns: Sequence[Column], places: Iterable[Path], rows: Sequence[ResultRow]) -> Numbers:
    """The numbers of the columns' pictures in the files beside the results at `places`, whichever these lie in.

    places: folders or results files. rows: all results, which say of which seeds something was measured.
    """
    files = dict.fromkeys((place if place.is_dir() else place.parent) / PER_IMAGE_FILE for place in places)
    tables = [read_per_image(file) for file in files if file.is_file()]
    of: dict[str, list[int]] = {}
    for index, column in enumerate(columns):
        for digest in column.digests(rows):
            of.setdefault(digest, []).append(index)
    found = Numbers()
    for table in tables:
        for line in table[table["sample_set"].isin(list(of))].itertuples(index=False):
            _keep(found, of[str(line.sample_set)], line)
    found.remarks.extend(_missing(columns, found.by_measure))
    return found


def _keep(found: Numbers, columns: Iterable[int], line: Any) -> None:
    measure = Measure(line.metric, line.protocol, line.protocol_sha256, line.extractor_sha256)
    by_column = found.by_measure.setdefault(measure, {})
    for column in columns:
        by_column.setdefault(column, {})[None if pd.isna(line.seed) else int(line.seed), line.id] = float(line.value)


def _missing(columns: Sequence[Column], values: dict[Measure, dict[int, Values]]) -> Iterable[str]:
    """A sentence for the columns of which there is no number of single pictures, and one for each metric."""
    having = {index for by_column in values.values() for index in by_column}
    without = [column.title for index, column in enumerate(columns) if index not in having]
    if without:
        yield (
            f"No numbers of single pictures of {_listed(without)}: `sdm-bench evaluate` writes them into "
            f"{PER_IMAGE_FILE}; those there, if any, are of other pictures."
        )
    outputs = all_outputs()
    for name, needed in (("miou", 1), ("lpips", 2)):
        there = {index for measure, by_column in values.items() if measure.metric == name for index in by_column}
        lacking = [columns[index] for index in sorted(having - there)]
        title = _title(outputs, name)
        if few := [column.title for column in lacking if len(column.seeds) < needed]:
            yield f"No {title} of single label maps of {_listed(few)}: it needs {needed} samples of each."
        if rest := [column.title for column in lacking if len(column.seeds) >= needed]:
            yield f"No {title} of single label maps of {_listed(rest)}: not measured of these pictures."


def _title(outputs: dict[str, Output], metric: str) -> str:
    return outputs[metric].title if metric in outputs else metric


def _listed(names: Sequence[str]) -> str:
    return "; ".join(names)
