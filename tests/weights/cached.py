"""The real weights, for tests of reference values: from the user's cache, never downloaded."""

from pathlib import Path

import pytest

from sdm_bench.weights import store


def cached(name: str) -> Path:
    """The cached file of `name`; skips the test where the user has not fetched it."""
    if store.provenance(name) is None:
        pytest.skip(f"{name} is not in {store.weights_folder()}: sdm-bench weights fetch {name}")
    return store.weights_path(name)
