"""Where the files are, how ids become classes, how images are resized. `open` opens a split by its dataset's name."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdm_bench.datasets.known_datasets import open_dataset as open

__all__ = ["open"]


def __getattr__(name: str) -> Any:
    if name == "open":
        return import_module("sdm_bench.datasets.known_datasets").open_dataset
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
