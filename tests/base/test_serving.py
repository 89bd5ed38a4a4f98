"""A small server is patient with clients, and silent about those that leave."""

import socket
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from sdm_bench.base.serving import PatientServer


class Refusing(BaseHTTPRequestHandler):
    """Replies to the head of a request, and reads none of its body."""

    def do_POST(self) -> None:
        self.send_response(413)
        self.end_headers()

    def do_GET(self) -> None:
        raise (BrokenPipeError if self.path == "/gone" else LookupError)(self.path)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[PatientServer]:
    with PatientServer(("127.0.0.1", 0), Refusing) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def replied(server: PatientServer, sent: bytes) -> bytes:
    with socket.create_connection(server.server_address[:2], timeout=20) as client:
        client.sendall(sent)
        return client.recv(100)


def test_a_refused_body_does_not_cut_the_reply_off(server: PatientServer) -> None:
    head = b"POST / HTTP/1.1\r\nContent-Length: 300000\r\n\r\n"
    for _ in range(20):
        assert replied(server, head + b"x" * 300_000).startswith(b"HTTP/1.0 413 ")


def test_a_client_that_hung_up_is_no_error(server: PatientServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert replied(server, b"GET /gone HTTP/1.1\r\n\r\n") == b""
    with socket.create_connection(server.server_address[:2]) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert replied(server, b"POST / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.0 413 ")
    assert capsys.readouterr().err == ""


def test_a_mistake_of_ours_is_shown(server: PatientServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert replied(server, b"GET /wrong HTTP/1.1\r\n\r\n") == b""
    assert "LookupError: /wrong" in capsys.readouterr().err
