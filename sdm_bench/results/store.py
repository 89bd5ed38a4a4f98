"""Where an evaluation's numbers go: results.csv, per-image.csv and provenance/ of one folder, under its lock."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import LOCK_FILE, locked, nearest_there, read_json, refuse_unwritable, write_json
from sdm_bench.base.progress import say
from sdm_bench.results.per_image import PER_IMAGE_FILE, PerImage, add_per_image, read_per_image
from sdm_bench.results.provenance import FOLDER, record
from sdm_bench.results.rows import ResultRow, add_rows, read_rows


def refuse_unusable(path: Path) -> None:
    """Raises UserError where numbers can't be added to the results CSV `path`, before anything is measured.

    Where the disk doesn't let it, which may change, a line says so: the numbers are printed all the same.
    """
    if path.is_dir():
        raise UserError(f"--out {path}: a folder; expected a CSV file")
    if path.name in (PER_IMAGE_FILE, FOLDER, LOCK_FILE):
        raise UserError(f"--out {path}: {path.name} is written beside the results; choose another name")
    try:
        refuse_unwritable(path.parent, "--out")
    except UserError as error:
        if not nearest_there(path.parent).is_dir():
            raise
        say(f"warning: {error.message}; the numbers will be printed alone")
    if path.is_file():
        read_rows(path)
    if path.with_name(PER_IMAGE_FILE).is_file():
        read_per_image(path.with_name(PER_IMAGE_FILE))


def store(
    path: Path, rows: Sequence[ResultRow], per_image: Sequence[PerImage], about: dict[str, Any]
) -> list[ResultRow]:
    """Adds a measurement's numbers, and how it was made, to the files at `path`; returns the rows with their record.

    Other processes that store at the same time wait, so that nothing is lost. Rows come last: where they are, all is.
    """
    with locked(path.parent):
        name = record(path.parent, about)
        stored = [row.model_copy(update={"evaluation": name}) for row in rows]
        if per_image:
            add_per_image(path.with_name(PER_IMAGE_FILE), per_image)
        add_rows(path, stored)
    return stored


def merge(source: Path, path: Path) -> None:
    """Adds the numbers of the results CSV `source`, and how they were made, to the files at `path`.

    Nothing is written where they are there already.
    """
    rows, pictures = read_rows(source), source.with_name(PER_IMAGE_FILE)
    with locked(path.parent):
        for file in sorted((source.parent / FOLDER).glob("*.json")):
            if not (path.parent / FOLDER / file.name).is_file():
                write_json(path.parent / FOLDER / file.name, read_json(file))
        if not path.is_file() or not {row.id for row in rows} <= {row.id for row in read_rows(path)}:
            if pictures.is_file():
                numbers = read_per_image(pictures).itertuples(index=False, name=None)
                add_per_image(path.with_name(PER_IMAGE_FILE), [PerImage(*each) for each in numbers])
            add_rows(path, rows)
