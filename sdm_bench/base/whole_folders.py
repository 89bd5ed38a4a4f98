"""Folders that are written whole: beside their place first, then in the place of an earlier one of their kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import named, read_object, refuse_unwritable
from sdm_bench.base.temporary import temporary_folder


def refuse_foreign(folder: Path, record: str, flag: str, kind: str) -> None:
    """Raises UserError where `folder` is neither absent, empty nor an earlier one that the program wrote.

    record: the JSON in it whose `files` names all others of it. flag, kind: how messages call it.
    """
    refuse_unwritable(folder.parent, flag)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{flag} {folder}: a file; expected a folder or nothing")
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() or path.is_symlink()}
    if not there:
        return
    if record not in there:
        raise UserError(f"{flag} {folder}: no {kind} of this program; expected an earlier one, an empty folder or none")
    files = read_object(folder / record, files=(list, dict))["files"]
    foreign = sorted(there - {record, *map(str, files)})
    if foreign:
        raise UserError(f"{flag} {folder}: {foreign[0]} is not of the {kind}, and would be lost; move it away")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yields an empty folder beside `folder`; it takes that place if the block succeeds, and is removed if not."""
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(folder.parent, folder.name) as made:
        yield made
        made.chmod(0o755)
        with named(folder):
            _take_place(made, folder)


def _take_place(made: Path, folder: Path) -> None:
    if not folder.exists():
        made.rename(folder)
        return
    with temporary_folder(folder.parent, folder.name) as beside:
        before = folder.rename(beside / "before")
        try:
            made.rename(folder)
        except OSError:
            before.rename(folder)
            raise


def files_of(folder: Path) -> list[str]:
    """The files below a folder that this program made, as paths inside it, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
