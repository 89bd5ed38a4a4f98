"""Tables and pictures from the results of runs: everything is made before anything is written."""

import os
from collections.abc import Sequence
from pathlib import Path

from reports.figures import make_grids
from reports.published.table import published_table
from reports.table import TableOptions
from reports.tables import make_table
from sdm_bench.base.errors import UserError
from sdm_bench.base.files import refuse_unwritable, write_png, write_text
from sdm_bench.base.progress import say
from sdm_bench.results.rows import RESULTS_FILE, read_rows
from sdm_bench.sampling.folders import SampleFolder


def write_report(
    runs: Sequence[Path],
    tables: Sequence[str],
    out: Path,
    figure: bool = True,
    published: bool = False,
    mean_over_training_seeds: bool = False,
    comparable: bool = False,
    pictured: Sequence[Path] | None = None,
) -> list[Path]:
    """Writes tables from the results of `runs`, and a picture grid of their samples; returns the paths.

    runs: folders with results.csv, or CSV files of results, which have no pictures.
    published: also what others published on the same datasets, in tables of its own. mean_over_training_seeds,
    comparable: see TableOptions. pictured: the folders whose samples the grid shows, by default those of `runs`.
    Raises UserError, before anything is written, for whatever can't be made or written.
    """
    refuse_unwritable(out, "--out")
    runs = list(dict.fromkeys(runs))
    with_results = [run for run in runs if _results(run).is_file()]
    if not with_results:
        raise UserError(
            f"no {RESULTS_FILE} in {', '.join(map(str, runs))}; `sdm-bench evaluate` writes them, those of --images to "
            f"./{RESULTS_FILE} or --out, which `report` takes as a file too"
        )
    for run in sorted(set(runs) - set(with_results)):
        say(f"{run}: no {RESULTS_FILE}; left out")
    rows = [row for run in with_results for row in read_rows(_results(run))]
    options = TableOptions(mean_over_training_seeds, comparable)
    made = [make_table(name, rows, options) for name in dict.fromkeys(tables)]
    if published:
        made += [published_table(dataset) for dataset in dict.fromkeys(row.dataset for row in rows)]
    shown = with_results if pictured is None else pictured
    pictures = make_grids([folder for folder in shown if SampleFolder(folder).exists]) if figure else {}
    texts = {out / name: text for table in made for name, text in table.files().items()}
    images = {out / name: pixels for name, pixels in pictures.items()}
    for path in (*texts, *images):
        _refuse_target(path)
    for path, text in texts.items():
        write_text(path, text)
    for path, pixels in images.items():
        write_png(path, pixels)
    return [*texts, *images]


def _results(place: Path) -> Path:
    return place / RESULTS_FILE if place.is_dir() else place


def _refuse_target(path: Path) -> None:
    """Raises UserError where a file can't be written or replaced."""
    if path.is_dir():
        raise UserError(f"--out {path.parent}: {path} is a folder; expected a file or nothing; nothing was written")
    if path.exists() and not os.access(path, os.W_OK):
        raise UserError(f"--out {path.parent}: no permission to replace {path}; nothing was written")
