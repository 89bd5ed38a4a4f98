"""Numbers of single pictures find the pictures they are of."""

import shutil
from pathlib import Path

import pytest

from reports.gallery.columns import Column, open_columns
from reports.gallery.numbers import Measure, find_numbers
from reports.pictured import of_runs
from sdm_bench.base.files import write_png
from sdm_bench.datasets.pictures import read_image
from tests.evaluation.measured import real_at
from tests.reports.gallery.made import shelf_of

MIOU = Measure("miou", "sdm-bench@1", "p", "e")
LPIPS = Measure("lpips", "sdm-bench@1", "p", "e")


def columns_of(runs: list[Path], root: Path) -> list[Column]:
    return open_columns(of_runs(runs), real_at(root).dataset)


def test_each_number_is_of_its_column_seed_and_label_map(runs: list[Path], toy_cityscapes: Path) -> None:
    columns = columns_of(runs, toy_cityscapes)
    found = find_numbers(columns, runs, shelf_of(runs).rows)
    ids = columns[0].samples.images[0].ids
    assert set(found.by_measure) == {MIOU, LPIPS}
    assert set(found.by_measure[MIOU]) == {0, 1}
    assert [found.by_measure[MIOU][0][1, name] for name in ids] == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert [found.by_measure[LPIPS][0][None, name] for name in ids] == [0.05, 0.04, 0.03, 0.02, 0.01]
    assert found.titles(shelf_of(runs).rows)[0].startswith("mIoU, sdm-bench@1, ")


def test_what_is_missing_is_said(runs: list[Path], toy_cityscapes: Path) -> None:
    found = find_numbers(columns_of(runs, toy_cityscapes), runs, shelf_of(runs).rows)
    assert len(found.remarks) == 2
    assert found.remarks[0].startswith("No numbers of single pictures of SPADE: `sdm-bench evaluate` writes them")
    assert found.remarks[1] == "No LPIPS of single label maps of SDM ddim 3 s=1.5: not measured of these pictures."


def test_numbers_beside_another_results_file_are_found(runs: list[Path], toy_cityscapes: Path, tmp_path: Path) -> None:
    shutil.copy(runs[0] / "per-image.csv", tmp_path)
    found = find_numbers(columns_of(runs, toy_cityscapes), [tmp_path / "all.csv"], shelf_of(runs).rows)
    assert set(found.by_measure[MIOU]) == {0}


@pytest.mark.parametrize("changed", ["sample", "seeds"])
def test_numbers_of_other_pictures_are_none_of_these(
    changed: str, runs: list[Path], toy_cityscapes: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(runs[0], tmp_path / "run"))
    picture = sorted((run / "samples/seed-001").iterdir())[0]
    if changed == "sample":
        write_png(picture, 255 - read_image(picture))
    else:
        shutil.rmtree(run / "samples/seed-001")
        (run / "run.json").write_text((run / "run.json").read_text().replace("0,\n  1\n", "0\n"))
    found = find_numbers(columns_of([run], toy_cityscapes), [run], shelf_of([run]).rows)
    assert found.by_measure == {}
    assert found.remarks[0].endswith("those there, if any, are of other pictures.")


def test_measures_of_one_name_are_told_apart(runs: list[Path], toy_cityscapes: Path, tmp_path: Path) -> None:
    other = tmp_path / "per-image.csv"
    other.write_text((runs[0] / "per-image.csv").read_text().replace(",miou,e,", ",miou,f,"))
    found = find_numbers(columns_of(runs[:1], toy_cityscapes), [runs[0], tmp_path], [])
    assert len(found.by_measure) == 3
    assert len(set(found.titles([]))) == 3
