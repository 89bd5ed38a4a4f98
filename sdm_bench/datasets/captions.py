"""Captions of a split's label maps, from a file that somebody brings.

Three forms, told by the file's ending, in UTF-8:

* `.json`: one object, `{"<id>": "<caption>", ...}`;
* `.jsonl`: an object a line, `{"id": "<id>", "caption": "<caption>"}`, without other fields;
* `.csv`: the columns `id` and `caption`, with a header, in any order, without others.
"""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_text, sha256_lines
from sdm_bench.datasets.base import SemanticDataset

FIELDS = ("id", "caption")
IDS_LISTED = 5
Pairs = list[tuple[Any, Any]]


@dataclass(frozen=True)
class Captions:
    """One caption a label map. texts: by id. sha256: over ids and captions, in the order of the ids."""

    texts: dict[str, str]
    sha256: str


def read_captions(path: Path, dataset: SemanticDataset) -> Captions:
    """The captions in the file of --captions; raises UserError unless there is exactly one for each label map."""
    ending = path.suffix.lower()
    if ending not in READERS:
        raise UserError(f"--captions {path}: ends in '{path.suffix}'; expected {', '.join(READERS)}")
    text = read_text(path, ending.removeprefix(".").upper()).removeprefix("\ufeff")
    try:
        pairs = READERS[ending](text)
    except (ValueError, RecursionError, csv.Error) as error:
        raise UserError(f"--captions {path}: {error}") from error
    _refuse_no_captions(path, pairs)
    _refuse_other_ids(path, [name for name, _ in pairs], [record.id for record in dataset.records])
    texts = dict(sorted(pairs))
    return Captions(texts, sha256_lines(json.dumps(pair) for pair in texts.items()))


def _json(text: str) -> Pairs:
    """As pairs, so that an id that is there twice is seen."""
    found = json.loads(text, object_pairs_hook=list)
    if not text.lstrip().startswith("{"):
        raise ValueError(f"expected one object, id to caption; found {type(found).__name__}")
    pairs: Pairs = found
    return pairs


def _jsonl(text: str) -> Pairs:
    return [_line(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]


def _line(number: int, line: str) -> tuple[Any, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number}: not JSON: {error}") from error
    if not isinstance(found, dict) or set(found) != set(FIELDS):
        raise ValueError(f"line {number}: expected an object with {' and '.join(FIELDS)}; found {line[:80]}")
    return found["id"], found["caption"]


def _csv(text: str) -> Pairs:
    reader = csv.DictReader(StringIO(text, newline=""), strict=True)
    columns = list(reader.fieldnames or ())
    if sorted(columns) != sorted(FIELDS):
        raise ValueError(f"columns {', '.join(columns) or 'none'}; expected {' and '.join(FIELDS)}")
    return [_cells(number, cells) for number, cells in enumerate(reader, start=2)]


def _cells(number: int, cells: dict[str, Any]) -> tuple[Any, Any]:
    if None in cells or None in cells.values():
        raise ValueError(f"line {number}: expected two cells")
    return cells["id"], cells["caption"]


READERS: dict[str, Callable[[str], Pairs]] = {".json": _json, ".jsonl": _jsonl, ".csv": _csv}


def _refuse_no_captions(path: Path, pairs: Pairs) -> None:
    for name, caption in pairs:
        for what, value in (("an id", name), (f"the caption of {name}", caption)):
            if not isinstance(value, str) or not value.strip():
                raise UserError(f"--captions {path}: {what} is {value!r}; expected text")


def _refuse_other_ids(path: Path, found: Sequence[str], expected: Sequence[str]) -> None:
    kinds = {
        "missing": sorted(set(expected) - set(found)),
        "not of the split": sorted(set(found) - set(expected)),
        "twice": sorted(name for name, count in Counter(found).items() if count > 1),
    }
    parts = [f"{len(ids)} {kind} ({', '.join(_listed(ids))})" for kind, ids in kinds.items() if ids]
    if parts:
        raise UserError(
            f"--captions {path}: not one caption for each of the split's {len(expected)} label maps: {'; '.join(parts)}"
        )


def _listed(ids: Iterable[str]) -> Iterator[str]:
    for number, name in enumerate(ids):
        if number == IDS_LISTED:
            yield "..."
            return
        yield name
