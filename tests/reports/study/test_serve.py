"""The server gives the page to those who have a link, and loses no answer that it acknowledged."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from shutil import copytree
from typing import Any
from urllib.parse import urlsplit

import pytest

from reports.study.answers import HEADER, Answer, read_sheets
from reports.study.key import Key
from reports.study.links import Link, links_of
from reports.study.rate import BURST, MOST_ADDRESSES, RATE, Rate
from reports.study.serve import MOST_BODY, Server, refuse_exposure, serving
from reports.study.served import opened_study
from sdm_bench.base.errors import UserError
from tests.reports.study.answered import answers_of, prefers
from tests.reports.study.made import key_of

ROOT = Path(__file__).parents[3]
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def folder(study: Path, tmp_path: Path) -> Path:
    """A study of its own."""
    return copytree(study, tmp_path / "study")


@contextmanager
def started(folder: Path, participants: int | None = 2, port: int = 0) -> Iterator[Server]:
    """The server in a thread."""
    with opened_study(folder, participants) as served, serving(served, "127.0.0.1", port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    address: str, method: str = "GET", body: Any = None, headers: dict[str, str] | None = None, path: str | None = None
) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers of a reply."""
    parts = urlsplit(address)
    with closing(HTTPConnection(str(parts.hostname), parts.port, timeout=20)) as connection:
        connection.request(method, parts.path if path is None else path, body, headers or {})
        reply = connection.getresponse()
        return reply.status, reply.read().decode(), dict(reply.getheaders())


def post(address: str, answer: Answer | dict[str, Any]) -> tuple[int, str]:
    fields = answer.model_dump() if isinstance(answer, Answer) else answer
    return ask(address, "POST", json.dumps(fields), JSON)[:2]


def all_of(key: Key, link: Link) -> list[Answer]:
    """What the participant with a link answers."""
    made = answers_of(key, prefers("sdm", "spade", "oasis"), link.participant, link.form)
    return [answer.model_copy(update={"seed": link.seed}) for answer in made]


def test_a_link_answers_once(folder: Path) -> None:
    key = key_of(folder)
    with started(folder) as server:
        first, second = server.addresses()
        links = links_of(folder, key, None)
        answers = all_of(key, links[0])
        for answer in answers[:3]:
            assert post(first, answer) == (200, "stored\n")
        # the same once more, as after an acknowledgement that got lost
        assert post(first, answers[2]) == (200, "stored\n")
        other = answers[2].model_copy(
            update={"chosen": ({answers[2].left, answers[2].right} - {answers[2].chosen}).pop()}
        )
        assert post(first, other) == (409, "position 3 is answered already\n")
        page = ask(first)[1]
        session = re.search(r'id="session">(.*?)</script>', page)
        assert session is not None
        assert json.loads(session[1])["answers"] == [each.model_dump() for each in answers[:3]]
        for answer in answers[3:]:
            assert post(first, answer)[0] == 200
        assert ask(first)[:2] == (410, "This link was answered already. Thank you.\n")
        assert post(first, answers[-1].model_copy(update={"position": len(answers) + 1}))[0] == 400
        assert ask(second)[0] == 200
    with started(folder, None) as server:
        assert [urlsplit(each).path for each in server.addresses()] == [urlsplit(second).path]
    (sheet,) = read_sheets(list((folder / "answers").glob("*.csv")), key)
    assert sheet.answers == answers


def test_nothing_else_is_served_and_headers_are_strict(folder: Path) -> None:
    with started(folder) as server:
        address = server.addresses()[0]
        token = urlsplit(address).path
        for path in (
            "/",
            "/key.json",
            "/links.json",
            "/study.html",
            "/answers/",
            "/../key.json",
            f"{token}/",
            "//",
            "*",
        ):
            status, text, headers = ask(address, path=path)
            assert (status, text) == (404, "nothing here\n")
        assert ask(address, path=f"{token}?x=1")[0] == 404
        for method in ("PUT", "DELETE", "OPTIONS", "HEAD"):
            assert ask(address, method)[0] == 405
        status, text, headers = ask(address)
    assert status == 200
    assert 'id="session">null<' not in text
    assert "script-src 'sha256-" in headers["Content-Security-Policy"]
    assert headers["Content-Security-Policy"].endswith("connect-src 'self'; frame-ancestors 'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Server"] == "study"


def test_links_cannot_be_guessed_from_answers(folder: Path) -> None:
    links = links_of(folder, key_of(folder), 50)
    assert len({link.token for link in links}) == len({link.participant for link in links}) == 50
    assert all(len(link.token) == 32 for link in links)
    assert not any(link.participant[1:] in link.token for link in links)
    assert (folder / "links.json").stat().st_mode & 0o077 == 0
    assert links_of(folder, key_of(folder), 10) == links


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "study": ({"study": "s0"}, "of study s0; expected s"),
    "participant": ({"participant": "p00"}, "another form or seed"),
    "item": ({"item": "i00"}, "item i00, which the study doesn't have"),
    "pictures": ({"left": "i00"}, "pictures i00 and"),
    "chosen": ({"chosen": "i00"}, "chosen i00; expected"),
    "form": ({"form": 7}, "which form 7 doesn't have"),
    "position": ({"position": 2}, "position 2; expected 1"),
    "showing": ({"showing": 2}, "for the 1. time, showing 2"),
    "third": ({"showing": 3}, "showing: Input should be 1 or 2"),
    "text for a number": ({"milliseconds": "5"}, "milliseconds: Input should be a valid integer"),
    "truth for a number": ({"form": True}, "form: Input should be a valid integer"),
    "no number": ({"milliseconds": -1}, "milliseconds: Input should be greater than or equal to 0"),
    "comma": ({"chosen": "i0,1"}, "chosen: String should match pattern"),
    "more": ({"more": 1}, "more: Extra inputs are not permitted"),
}


def test_malformed_answers_are_refused(folder: Path) -> None:
    key = key_of(folder)
    with started(folder) as server:
        address = server.addresses()[0]
        good = all_of(key, links_of(folder, key, None)[0])[0].model_dump()
        for changes, why in WRONG.values():
            status, text = post(address, good | changes)
            assert (status, why in text) == (400, True), text
        assert ask(address, "POST", "{", JSON)[0] == 400
        assert ask(address, "POST", "[1]", JSON)[0] == 400
        assert ask(address, "POST", b"\xff\xfe", JSON)[0] == 400
        assert ask(address, "POST", json.dumps(good))[0] == 415
        assert ask(address, "POST", "x" * (MOST_BODY + 1), JSON)[0] == 413
        assert ask(address, "POST", None, {**JSON, "Content-Length": "a"})[0] == 400
        assert ask(address, "POST", iter([b"{}"]), JSON)[0] == 411
    assert list((folder / "answers").glob("*.csv")) == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00 what no browser says\r\n\r\n", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
        (b"GET http://elsewhere.example/ HTTP/1.1\r\n\r\n", 404),
    ],
)
def test_what_is_no_request_of_ours_gets_a_short_reply(sent: bytes, status: int, folder: Path) -> None:
    with started(folder) as server, socket.create_connection(server.server_address[:2], timeout=20) as client:
        client.sendall(sent)
        # what is still on its way when the server hangs up resets the connection
        client.shutdown(socket.SHUT_WR)
        reply = client.recv(2000)
    assert reply.startswith(b"HTTP/1.0 %d " % status)
    assert b"X-Content-Type-Options: nosniff\r\n" in reply
    assert len(reply) < 1000


def test_haste_is_refused() -> None:
    now = 0.0
    rate = Rate(lambda: now)
    assert [rate.allows("a") for _ in range(int(BURST) + 1)] == [True] * int(BURST) + [False]
    assert rate.allows("b")
    now = 1 / RATE
    assert rate.allows("a")
    assert not rate.allows("a")
    # whoever asked longest ago is forgotten first
    assert all(rate.allows(str(number)) for number in range(MOST_ADDRESSES - 1))
    assert not rate.allows("a")
    assert rate.allows("b")


def test_the_server_says_so_to_the_hasty(folder: Path) -> None:
    with started(folder) as server:
        address = server.addresses()[0]
        replies = [ask(address, path="/guess") for _ in range(int(BURST) + 20)]
    assert replies[0][0] == 404
    assert replies[-1][0] == 429
    assert replies[-1][2]["Retry-After"] == "1"


def test_a_disk_that_refuses_acknowledges_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = key_of(folder)
    with started(folder) as server:
        address = server.addresses()[0]
        first, second = all_of(key, links_of(folder, key, None)[0])[:2]
        assert post(address, first)[0] == 200

        def full(handle: int) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("reports.study.book.os.fsync", full)
            assert post(address, second) == (500, "the disk refused it\n")
        (path,) = (folder / "answers").glob("*.csv")
        assert path.read_text() == HEADER + first.line()
        assert post(address, second)[0] == 200
        assert path.read_text() == HEADER + first.line() + second.line()


@contextmanager
def in_a_process(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`sdm-bench study serve`, and the first link that it prints; killed at the end."""
    command = [sys.executable, "-m", "cli", "study", "serve", str(folder), "--participants", "1", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        try:
            yield server, server.stdout.readline().strip()
        finally:
            server.kill()


def test_no_acknowledged_answer_is_lost_when_the_server_is_killed(folder: Path) -> None:
    key = key_of(folder)
    links = links_of(folder, key, 1)
    answers = all_of(key, links[0])
    path = folder / "answers" / f"{links[0].participant}.csv"

    with in_a_process(folder) as (server, address):
        for answer in answers[:2]:
            assert post(address, answer)[0] == 200
        server.kill()
        server.wait()
    assert path.read_text() == HEADER + "".join(answer.line() for answer in answers[:2])

    with in_a_process(folder) as (server, address):
        acknowledged: list[Answer] = []

        def send() -> None:
            with suppress(OSError, HTTPException):
                for answer in answers[2:-1]:
                    assert post(address, answer)[0] == 200
                    acknowledged.append(answer)

        client = threading.Thread(target=send)
        client.start()
        while len(acknowledged) < 3:
            time.sleep(0.001)
        server.kill()
        client.join()
    stored = path.read_text().removeprefix(HEADER).splitlines(keepends=True)
    assert stored[2 : 2 + len(acknowledged)] == [answer.line() for answer in acknowledged]
    assert len(stored) <= 2 + len(acknowledged) + 1

    rest = [answer for answer in answers if answer.line() not in stored]
    with path.open("a") as stream:
        stream.write(rest[0].line()[:30])
    with in_a_process(folder) as (server, address):
        for answer in rest:
            assert post(address, answer)[0] == 200
        assert path.read_text() == HEADER + "".join(answer.line() for answer in answers)
        assert ask(address)[0] == 410
        server.terminate()
        assert server.wait() == 143


def test_a_file_with_half_a_line_is_mended(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = key_of(folder)
    link = links_of(folder, key, 1)[0]
    first, second = all_of(key, link)[:2]
    path = folder / "answers" / f"{link.participant}.csv"
    path.parent.mkdir()
    for text, left in {
        HEADER[:9]: None,
        HEADER: HEADER,
        HEADER + first.line() + second.line()[:-1]: first.line(),
    }.items():
        path.write_text(text)
        with opened_study(folder, None) as served:
            assert len(served.books) == 1
        assert (path.read_text() if path.exists() else None) == (left and HEADER + left.removeprefix(HEADER))
    assert "the last line was cut off" in capsys.readouterr().err


def test_a_study_is_served_once_and_with_its_own_page(folder: Path) -> None:
    with pytest.raises(UserError, match="no links yet; --participants says how many"), opened_study(folder, None):
        pass
    with (
        opened_study(folder, 1),
        pytest.raises(UserError, match="served by another process already"),
        opened_study(folder, 1),
    ):
        pass
    page = folder / "study.html"
    page.write_text(page.read_text() + " ")
    with pytest.raises(UserError, match=r"study.html: not the page that key.json"), opened_study(folder, 1):
        pass


def test_exposing_needs_a_word_and_says_what_it_means(capsys: pytest.CaptureFixture[str]) -> None:
    for host in ("127.0.0.1", "::1", "localhost"):
        refuse_exposure(host, allowed=False)
    for host in ("0.0.0.0", "::", "192.168.0.7", "example.org"):
        with pytest.raises(UserError, match=rf"--host {host}: everybody who reaches this machine.*Say --yes-expose"):
            refuse_exposure(host, allowed=False)
    assert capsys.readouterr().err == ""
    refuse_exposure("0.0.0.0", allowed=True)
    assert "travel unencrypted" in capsys.readouterr().err
    with pytest.raises(UserError, match="nothing to expose"):
        refuse_exposure("127.0.0.1", allowed=True)


def test_a_taken_port_is_named(folder: Path) -> None:
    with (
        started(folder) as server,
        pytest.raises(UserError, match=r"--port \d+: Address already in use"),
        serving(server.served, "127.0.0.1", int(server.server_address[1])),
    ):
        pass
