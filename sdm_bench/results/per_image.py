"""Numbers of single pictures, beside the results that they add up to: for finding the best and the worst cases."""

from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_text, write_text

if TYPE_CHECKING:
    import pandas as pd

PER_IMAGE_FILE = "per-image.csv"


class PerImage(NamedTuple):
    """One number of one picture, of the sample set and the measurement of ResultRows.

    seed: the picture's; None where the number is of all samples of the label map `id`.
    """

    dataset: str
    split: str
    method: str
    variant: str
    solver: str
    steps: int | None
    guidance: float | None
    sample_set: str
    protocol: str
    protocol_sha256: str
    measure: str
    extractor_sha256: str
    metric: str
    seed: int | None
    id: str
    value: float


# What one measurement is of: its numbers stand and are replaced together.
GROUP = ["sample_set", "protocol", "protocol_sha256", "measure", "extractor_sha256"]
TYPES = {"steps": "Int64", "guidance": "Float64", "seed": "Int64", "value": "float64"}
TYPES |= {name: "string" for name in PerImage._fields if name not in TYPES}


def read_per_image(path: Path) -> "pd.DataFrame":
    """The numbers of a CSV, one a line; raises UserError where it is not one."""
    import pandas as pd

    try:
        frame = pd.read_csv(StringIO(read_text(path, "CSV")), dtype="string", keep_default_na=False)
        found = list(frame.columns)
        if found != list(PerImage._fields):
            raise UserError(
                f"{path}: columns {', '.join(map(str, found))}; expected {', '.join(PerImage._fields)}; move it away"
            )
        numbers = [name for name, kind in TYPES.items() if kind != "string"]
        frame[numbers] = frame[numbers].replace("", pd.NA).apply(pd.to_numeric)
        return frame.astype(TYPES)
    except (ValueError, TypeError, OverflowError) as error:
        raise UserError(f"{path}: not numbers of single pictures: {error}") from error


def add_per_image(path: Path, numbers: Sequence[PerImage]) -> None:
    """Adds numbers to a CSV; those of a measurement that is there already replace all its numbers.

    The caller holds the folder's lock.
    """
    import pandas as pd

    frame = pd.DataFrame(numbers, columns=PerImage._fields).astype(TYPES)
    if path.is_file():
        there = read_per_image(path)
        measured = pd.MultiIndex.from_frame(frame[GROUP])
        frame = pd.concat([there[~pd.MultiIndex.from_frame(there[GROUP]).isin(measured)], frame])
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))
