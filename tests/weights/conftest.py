"""A cache of its own for every test, and a package index and file server on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sdm_bench.weights import indexes, registry
from sdm_bench.weights.registry import Entry
from tests.weights.server import Server


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of this test; no package index, certificate or proxy of the user's is seen."""
    for name in (*indexes.INDEX_VARIABLES, *indexes.CERTIFICATE_VARIABLES, "PIP_CONFIG_FILE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(indexes, "pip_files", list)
    monkeypatch.setattr(indexes, "PYPI_SIMPLE_ENDPOINT", "http://127.0.0.1:9/closed/")
    folder = tmp_path / "cache"
    monkeypatch.setenv("SDM_BENCH_CACHE", str(folder))
    return folder


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on 127.0.0.1 without any files yet."""
    with Server() as running:
        yield running


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> dict[str, Entry]:
    """An empty registry in the place of the shipped one; a test puts its entries in."""
    table: dict[str, Entry] = {}
    monkeypatch.setattr(registry, "registry", lambda: table)
    return table
