"""The gallery: a page with a row a label map, its photograph and every run's samples, and its pictures beside it."""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports.gallery.columns import open_columns
from reports.gallery.data import draw
from reports.gallery.numbers import find_numbers
from reports.pages.render import data_block, render
from reports.pictured import Pictured, Shown
from reports.shown import GONE, file_name, label_maps, shown_together
from reports.table import Table
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import read_text, refuse_unwritable, write_text
from sdm_bench.base.progress import say
from sdm_bench.base.temporary import temporary_folder
from sdm_bench.datasets.transforms import Resized
from sdm_bench.results.rows import ResultRow

SCRIPTS = tuple(f"gallery/{name}.js" for name in ("view", "rows", "controls", "zoom", "viewer", "keys"))
STYLES = ("gallery/gallery.css",)
# How a page of ours begins, and where it says which folder has its pictures.
BEGINNING = 4000
OURS = '<meta name="generator" content="sdm-bench '
BESIDE = re.compile(r'<meta name="pictures" content="([^"/\\]+)">')


@dataclass(frozen=True)
class Shelf:
    """What stands above the pictures, and where their numbers are looked up.

    tables: with the numbers of `rows`. addresses: of the account of each number by its id; a number without one has it
    in the page. places: folders and files of results. home: the page that this one belongs to, empty for none.
    """

    rows: Sequence[ResultRow]
    tables: Sequence[Table]
    places: Sequence[Path]
    addresses: Mapping[str, str] = field(default_factory=dict)
    home: str = ""


def refuse_page(path: Path) -> None:
    """Raises UserError where the gallery can't be written to `path`: no page, or one that somebody else made."""
    if path.suffix.lower() != ".html":
        raise UserError(f"--gallery {path}: expected a name that ends in .html")
    refuse_unwritable(path.parent, "--gallery")
    if path.is_dir():
        raise UserError(f"--gallery {path}: a folder; expected a file or nothing")
    if path.is_file() and OURS not in read_text(path, "page")[:BEGINNING]:
        raise UserError(f"--gallery {path}: not a page of this program; expected an earlier gallery or nothing")


def write_galleries(path: Path, pictured: Sequence[Pictured], shelf: Shelf) -> list[Path]:
    """Writes the page of pictures, or one for each split, size and label maps; returns the pages.

    A single one is `path`; several have these behind its stem. Pictures that a page doesn't hold stand in a folder
    beside it. Raises UserError where there is nothing to show, and as `refuse_page` does.
    """
    groups = shown_together(pictured)
    if not groups:
        raise UserError(
            "--gallery: no samples in any of the runs; expected folders that `sdm-bench generate` wrote, or results of "
            "`evaluate --images` with the pictures where they were"
        )
    pages = {shown: path.with_name(file_name(shown, list(groups), path.stem, path.suffix)) for shown in groups}
    for page in pages.values():
        refuse_page(page)
    found = {shown: label_maps(shown, targets) for shown, targets in groups.items()}
    gone = [", ".join(each.place for each in groups[shown]) for shown, real in found.items() if real is None]
    if len(gone) == len(groups):
        raise UserError(f"--gallery: {'; '.join(gone)}: {GONE}")
    for folder in gone:
        say(f"gallery of {folder} left out: {GONE}")
    return [
        write_gallery(pages[shown], shown, groups[shown], real, shelf)
        for shown, real in found.items()
        if real is not None
    ]


def write_gallery(path: Path, shown: Shown, pictured: Sequence[Pictured], real: Resized, shelf: Shelf) -> Path:
    """Writes one page, and its pictures beside it where it doesn't hold them; the page changes last.

    A folder of pictures has a name of its content, so that an earlier page keeps its own until it is replaced.
    """
    columns = open_columns(pictured, real.dataset)
    numbers = find_numbers(columns, shelf.places, shelf.rows)
    before = _pictures_of(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(path.parent, path.stem) as folder:
        data, pictures = draw(real, columns, numbers, shelf.rows, folder)
        if pictures.written:
            about = hashlib.sha256((json.dumps(data) + pictures.digest).encode()).hexdigest()
            data["folder"] = f"{path.stem}-{about[:8]}"
            kept = path.with_name(data["folder"])
            folder.chmod(0o755)
            if not kept.exists():
                folder.rename(kept)
    write_text(path, page(data, pictures.inline, shown, numbers.remarks, shelf))
    if before is not None and before.name != data["folder"]:
        shutil.rmtree(before, ignore_errors=True)
    return path


def page(
    data: dict[str, Any],
    inline: dict[str, list[str]] | None,
    shown: Shown,
    remarks: Sequence[str],
    shelf: Shelf,
) -> str:
    """The page's text. data: see `draw`. inline: small pictures by kind and row in base64, None where beside it."""
    kept = [row for row in shelf.rows if not row.class_name and row.id not in shelf.addresses]
    return render(
        "gallery/gallery.html",
        STYLES,
        SCRIPTS,
        shown=shown,
        columns=[column["title"] for column in data["columns"]],
        count=len(data["ids"]),
        folder=data["folder"],
        home=shelf.home,
        remarks=remarks,
        tables=shelf.tables,
        numbers=kept,
        addresses={row.id: f"#number-{row.id}" for row in kept} | dict(shelf.addresses),
        data=data_block(data),
        pictures=data_block(inline),
    )


def _pictures_of(path: Path) -> Path | None:
    """The folder of pictures of an earlier page at `path`, where there is one."""
    found = BESIDE.search(read_text(path, "page")[:BEGINNING]) if path.is_file() else None
    if found is None or not re.fullmatch(rf"{re.escape(path.stem)}-[0-9a-f]{{8}}", found[1]):
        return None
    folder = path.with_name(found[1])
    return folder if folder.is_dir() else None
