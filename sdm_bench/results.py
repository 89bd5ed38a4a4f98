"""The typed result row and its store: one number, and everything that says what it means."""

import csv
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sdm_bench import __version__
from sdm_bench.errors import UserError
from sdm_bench.files import write_text

IDENTITY = ("dataset", "split", "method", "variant", "protocol", "metric", "class_name", "solver", "steps", "guidance")
"""Fields that say what a number is of; a newer measurement of the same replaces the older one."""


class ResultRow(BaseModel):
    """One number.

    variant: a method's ablation, empty for the plain one. class_name: the class a per-class number is of, else empty.
    extractor: the network behind the number (features, distances or segmentation). spread: standard deviation over
    what the note says, None where there is none. num_images: pictures measured, of one seed. seeds: as "0-2" or "0,4".
    weights_sha256: the generator's; manifest_sha256: over the measured pictures' ids and bytes. evaluation: the name of
    the record in provenance.py that says how it was measured, empty for rows without one.
    """

    model_config = ConfigDict(extra="forbid")

    dataset: str
    split: str
    method: str
    variant: str = ""
    protocol: str
    metric: str
    class_name: str = ""
    value: float
    unit: str = ""
    direction: Literal["lower", "higher"]
    spread: float | None = None
    num_images: int
    seeds: str
    solver: str = ""
    steps: int | None = None
    guidance: float | None = None
    extractor: str
    weights_sha256: str = ""
    manifest_sha256: str
    note: str = ""
    evaluation: str = ""
    version: str = __version__
    time: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def key(self) -> tuple:
        """What the number is of: of two rows with one key, the newer holds."""
        return tuple(getattr(self, name) for name in IDENTITY)

    @property
    def id(self) -> str:
        """Ten hexadecimal digits that name the number: what it is of, of which pictures, and its value."""
        decides = [*self.key(), self.seeds, self.extractor, self.weights_sha256, self.manifest_sha256, self.value]
        return hashlib.sha256(repr(decides).encode()).hexdigest()[:ID_DIGITS]


ID_DIGITS = 10
REAL = "real photographs"
"""The method of rows of what a segmenter makes of the photographs themselves."""
RESULTS_FILE = "results.csv"
"""What a run's results are called."""
COLUMNS = ("id", *ResultRow.model_fields)


def read_rows(path: Path) -> list[ResultRow]:
    """The rows of a results CSV; raises UserError that names the line that is not a row."""
    if not path.is_file():
        raise UserError(f"{path}: no results there; `sdm-bench evaluate` writes them")
    with path.open(newline="", encoding="utf-8") as stream:
        return [_row(path, number, cells) for number, cells in enumerate(csv.DictReader(stream), start=2)]


def _row(path: Path, number: int, cells: dict[str, str]) -> ResultRow:
    optional = ("spread", "steps", "guidance")
    try:
        fields = {k: None if k in optional and v == "" else v for k, v in cells.items() if k != "id"}
        return ResultRow(**fields)  # type: ignore[arg-type]
    except (ValidationError, TypeError) as error:
        raise UserError(f"{path}, line {number}: not a result row: {error}") from error


def to_csv(rows: Iterable[ResultRow]) -> str:
    """The rows as CSV, with a header; numbers in full precision."""
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        fields = {"id": row.id, **row.model_dump()}
        writer.writerow({k: "" if v is None else v for k, v in fields.items()})
    return text.getvalue()


def store(path: Path, rows: Iterable[ResultRow]) -> None:
    """Adds rows to a results CSV; a row of the same key replaces the older one."""
    kept = {row.key(): row for row in (read_rows(path) if path.is_file() else [])}
    kept |= {row.key(): row for row in rows}
    write_text(path, to_csv(kept.values()))
