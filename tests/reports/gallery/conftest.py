"""Three runs of the toy scenes, and their gallery."""

from pathlib import Path

import pytest

from reports.gallery.gallery import write_galleries
from reports.pictured import of_runs
from tests.evaluation.measured import real_at
from tests.reports.gallery.made import shelf_of, three_runs


@pytest.fixture(scope="session")
def runs(toy_cityscapes: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return three_runs(tmp_path_factory.mktemp("runs"), real_at(toy_cityscapes), toy_cityscapes)


@pytest.fixture(scope="session")
def gallery(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    (page,) = write_galleries(tmp_path_factory.mktemp("gallery") / "gallery.html", of_runs(runs), shelf_of(runs))
    return page
