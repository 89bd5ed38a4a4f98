"""Which package indexes are asked, in which order, with which certificates and passwords."""

import os
from pathlib import Path

import pytest
import requests

from sdm_bench.weights import indexes
from tests.weights.files import VALUES, package, put
from tests.weights.server import Server

LAST = "http://127.0.0.1:9/closed/"


def at(host: str) -> str:
    """The address of an index on a made-up host."""
    return f"https://{host}/index"


def settings(**values: str) -> bytes:
    """A pip.conf; names are written with hyphens."""
    return "\n".join(["[global]", *(f"{key.replace('_', '-')} = {value}" for key, value in values.items())]).encode()


def configure(monkeypatch: pytest.MonkeyPatch, *files: Path) -> None:
    monkeypatch.setattr(indexes, "pip_files", lambda: list(files))


def test_without_settings_the_public_index_is_asked() -> None:
    assert indexes.index_addresses() == [LAST]


def test_variables_come_before_files_and_each_index_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = settings(index_url=at("file"), extra_index_url=f"\n    {at('a')}\n    {at('extra')}")
    configure(monkeypatch, put(tmp_path / "pip.conf", text))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{at('c')} {at('d')}")
    monkeypatch.setenv("PIP_INDEX_URL", at("b"))
    monkeypatch.setenv("UV_INDEX", f"{at('a')} mine={at('u:p@named')}?x=y")
    monkeypatch.setenv("UV_DEFAULT_INDEX", at("uv"))
    hosts = "uv a u:p@named b c d file extra"
    found = [address.removesuffix("/index").removesuffix("/index?x=y") for address in indexes.index_addresses()]
    assert found == [*(f"https://{host}" for host in hosts.split()), LAST]


def test_the_later_file_wins_and_a_broken_one_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = settings(index_url=at("no")).replace(b"[global]", b"\n[install]")
    first = put(tmp_path / "a", settings(index_url=at("first"), cert="/first.pem") + other)
    second = put(tmp_path / "b", settings(index_url=at("100%25")).replace(b"index-url", b"index_url"))
    configure(monkeypatch, first, put(tmp_path / "broken", b"index-url = 3\n"), second, tmp_path / "absent")
    assert indexes.index_addresses() == [at("100%25"), LAST]


def test_pip_files_end_with_the_chosen_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/my/pip.conf")
    assert indexes.pip_files()[-1] == Path("/my/pip.conf")
    assert Path("/etc/pip.conf") in indexes.pip_files()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    assert indexes.pip_files() == []


def test_certificates_come_from_the_first_setting_that_exists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert indexes.certificates() is None
    configure(monkeypatch, put(tmp_path / "pip.conf", f"[global]\ncert = {put(tmp_path / 'pip.pem', b'')}\n".encode()))
    assert indexes.certificates() == str(tmp_path / "pip.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(put(tmp_path / "ssl.pem", b"")))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "absent.pem"))
    assert indexes.certificates() == str(tmp_path / "ssl.pem")
    with indexes.new_session() as session:
        assert session.verify == str(tmp_path / "ssl.pem")


def test_the_file_is_chosen_by_its_exact_name(server: Server) -> None:
    server.publish("carrier", "carrier-1.0.tar.gz", b"body")
    wanted = package("carrier-1.0.tar.gz", b"body", "m", b"m")
    with indexes.new_session() as session:
        found = indexes.package_address(session, f"{server.address}/index", wanted)
        assert found == f"{server.address}/files/carrier-1.0.tar.gz"
        other = wanted.model_copy(update={"file": "carrier-1.0.zip"})
        with pytest.raises(LookupError, match=r"no file carrier-1.0.zip among the 1 of carrier"):
            indexes.package_address(session, f"{server.address}/index", other)
        with pytest.raises(LookupError, match="no project page of nothing"):
            indexes.package_address(
                session, f"{server.address}/index", wanted.model_copy(update={"project": "nothing"})
            )


def test_an_index_in_a_folder_is_read(tmp_path: Path) -> None:
    page = b'<!DOCTYPE html><a href="../../files/carrier-1.0.whl">carrier-1.0.whl</a>'
    put(tmp_path / "index/carrier/index.html", page)
    put(tmp_path / "files/carrier-1.0.whl", VALUES.tobytes())
    wanted = package("carrier-1.0.whl", b"", "m", b"m")
    with indexes.new_session() as session:
        address = indexes.package_address(session, (tmp_path / "index").as_uri(), wanted)
        with session.get(address, stream=True) as response:
            assert response.content == VALUES.tobytes()
        with session.get((tmp_path / "absent").as_uri()) as response, pytest.raises(requests.HTTPError):
            response.raise_for_status()


def test_passwords_go_to_their_own_host_only() -> None:
    index = at("me:secret@index.example")
    assert indexes.credentials_for("https://index.example/files/a.whl", index) == ("me", "secret")
    assert indexes.credentials_for("https://files.example/a.whl", index) is None
    assert indexes.credentials_for("http://index.example/a.whl", index) is None
    assert indexes.credentials_for("https://index.example/a.whl", at("index.example")) is None


def test_passwords_are_not_printed() -> None:
    text = "HTTP 401 for url: https://me:secret@index.example/index/x@1 and https://plain.example/"
    assert indexes.redacted(text) == "HTTP 401 for url: https://index.example/index/x@1 and https://plain.example/"
