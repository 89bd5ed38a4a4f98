"""The typed result row and its store: one number, and everything that decides it."""

import csv
import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from sdm_bench import __version__
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_text, write_text
from sdm_bench.base.integers import EXPECTED, integers_in
from sdm_bench.base.progress import say
from sdm_bench.base.sections import Section, parsed
from sdm_bench.models.methods import METHODS
from sdm_bench.sampling.folders import BY_SEGMENTER

RESULTS_FILE = "results.csv"
Track = Literal["labels", "text"]
LABELS: Track = "labels"
TEXT: Track = "text"
# The method of rows of what a segmenter makes of the photographs themselves.
REAL = "real photographs"
ID_DIGITS = 10
# What tables say of a row whose id is another than its content has.
EDITED = "edited by hand, its id does not fit"


class ResultRow(Section):
    """One number, and everything that decides it.

    Who made the pictures. method: a name of methods.yaml, or what somebody's pictures are called. track: `labels` for
    what knows label maps alone, `text` for what has a text-to-image prior; empty for photographs. Numbers of the two
    are never ranked together. variant: a method's ablation, empty for the plain one. solver, steps, guidance: of a
    diffusion model. training_steps, training_seed: None where nobody says; steps also of a training by a budget, which
    is a part of its configuration. weights_sha256: over all tensors of the generator. configuration_sha256: over its
    network, its diffusion process and how it was trained, but for seed and steps; empty where nobody says.
    Which pictures. sample_set: the digest of the SampleSet. labels_sha256: over the label maps that they are of, and
    their classes. image_size: "WIDTHxHEIGHT", or "several". seeds: sample numbers, as "0-2" or "0,4". num_images:
    measured pictures of one seed. incomplete: what is missing or too many, empty for exactly the pictures of the split.
    manifest_sha256: over the measured pictures' ids and bytes.
    How they were measured. protocol_sha256: over what the protocol states of the metric on the dataset. measure: the
    metric object that gave the row, with all rows of one measurement. extractor_sha256: over what was loaded of the
    network behind the number (features, distances or segmentation). num_real, reference_sha256: the real side, None
    and empty where there is none; of a CLIP score the captions' digest.
    The number. class_name: the class that a per-class number is of, else empty. spread: standard deviation over
    `spread_over`, None where there is none. extractor: what the network is called or where it lay. note: what a table
    has to say of the number.
    folder: where the pictures were. evaluation: the record in provenance.py of how it was measured.
    """

    dataset: str
    split: str
    protocol: str
    protocol_sha256: str
    method: str = Field(min_length=1)
    track: Literal["", "labels", "text"] = LABELS
    variant: str = ""
    solver: str = ""
    steps: int | None = Field(default=None, ge=1)
    guidance: float | None = None
    training_steps: int | None = None
    training_seed: int | None = None
    weights_sha256: str = ""
    configuration_sha256: str = ""
    sample_set: str
    labels_sha256: str
    image_size: str = Field(pattern=r"^(\d{1,6}x\d{1,6}|several)$")
    seeds: str
    num_images: int = Field(ge=1)
    incomplete: str = ""
    manifest_sha256: str
    measure: str
    extractor_sha256: str
    num_real: int | None = Field(default=None, ge=1)
    reference_sha256: str = ""
    metric: str
    class_name: str = ""
    # NaN has words of its own, where it is measured and where it is read
    value: float = Field(allow_inf_nan=True)
    unit: str = ""
    direction: Literal["lower", "higher"]
    extractor: str
    spread: float | None = Field(default=None, ge=0)
    spread_over: Literal["", "seeds", "label maps"] = ""
    note: str = ""
    folder: str = ""
    evaluation: str = ""
    version: str = __version__
    time: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @field_validator("seeds")
    @classmethod
    def _read(cls, value: str) -> str:
        if value and integers_in(value) is None:
            raise ValueError(f"found {value!r}; expected {EXPECTED}")
        return value

    def group(self) -> tuple:
        """What one measurement is of: its rows stand and are replaced together."""
        return tuple(getattr(self, name) for name in GROUP)

    def key(self) -> tuple:
        """Everything that decides the number: of two rows with one key, the newer holds."""
        return *self.group(), self.metric, self.class_name

    @property
    def by_segmenter(self) -> bool:
        """Whether a segmenter guided; guidance is then above 0, and otherwise off up to 1."""
        return BY_SEGMENTER in self.variant.split(", ")

    @property
    def guided(self) -> bool:
        """Whether guidance was on."""
        return self.guidance is not None and (self.by_segmenter or self.guidance > 1)

    @property
    def id(self) -> str:
        """Ten hexadecimal digits that name the number: its key and its value.

        A track is a part of it where it is `text`, so that ids from before there were tracks still hold.
        """
        named = [getattr(self, name) for name in (*GROUP, "metric", "class_name") if name not in ADDED]
        track = [self.track] if self.track == TEXT else []
        return hashlib.sha256(repr([*named, self.value, *track]).encode()).hexdigest()[:ID_DIGITS]


GROUP = tuple(ResultRow.model_fields)[: tuple(ResultRow.model_fields).index("metric")]
COLUMNS = ("id", *ResultRow.model_fields)
# Columns that results of earlier versions lack and that can be filled in.
ADDED = ("track",)
OPTIONAL = frozenset(name for name, field in ResultRow.model_fields.items() if field.default is None)


def read_rows(path: Path) -> list[ResultRow]:
    """The rows of a results CSV; raises UserError that names the line that is not a row.

    A file of another version of the program is refused where its rows don't say all that decides a number. Rows from
    before there were tracks are of label maps alone, as all that the program made was; a line names other methods.
    A row whose id doesn't fit is named, and says so in its note.
    """
    found = read_stated(path)
    return [_marked(row, stated, f"{path}, line {number}") for number, (stated, row) in enumerate(found, start=2)]


def read_stated(path: Path) -> list[tuple[str, ResultRow]]:
    """As `read_rows`, each row as it stands with the id that its line states, whether or not that fits."""
    if not path.is_file():
        raise UserError(f"{path}: no results there; `sdm-bench evaluate` writes them")
    try:
        reader = csv.DictReader(StringIO(read_text(path, "CSV"), newline=""), strict=True)
        columns = list(reader.fieldnames or ())
        if not columns:
            raise UserError(f"{path}: empty; expected the results that `sdm-bench evaluate` writes")
        _refuse_other_columns(path, columns)
        rows = [_row(path, number, cells, len(columns)) for number, cells in enumerate(reader, start=2)]
    except csv.Error as error:
        raise UserError(f"{path}: not a CSV in UTF-8: {error}") from error
    if "track" not in columns:
        _say_assumed_track(path, [row for _, row in rows])
    return rows


def _say_assumed_track(path: Path, rows: Iterable[ResultRow]) -> None:
    """A line that names somebody's pictures in a file without tracks."""
    theirs = dict.fromkeys(row.method for row in rows if row.method != REAL and row.method not in METHODS)
    if theirs:
        say(
            f"{path}: written before there were tracks; {', '.join(theirs)} read as track {LABELS}; measure again with "
            f"--track {TEXT} what has a text-to-image prior"
        )


def _refuse_other_columns(path: Path, found: Sequence[str]) -> None:
    separator = next((each for each in ";\t" if len(found) == 1 and each in found[0]), "")
    if separator:
        raise UserError(f"{path}: its cells are separated by {separator!r}; expected commas, and points in numbers")
    twice = next((name for name, count in Counter(found).items() if count > 1), None)
    if twice is not None:
        raise UserError(f"{path}: two columns are called {twice!r}; expected one")
    lacking = [name for name in COLUMNS if name not in {*found, *ADDED}]
    unknown = [name for name in found if name not in COLUMNS]
    if lacking or unknown:
        details = [f"lacks {', '.join(lacking)}"] if lacking else []
        details += [f"has {', '.join(unknown)}"] if unknown else []
        raise UserError(
            f"{path}: not the results of this version of the program: it {' and '.join(details)}; "
            "move it away and measure again"
        )


def _row(path: Path, number: int, cells: dict[str, Any], count: int) -> tuple[str, ResultRow]:
    if None in cells or None in cells.values():
        raise UserError(f"{path}, line {number}: not a result row: expected {count} cells")
    cells = {"track": "" if cells["method"] == REAL else LABELS} | cells
    fields = {name: None if name in OPTIONAL and cell == "" else cell for name, cell in cells.items() if name != "id"}
    row = parsed(ResultRow, fields, f"{path}, line {number}: not a result row")
    if not math.isfinite(row.value):
        raise UserError(f"{path}, line {number}: {row.metric} of {row.method} is {row.value}; expected a finite number")
    return cells["id"], row


def _marked(row: ResultRow, stated: str, where: str) -> ResultRow:
    if row.id == stated:
        return row
    say(f"warning: {where}: the id {stated} does not fit what the line says: edited by hand?")
    notes = dict.fromkeys([*filter(None, row.note.split("; ")), EDITED])
    return row.model_copy(update={"note": "; ".join(notes)})


def newest(found: Iterable[tuple[ResultRow, Path]]) -> list[tuple[ResultRow, Path]]:
    """Rows with the file of each, of two with one key the newer; a line says which files have another value of one."""
    kept: dict[tuple, tuple[ResultRow, Path]] = {}
    differing: dict[tuple[Path, Path], list[tuple[ResultRow, ResultRow]]] = {}
    for row, file in found:
        before = kept.get(row.key())
        if before is not None and before[0].value != row.value:
            differing.setdefault((before[1], file), []).append((before[0], row))
        if before is None or row.time >= before[0].time:
            kept[row.key()] = row, file
    for files, pairs in differing.items():
        one, other = pairs[0]
        more = f", and {len(pairs) - 1} like it" if len(pairs) > 1 else ""
        say(
            f"{', '.join(dict.fromkeys(map(str, files)))}: {one.metric} of {one.method} is {one.value:.10g} ({one.id}) "
            f"and {other.value:.10g} ({other.id}){more}; these are one measurement; the newer is taken"
        )
    return list(kept.values())


def to_csv(rows: Iterable[ResultRow]) -> str:
    """The rows as CSV, with a header; numbers in full precision."""
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        fields = {"id": row.id, **row.model_dump()}
        writer.writerow({k: "" if v is None else v for k, v in fields.items()})
    return text.getvalue()


def add_rows(path: Path, rows: Iterable[ResultRow]) -> None:
    """Adds rows to a results CSV; those of a measurement that is there already replace all its rows.

    A line names numbers that the measurement gave before and not this time, such as one that an option asked for. The
    caller holds the folder's lock.
    """
    rows, there = list(rows), read_rows(path) if path.is_file() else []
    measured, again = {row.group() for row in rows}, {row.key() for row in rows}
    lost = [row for row in there if row.group() in measured and row.key() not in again]
    if lost:
        names = dict.fromkeys(f"{row.metric} {row.class_name}".strip() for row in lost)
        say(f"{path}: {', '.join(names)} of {lost[0].method} removed: measured before, and not this time")
    write_text(path, to_csv([*(row for row in there if row.group() not in measured), *rows]))
