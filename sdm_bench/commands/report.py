"""Write tables and pictures from the results of runs."""

from collections.abc import Sequence
from pathlib import Path

from reports.figures import write_grids
from reports.published.table import published_table
from reports.tables import make_table
from sdm_bench.errors import UserError
from sdm_bench.progress import say
from sdm_bench.results import RESULTS_FILE, read_rows
from sdm_bench.sampling import SampleFolder


def write_report(
    runs: Sequence[Path], tables: Sequence[str], out: Path, figure: bool = True, published: bool = False
) -> list[Path]:
    """Writes tables from the results of `runs`, and a picture grid of their samples; returns the paths.

    published: also what others published on the same datasets, in tables of its own.
    """
    with_results = [run for run in runs if (run / RESULTS_FILE).is_file()]
    if not with_results:
        raise UserError(f"no {RESULTS_FILE} in {', '.join(map(str, runs))}; `sdm-bench evaluate` writes them")
    for run in sorted(set(runs) - set(with_results)):
        say(f"{run}: no {RESULTS_FILE}; left out")
    rows = [row for run in with_results for row in read_rows(run / RESULTS_FILE)]
    paths = [path for name in tables for path in make_table(name, rows).write(out)]
    if published:
        datasets = dict.fromkeys(row.dataset for row in rows)
        paths += [path for dataset in datasets for path in published_table(dataset).write(out)]
    if figure:
        paths += write_grids([run for run in with_results if SampleFolder(run).exists], out)
    return paths
