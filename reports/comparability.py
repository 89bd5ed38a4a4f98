"""What makes numbers of one dataset and protocol comparable, and which of it lines differ in."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from reports.lines import SHORT_DIGEST, Line, by_protocol, network
from reports.names import dataset_name
from sdm_bench.base.integers import integers_in
from sdm_bench.results.rows import REAL, ResultRow


class Kind(NamedTuple):
    """One thing that makes numbers comparable.

    words: what it is called. of: what a row is compared by; None or empty where it has nothing of the kind. shown: how
    that is written. measures: the metrics it is asked of, none for all.
    """

    words: str
    of: Callable[[ResultRow], object]
    shown: Callable[[ResultRow], str]
    measures: tuple[str, ...] = ()


def count_seeds(seeds: str) -> int:
    """How many seeds a row names as "0-2" or "0,4"."""
    return len(integers_in(seeds) or ())


def _digest(name: str) -> Callable[[ResultRow], str]:
    return lambda row: str(getattr(row, name))[:SHORT_DIGEST]


SEEDS = "the number of seeds"
KINDS = (
    Kind("the number of pictures", lambda row: row.num_images, lambda row: str(row.num_images)),
    Kind(SEEDS, lambda row: count_seeds(row.seeds), lambda row: str(count_seeds(row.seeds))),
    Kind("their size", lambda row: row.image_size, lambda row: row.image_size),
    Kind("the split", lambda row: row.split, lambda row: row.split),
    Kind("the label maps", lambda row: row.labels_sha256, _digest("labels_sha256")),
    Kind("the reference set", lambda row: row.reference_sha256, _digest("reference_sha256")),
    Kind("the segmenter", lambda row: row.extractor_sha256, network, ("miou",)),
    Kind("the network of features", lambda row: row.extractor_sha256, network, ("fid", "lpips")),
    Kind("the protocol's content", lambda row: row.protocol_sha256, _digest("protocol_sha256")),
    Kind("completeness", lambda row: row.incomplete or "complete", lambda row: row.incomplete or "complete"),
)


def incomparable(lines: Sequence[Line]) -> list[str]:
    """A sentence for each dataset and protocol whose lines differ in what makes numbers comparable."""
    sentences = []
    for group in by_protocol(lines):
        generated = [line for line in group if line.first.method != REAL]
        differing = [text for text in (_difference(kind, generated) for kind in KINDS) if text]
        if differing:
            row = group[0].first
            sentences.append(
                f"Numbers of {dataset_name(row.dataset)} under {row.protocol} are not comparable throughout: lines "
                f"differ in {'; '.join(differing)}."
            )
    return sentences


def _difference(kind: Kind, lines: Sequence[Line]) -> str:
    """What numbers of one metric differ in, with what each says; empty where they agree as far as they say anything."""
    found: dict[str, dict[object, str]] = {}
    for line in lines:
        for row in line.rows.values():
            if kind.of(row) and row.measure in (kind.measures or (row.measure,)) and not _repeats(kind, line):
                found.setdefault(row.measure, {}).setdefault(kind.of(row), kind.shown(row))
    said = dict.fromkeys(text for values in found.values() if len(values) > 1 for text in values.values())
    return f"{kind.words} ({', '.join(said)})" if said else ""


def _repeats(kind: Kind, line: Line) -> bool:
    """Whether further seeds would repeat the pictures: samples of a label map are all alike, and LPIPS is zero."""
    return kind.words == SEEDS and "lpips" in line.rows and line.rows["lpips"].value == 0
