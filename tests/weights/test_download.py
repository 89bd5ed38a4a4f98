"""Downloads are checked, and go on where they stopped."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from sdm_bench.weights.download import download
from sdm_bench.weights.indexes import new_session
from sdm_bench.weights.sources import WrongDigest
from tests.weights.files import VALUES, put, sha256
from tests.weights.server import Server

BODY = VALUES.tobytes()
DIGEST = sha256(BODY)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with new_session() as running:
        yield running


@pytest.fixture
def address(server: Server) -> str:
    server.files["/f"] = BODY
    return f"{server.address}/f"


@pytest.mark.parametrize("digest", [DIGEST, DIGEST[:8], None])
def test_the_file_arrives_whole(session: requests.Session, address: str, tmp_path: Path, digest: str | None) -> None:
    assert download(session, address, tmp_path / "deep" / "f.part", digest).read_bytes() == BODY


def test_another_file_is_refused_and_the_next_call_starts_anew(
    session: requests.Session, address: str, server: Server, tmp_path: Path
) -> None:
    with pytest.raises(WrongDigest, match=rf"{address}: refused: sha256 is {DIGEST}, expected 00000000") as caught:
        download(session, address, tmp_path / "f.part", "00000000")
    assert caught.value.found == DIGEST
    assert list(tmp_path.iterdir()) == []
    download(session, address, tmp_path / "f.part", DIGEST)
    assert server.asked("/f") == ["", ""]


def test_a_cut_download_goes_on(session: requests.Session, address: str, server: Server, tmp_path: Path) -> None:
    server.cut = 1_050_000
    with pytest.raises(requests.RequestException):
        download(session, address, tmp_path / "f.part", DIGEST)
    done = (tmp_path / "f.part").stat().st_size
    assert 0 < done <= 1_050_000
    assert download(session, address, tmp_path / "f.part", DIGEST).read_bytes() == BODY
    assert server.asked("/f") == ["", f"bytes={done}-"]


def test_a_server_without_ranges_sends_it_all_again(
    session: requests.Session, address: str, server: Server, tmp_path: Path
) -> None:
    server.ranges = False
    put(tmp_path / "f.part", BODY[:1000])
    assert download(session, address, tmp_path / "f.part", DIGEST).read_bytes() == BODY


def test_a_partial_file_that_is_too_long_is_thrown_away(
    session: requests.Session, address: str, server: Server, tmp_path: Path
) -> None:
    put(tmp_path / "f.part", BODY + b"more")
    assert download(session, address, tmp_path / "f.part", DIGEST).read_bytes() == BODY
    assert server.asked("/f") == [f"bytes={len(BODY) + 4}-", ""]


def test_a_partial_file_of_something_else_is_refused(session: requests.Session, address: str, tmp_path: Path) -> None:
    put(tmp_path / "f.part", b"x" * 1000)
    with pytest.raises(WrongDigest):
        download(session, address, tmp_path / "f.part", DIGEST)
    assert not (tmp_path / "f.part").exists()


def test_a_finished_download_is_not_asked_for_again(
    session: requests.Session, address: str, server: Server, tmp_path: Path
) -> None:
    put(tmp_path / "f.part", BODY)
    download(session, address, tmp_path / "f.part", DIGEST)
    assert server.log == []


def test_progress_is_told_on_stderr_alone(
    session: requests.Session, address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    download(session, address, tmp_path / "f.part", DIGEST)
    out, err = capsys.readouterr()
    assert out == ""
    assert "download f: 2/2 MiB" in err
