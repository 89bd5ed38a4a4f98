"""The site: tables, gallery, protocols and the account of every number, as pages that link to each other alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from reports.anonymous import without_paths
from reports.figures.figures import FigureFiles
from reports.gallery.gallery import Shelf, write_galleries
from reports.pages.render import render
from reports.pictured import Pictured
from reports.table import Table
from sdm_bench import __version__
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import named, read_object, refuse_unwritable, write_bytes, write_json, write_text
from sdm_bench.base.temporary import temporary_folder
from sdm_bench.evaluation.protocol_text import show
from sdm_bench.protocols.protocols import protocol, protocol_names
from sdm_bench.results.provenance import record_of
from sdm_bench.results.rows import REAL, ResultRow, to_csv

# What says that a folder is a site of ours, and which files it has.
RECORD = "site.json"
GALLERY, INDEX = "gallery.html", "index.html"
# Fields of a row that the table of all numbers shows.
FIELDS = (
    *("id", "dataset", "protocol", "method", "variant", "solver", "steps", "guidance", "metric", "class_name"),
    *("value", "spread", "num_images", "seeds"),
)
# Fields that its account shows beside each number.
ALWAYS = ("metric", "class_name", "value")
# Beside the pages, which show the tables themselves.
TABLE_FILES = ("csv", "md", "tex")
UNRECORDED = "not-recorded"


@dataclass(frozen=True)
class Content:
    """What a site shows.

    rows, tables: the numbers. places: the folders and files of results. pictured: what the gallery shows. figures: in
    the order of the page. anonymous: whether records of evaluations are shown without this machine's paths.
    """

    rows: Sequence[ResultRow]
    tables: Sequence[Table]
    places: Sequence[Path]
    pictured: Sequence[Pictured]
    figures: Sequence[FigureFiles]
    anonymous: bool = True


def refuse_site(folder: Path) -> None:
    """Raises UserError where a site can't be written to `folder`: it is neither empty, absent nor an earlier site."""
    refuse_unwritable(folder.parent, "--site")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--site {folder}: a file; expected a folder or nothing")
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    if not there:
        return
    if RECORD not in there:
        raise UserError(f"--site {folder}: no site of this program; expected an earlier one, an empty folder or none")
    foreign = sorted(there - {RECORD, *map(str, read_object(folder / RECORD, files=list)["files"])})
    if foreign:
        raise UserError(f"--site {folder}: {foreign[0]} is not of the site, and would be lost; move it away")


def write_site(folder: Path, content: Content) -> Path:
    """Writes the site into a folder beside `folder` and has it take that one's place; returns the first page.

    Raises UserError as `refuse_site` does.
    """
    folder = folder.resolve()
    refuse_site(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(folder.parent, folder.name) as made:
        _fill(made, content)
        files = sorted(str(path.relative_to(made)) for path in made.rglob("*") if path.is_file())
        write_json(made / RECORD, {"program": "sdm-bench", "version": __version__, "files": files})
        made.chmod(0o755)
        with named(folder):
            _take_place(made, folder)
    return folder / INDEX


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


def _fill(folder: Path, content: Content) -> None:
    rows = list({row.id: row for row in content.rows}.values())
    accounts = {row.id: f"numbers/{_account(row)}.html#{row.id}" for row in rows}
    galleries = []
    if content.pictured:
        shelf = Shelf(rows, content.tables, content.places, accounts, INDEX)
        galleries = [page.name for page in write_galleries(folder / GALLERY, content.pictured, shelf)]
    for table in content.tables:
        table.write(folder / "tables", TABLE_FILES)
    for name, data in (file for figure in content.figures for file in figure.files.items()):
        write_bytes(folder / "figures" / name, data)
    shipped = [name for name in dict.fromkeys(row.protocol for row in rows) if name in protocol_names()]
    for name in shipped:
        fields = {"name": name, "summary": protocol(name).summary, "text": show(name)}
        write_text(folder / "protocols" / f"{name}.html", render("site/protocol.html", **fields))
    _write_accounts(folder / "numbers", rows, content, shipped)
    write_text(folder / "results.csv", to_csv(rows))
    write_text(folder / "numbers.html", render("site/numbers.html", rows=rows, fields=FIELDS, addresses=accounts))
    index = render(
        "site/index.html",
        datasets=list(dict.fromkeys(row.dataset for row in rows)),
        galleries=galleries,
        tables=content.tables,
        formats=TABLE_FILES,
        addresses=accounts,
        figures=content.figures,
        protocols={row.protocol: protocol(row.protocol) if row.protocol in shipped else None for row in rows},
    )
    write_text(folder / INDEX, index)


def _account(row: ResultRow) -> str:
    """The page of the evaluation that a number comes from."""
    return Path(row.evaluation).name or UNRECORDED


def _write_accounts(folder: Path, rows: Sequence[ResultRow], content: Content, shipped: Sequence[str]) -> None:
    """A page an evaluation: its numbers, and the record of how they were measured."""
    by_page: dict[str, list[ResultRow]] = {}
    for row in rows:
        by_page.setdefault(_account(row), []).append(row)
    for name, of in by_page.items():
        file = record_of(of[0], content.places)
        fields = [*ALWAYS, *(each for each in ResultRow.model_fields if each not in (*ALWAYS, "evaluation"))]
        differing = [each for each in fields if each in ALWAYS or len({getattr(row, each) for row in of}) > 1]
        first = next((row for row in of if row.method != REAL), of[0])
        title = f"{first.measure} of {first.method} on {first.dataset}, {first.protocol}"
        text = render(
            "site/account.html",
            title=title if name != UNRECORDED else "Numbers without a record",
            rows=of,
            shared={each: getattr(first, each) for each in fields if each not in differing},
            differing=differing,
            protocols=shipped,
            record=_spelt(file, content.anonymous) if file else "",
        )
        write_text(folder / f"{name}.html", text)


def _spelt(file: Path, anonymous: bool) -> str:
    record = read_object(file)
    shown = without_paths(record) if anonymous else record
    text: str = yaml.safe_dump(json.loads(json.dumps(shown)), sort_keys=False, allow_unicode=True, width=110)
    return text.strip()
