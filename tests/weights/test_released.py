"""Released generators: found in the cache, brought by gdown or from an address, or described."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from sdm_bench.base.errors import PartialFailure, UserError
from sdm_bench.models.methods import METHODS
from sdm_bench.weights import released
from sdm_bench.weights.released import Source, fetch_released, find_released


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDM_BENCH_CACHE", str(tmp_path / "cache"))


def with_gdown(patch: pytest.MonkeyPatch, **functions: object) -> None:
    patch.setitem(sys.modules, "gdown", SimpleNamespace(**functions, __spec__=SimpleNamespace(name="gdown")))


def test_every_method_with_released_weights_says_where_they_are() -> None:
    assert set(released._registry()) == {name for name, method in METHODS.items() if method.released}
    for method, datasets in released._registry().items():
        for dataset in datasets:
            about = find_released(method, dataset)
            assert about.path is None
            assert METHODS[method].released in about.how_to_get
            assert str(about.place) in about.how_to_get


def test_what_nobody_released_is_refused_with_what_there_is() -> None:
    with pytest.raises(UserError, match="released it for ade20k, celebamask_hq, coco_stuff"):
        find_released("sdm", "cityscapes")
    with pytest.raises(UserError, match="released it for no dataset"):
        find_released("sdm-concat", "ade20k")


def test_google_drive_is_read_by_gdown(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(id: str, output: str, resume: bool) -> None:
        Path(output).write_text(id)

    with_gdown(monkeypatch, download=download)
    path = fetch_released("sdm", "ade20k")
    assert path.read_text() == "1O8Avsvfc8rP9LIt5tkJxowMTpi1nYiik"
    with_gdown(monkeypatch)
    assert fetch_released("sdm", "ade20k") == path


def test_what_gdown_can_not_bring_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(**asked: object) -> None:
        raise RuntimeError("too many users\nhave viewed it")

    with_gdown(monkeypatch, download=download)
    with pytest.raises(PartialFailure, match=r"not downloaded: too many users\)"):
        fetch_released("sdm", "ade20k")
    assert find_released("sdm", "ade20k").path is None


def test_without_gdown_a_person_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(released, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'sdm-bench\[released\]'"):
        fetch_released("spade", "cityscapes")
    with pytest.raises(UserError, match="dropbox"):
        fetch_released("oasis", "ade20k")


def test_an_address_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file.tar").write_bytes(b"weights")
    source = Source(file="dagan.tar", address=(tmp_path / "file.tar").as_uri())
    monkeypatch.setattr(released, "_registry", lambda: {"dagan": {"ade20k": source}})
    assert fetch_released("dagan", "ade20k").read_bytes() == b"weights"
