"""What a folder of toy scenes says of itself, for those that read it."""

from pathlib import Path
from typing import Any

from sdm_bench.base.files import read_object

SETTINGS = "toy.json"


def toy_settings(path: Path) -> dict[str, Any]:
    """What SETTINGS holds: dataset, size, seed, version; raises UserError where it doesn't."""
    return read_object(path, dataset=str, size=list, seed=int, version=int)


def toy_dataset(root: Path | None) -> str | None:
    """The dataset whose toy scenes are in `root`; None where there are none."""
    path = None if root is None else root / SETTINGS
    return str(toy_settings(path)["dataset"]) if path is not None and path.is_file() else None
