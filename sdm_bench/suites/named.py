"""What a suite made, by names that people read: `data/`, `trained/` and `runs/` of its folder.

Cells lie by their keys, so that a changed one never touches another. Beside them there are links to those of the plan:
`data/<dataset>`, `trained/<training>` and `runs/<samples>`, which every other command takes as folders. Samples get the
numbers of all their cells into one results.csv.
"""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from sdm_bench.base.progress import say
from sdm_bench.results.store import merge
from sdm_bench.suites.cells import Cell
from sdm_bench.suites.results import read_result
from sdm_bench.suites.work import RESULTS

FOLDERS = {"data": "data", "train": "trained", "segmenter": "trained", "generate": "runs"}


def name_results(cells: Collection[Cell], out: Path) -> None:
    """Links what the cells of a plan made below `out`, and puts the numbers of samples beside them.

    A link of an earlier plan is replaced; anything else of that name stays, and a line says so.
    """
    done = [cell for cell in cells if _is_done(cell, out)]
    for cell in done:
        numbers = out / cell.work_folder / RESULTS
        if cell.kind == "evaluate" and numbers.is_file():
            merge(numbers, out / cell.options["samples"] / RESULTS)
    for link, target in _links(cells, done):
        _link(out / link, out / target)


def _is_done(cell: Cell, out: Path) -> bool:
    found = read_result(out, cell.id)
    return found is not None and found.result is not None


def _links(cells: Collection[Cell], done: list[Cell]) -> Iterator[tuple[str, str]]:
    """Each link and what it leads to, below the suite's folder; what all names share is left out of them."""
    datasets = {cell.name.partition(".")[2] for cell in cells if cell.kind == "data"}
    shared = f"{next(iter(datasets))}." if len(datasets) == 1 else ""
    for cell in done:
        if cell.kind in FOLDERS and (cell.kind != "data" or "toy" in cell.options):
            name = cell.name.partition(".")[2].partition(".shard-")[0]
            yield f"{FOLDERS[cell.kind]}/{name.removeprefix(shared)}", cell.work_folder


def _link(link: Path, target: Path) -> None:
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        say(f"{link}: there already and no link; it stays, and what the suite made is {target}")
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(target, link.parent), target_is_directory=True)
