"""What stands for pictures in Python, as what is measured: folders, array files, arrays, photographs of a dataset."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TypeAlias

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.base import SemanticDataset
from sdm_bench.evaluation.context import stored_photographs
from sdm_bench.metrics.arrays import ARRAY, ARRAY_SUFFIXES, array_source, open_array
from sdm_bench.metrics.images import ImageSource, folder_source

Place: TypeAlias = str | PathLike[str]
Pictures: TypeAlias = Place | np.ndarray | SemanticDataset
EXPECTED = "a folder, an .npz or .npy of guided-diffusion, an array uint8 (N, H, W, 3), or a dataset"


def source_of(argument: str, pictures: Pictures) -> ImageSource:
    """The pictures that are given as `argument`; those of a dataset are its photographs as they are stored.

    Pictures of arrays have their places as ids, 00000 and so on. Raises UserError that names the argument.
    """
    if isinstance(pictures, SemanticDataset):
        return stored_photographs(pictures)
    if isinstance(pictures, np.ndarray):
        return _of_array(argument, pictures)
    if not isinstance(pictures, str | PathLike):
        raise UserError(f"{argument}: {type(pictures).__name__}; expected {EXPECTED}")
    place = Path(pictures)
    if place.suffix.lower() in ARRAY_SUFFIXES and not place.is_dir():
        opened = open_array(place)
        return array_source(str(place), place, opened, _numbered(len(opened)))
    if not place.is_dir():
        raise UserError(f"{argument} {place}: no such folder; expected {EXPECTED}")
    return folder_source(place)


def is_statistics(pictures: object) -> bool:
    """Whether a place holds statistics of features, as `stats export`, pytorch-fid, clean-fid and INADE write them."""
    if not isinstance(pictures, str | PathLike):
        return False
    place = Path(pictures)
    if place.is_dir():
        return (place / "m.npy").is_file()
    if place.suffix.lower() != ".npz" or not place.is_file():
        return False
    try:
        with np.load(place) as archive:
            return ARRAY not in archive.files
    except Exception:  # a damaged archive fails in many ways, which its reader says
        return False


def refuse_one_place(argument: str, places: object) -> None:
    """Raises UserError where a single place stands for a sequence of them."""
    if isinstance(places, str | PathLike | np.ndarray) or not isinstance(places, Sequence):
        raise UserError(f"{argument}: {type(places).__name__}; expected a list of two or more, one a sample")


def _of_array(argument: str, pictures: np.ndarray) -> ImageSource:
    if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3] != 3 or 0 in pictures.shape:
        raise UserError(f"{argument}: array {pictures.dtype} {pictures.shape}; expected uint8 (N, H, W, 3)")
    return array_source(argument, Path(argument), pictures, _numbered(len(pictures)))


def _numbered(count: int) -> dict[str, int]:
    return {f"{row:05d}": row for row in range(count)}
