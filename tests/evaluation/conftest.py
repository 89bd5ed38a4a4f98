"""The tests of this room measure with untrained feature networks."""

from pathlib import Path

import pytest

from sdm_bench.weights.store import CACHE_VARIABLE
from tests.conftest import accept_untrained


@pytest.fixture(autouse=True)
def use_untrained_cache(untrained_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the untrained weights those of the user's cache, and acceptable."""
    monkeypatch.setenv(CACHE_VARIABLE, str(untrained_cache))
    accept_untrained(monkeypatch)
