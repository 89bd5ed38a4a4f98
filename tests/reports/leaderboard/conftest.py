"""A run of two seeds with all its numbers, and its bundle with samples."""

from pathlib import Path

import pytest

from tests.reports.leaderboard.made import bundled, copied, measured_run, somebody


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a user, in whose folder everything lies."""
    return tmp_path_factory.mktemp("home") / "mallory77"


@pytest.fixture(scope="session")
def run(home: Path, toy_cityscapes: Path, untrained_cache: Path) -> Path:
    return measured_run(home / "runs/sdm", toy_cityscapes, untrained_cache, [0, 1])


@pytest.fixture(scope="session")
def whole(run: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle, which no test changes."""
    with somebody(home, home / "runs"):
        return bundled([run], tmp_path_factory.mktemp("bundles") / "whole", name="A lab", note="<b>first</b>")


@pytest.fixture
def bundle(whole: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return copied(whole, tmp_path / "bundle")
