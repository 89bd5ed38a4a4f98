"""Tables, pictures and pages from the results of runs: tables are made before anything is written."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.anonymous import rows_without_paths
from reports.figures.figures import PICTURED, FigureOptions, figure_files
from reports.figures.material import Material
from reports.gallery.gallery import Shelf, refuse_page, write_galleries
from reports.latex import document
from reports.names import Names, named
from reports.pictured import of_others, of_runs
from reports.published.table import published_tables
from reports.site.site import Content, refuse_site, write_site
from reports.table import FORMATS, Table, TableOptions
from reports.tables import make_tables
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import refuse_unwritable, write_bytes, write_text
from sdm_bench.base.folders import without_repeats
from sdm_bench.base.progress import say
from sdm_bench.results.rows import RESULTS_FILE, ResultRow, newest, read_rows
from sdm_bench.sampling.folders import SampleFolder

# What is shown of the published numbers: in columns beside ours, in tables of their own below ours, or nothing.
PUBLISHED = ("beside", "below", "off")
# Tables that have columns for them.
BESIDE = ("table1", "table3")
# Figures that show them: as marks and lines of their own.
BESIDE_FIGURES = ("guidance", "solvers", "plane")
# A document of all tables, which shows them as they will be printed.
DOCUMENT = "tables.tex"


@dataclass(frozen=True)
class Pages:
    """Web pages beside the tables. gallery: a page's file. site: a folder. paths: whether they show this machine's."""

    gallery: Path | None = None
    site: Path | None = None
    paths: bool = False


def write_report(
    runs: Sequence[Path],
    tables: Sequence[str],
    out: Path | None,
    figures: FigureOptions | None = None,
    published: str = "off",
    mean_over_training_seeds: bool = False,
    comparable: bool = False,
    pages: Pages | None = None,
    pictured: Sequence[Path] | None = None,
    factors: Sequence[str] = (),
    accuracy: bool = False,
    formats: Sequence[str] = FORMATS,
    names: Names | None = None,
) -> list[Path]:
    """Writes tables and figures from the results and samples of `runs`, and web pages; returns the paths.

    runs: folders with results.csv, or CSV files of results, which have no pictures. out: where tables and figures go;
    None for pages alone. figures: which are drawn, by default those of samples. published: one of PUBLISHED.
    mean_over_training_seeds, comparable, factors, accuracy: see TableOptions. pictured: the folders whose samples are
    shown, by default those of `runs`. formats: of the tables' files. names: what methods, datasets and columns are
    called. Raises UserError, before anything is written, for whatever can't be made or written.
    """
    pages, figures = pages or Pages(), figures or FigureOptions()
    _refuse_places(out, pages)
    _refuse_idle(tables, figures, published, factors, accuracy)
    runs = without_repeats(runs)
    with_results = [run for run in runs if _results(run).is_file()]
    if not with_results:
        raise UserError(
            f"no {RESULTS_FILE} in {', '.join(map(str, runs))}; `sdm-bench evaluate` writes them, those of --images to "
            f"./{RESULTS_FILE} or --out, which `report` takes as a file too"
        )
    for run in sorted(set(runs) - set(with_results)):
        say(f"{run}: no {RESULTS_FILE}; left out")
    files = map(_results, with_results)
    rows = [row for row, _ in newest((row, file) for file in files for row in read_rows(file))]
    shown_of = with_results if pictured is None else without_repeats(pictured)
    folders = [each for each in shown_of if SampleFolder(each).exists]
    shown = [*of_runs(folders), *of_others(rows, with_results)] if _has_pictures(out, figures, pages) else []
    options = TableOptions(
        mean_over_training_seeds, comparable, tuple(factors), accuracy, published == "beside", tuple(folders)
    )
    material = Material(
        rows, with_results, shown, runs, mean_over_training_seeds, figures.examples, figures.columns, folders,
        published == "beside",
    )  # fmt: skip
    with named(names or {}):
        return _write(tables, material, options, published, out, figures, pages, formats)


def _write(
    tables: Sequence[str],
    material: Material,
    options: TableOptions,
    published: str,
    out: Path | None,
    figures: FigureOptions,
    pages: Pages,
    formats: Sequence[str],
) -> list[Path]:
    rows, with_results = material.rows, material.places
    made = _tables(tables, rows, options, published)
    drawn = figure_files(material, figures) if out or pages.site else []
    texts = {out / name: text for table in made for name, text in table.files(formats).items()} if out else {}
    if out and "tex" in formats:
        texts[out / DOCUMENT] = document([table.name for table in made])
    images = {out / name: data for each in drawn for name, data in each.files.items()} if out else {}
    for path in (*texts, *images):
        _refuse_target(path)
    written: list[Path] = []
    if pages.gallery or pages.site:
        shown = rows if pages.paths else rows_without_paths(rows)
        numbers = _tables(tables, shown, options, published)
        content = Content(shown, numbers, with_results, material.pictured, drawn, anonymous=not pages.paths)
        written = _write_pages(pages, content)
    for path, text in texts.items():
        write_text(path, text)
    for path, data in images.items():
        write_bytes(path, data)
    return [*texts, *images, *written]


def _tables(names: Sequence[str], rows: Sequence[ResultRow], options: TableOptions, published: str) -> list[Table]:
    made = [table for name in dict.fromkeys(names) for table in make_tables(name, rows, options)]
    if published == "below":
        datasets = dict.fromkeys(row.dataset for row in rows)
        made += [table for dataset in datasets for table in published_tables(dataset)]
    return made


def _write_pages(pages: Pages, content: Content) -> list[Path]:
    written = []
    if pages.gallery:
        shelf = Shelf(content.rows, content.tables, content.places)
        written += write_galleries(pages.gallery, content.pictured, shelf)
    if pages.site:
        written.append(write_site(pages.site, content))
    return written


def _refuse_idle(
    tables: Sequence[str], figures: FigureOptions, published: str, factors: Sequence[str], accuracy: bool
) -> None:
    """Raises UserError for what is said of a table or figure that isn't asked for."""
    asked = {
        "--published beside": (published == "beside", BESIDE),
        "--factor": (bool(factors), ("table4", "ablation")),
        "--accuracy": (accuracy, ("table3",)),
    }
    for flag, (said, of) in asked.items():
        drawn = set(BESIDE_FIGURES) & set(figures.names or ()) if flag == "--published beside" else set()
        if said and not set(of) & set(tables) and not drawn:
            behind = f", or the figure {' or '.join(BESIDE_FIGURES)} with --figure" if of is BESIDE else ""
            raise UserError(f"{flag}: of the table {' or '.join(of)}; ask for it with --table{behind}")


def _has_pictures(out: Path | None, figures: FigureOptions, pages: Pages) -> bool:
    """Whether anything that is written shows pictures."""
    drawn = out is not None and (figures.names is None or bool({*figures.names} & {*PICTURED}))
    return drawn or pages.gallery is not None or pages.site is not None


def _refuse_places(out: Path | None, pages: Pages) -> None:
    if out:
        refuse_unwritable(out, "--out")
    if pages.gallery:
        refuse_page(pages.gallery)
    if pages.site:
        refuse_site(pages.site)
        for flag, place in (("--out", out), ("--gallery", pages.gallery)):
            if place and place.resolve().is_relative_to(pages.site.resolve()):
                raise UserError(f"{flag} {place}: in the site, which is replaced as a whole; choose another place")
    if pages.paths and not pages.gallery and not pages.site:
        raise UserError("--paths: of this machine, in the pages of --gallery and --site; give one of them")


def _results(place: Path) -> Path:
    return place / RESULTS_FILE if place.is_dir() else place


def _refuse_target(path: Path) -> None:
    """Raises UserError where a file can't be written or replaced."""
    if path.is_dir():
        raise UserError(f"--out {path.parent}: {path} is a folder; expected a file or nothing; nothing was written")
    if path.exists() and not os.access(path, os.W_OK):
        raise UserError(f"--out {path.parent}: no permission to replace {path}; nothing was written")
