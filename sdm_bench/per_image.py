"""Numbers of single pictures, beside the results that they add up to: for finding the best and the worst cases."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from sdm_bench.errors import UserError
from sdm_bench.files import write_text

FILE = "per-image.csv"


class PerImage(NamedTuple):
    """One number of one picture. seed: its seed; None where it is of all samples of the label map `id`."""

    dataset: str
    split: str
    method: str
    variant: str
    solver: str
    steps: int | None
    guidance: float | None
    protocol: str
    metric: str
    seed: int | None
    id: str
    value: float


KEY = [name for name in PerImage._fields if name != "value"]
WHOLE = {"steps": "Int64", "seed": "Int64", "id": "string", "variant": "string", "solver": "string"}


def read_per_image(path: Path) -> pd.DataFrame:
    """The numbers of a CSV, one a line; raises UserError where it is not one."""
    frame = pd.read_csv(path, dtype=WHOLE, keep_default_na=True, encoding="utf-8")
    if list(frame.columns) != list(PerImage._fields):
        raise UserError(f"{path}: columns {', '.join(map(str, frame.columns))}; expected {', '.join(PerImage._fields)}")
    return frame


def store_per_image(path: Path, rows: Sequence[PerImage]) -> None:
    """Adds numbers to a CSV; one of the same picture, method, protocol and metric replaces the older one."""
    frame = pd.DataFrame(rows, columns=PerImage._fields).astype(WHOLE)
    texts = {"variant": "", "solver": ""}
    if path.is_file():
        frame = pd.concat([read_per_image(path), frame.astype({"guidance": float})])
    frame = frame.fillna(texts).drop_duplicates(KEY, keep="last")
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))
