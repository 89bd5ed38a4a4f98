"""The gallery's columns."""

import shutil
from pathlib import Path

from reports.gallery.columns import open_columns
from reports.pictured import of_runs
from sdm_bench.results.sample_sets import open_run
from tests.evaluation.measured import real_at
from tests.results.test_rows import row


def test_runs_that_are_called_alike_are_told_apart(runs: list[Path], toy_cityscapes: Path, tmp_path: Path) -> None:
    dataset = real_at(toy_cityscapes).dataset
    copies = [Path(shutil.copytree(runs[0], tmp_path / place)) for place in ("again", "a/same", "b/same")]
    columns = open_columns(of_runs([*runs, *copies]), dataset)
    titles = [column.title for column in columns]
    assert titles == [
        "SDM ddim 3 (sdm)", "SDM ddim 3 s=1.5", "SPADE", "SDM ddim 3 (again)", "SDM ddim 3 (same) 1",
        "SDM ddim 3 (same) 2",
    ]  # fmt: skip


def test_samples_are_known_by_all_their_seeds_and_by_those_that_were_measured(
    runs: list[Path], toy_cityscapes: Path
) -> None:
    dataset = real_at(toy_cityscapes).dataset
    (column,) = open_columns(of_runs(runs[:1]), dataset)
    of_all, of_one = open_run(runs[0], dataset).digest, open_run(runs[0], dataset, [1]).digest
    assert column.digests([]) == {of_all}
    assert column.digests([row(seeds="1"), row(seeds="0-1"), row(seeds="1-5"), row(seeds="")]) == {of_all, of_one}
