"""Three runs of the toy scenes, and a study of them."""

from pathlib import Path

import pytest

from tests.reports.study.made import built, made_runs


@pytest.fixture(scope="session")
def runs(toy_cityscapes: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return made_runs(tmp_path_factory.mktemp("compared"), toy_cityscapes)


@pytest.fixture(scope="session")
def study(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(runs, tmp_path_factory.mktemp("study"), label_map=True)
