"""Who may ask the server for what."""

import base64
import http.client
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdm_bench.base.serving import HEADERS
from sdm_bench.drawing.server import POLICY, DrawingServer, state
from tests.drawing.served import finished, serving, toy_editor


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrawingServer]:
    with serving(toy_editor(), tmp_path_factory.mktemp("drawn")) as found:
        yield found


def request(
    server: DrawingServer, path: str, body: Any = None, method: str | None = None, token: bool = True, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": "application/json"} if data is not None else {}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    address = f"/{server.token}/{path}" if token else path
    connection.request(method or ("GET" if data is None else "POST"), address, data, sent)
    answer = connection.getresponse()
    found = answer.status, dict(answer.headers), answer.read()
    connection.close()
    return found


def packed(label: np.ndarray) -> str:
    return base64.b64encode(label.astype("<i2").tobytes()).decode()


def test_the_page_and_its_files_are_served_with_headers_that_keep_others_out(server: DrawingServer) -> None:
    assert server.address.startswith("http://127.0.0.1:")
    assert len(server.token) >= 40
    kinds = {"": "text/html", "palette.css": "text/css", "draw.css": "text/css", "draw.js": "text/javascript"}
    for path, kind in (*kinds.items(), ("state", "json")):
        status, headers, content = request(server, path)
        assert (status, kind in headers["Content-Type"], bool(content)) == (200, True, True)
        assert (HEADERS | {"Content-Security-Policy": POLICY}).items() <= headers.items()
        assert headers["Server"] == "sdm-bench"
    about = json.loads(content)
    assert (about["width"], about["height"], len(about["classes"])) == (64, 32, 35)
    assert about == json.loads(json.dumps(state(server.session)))


def test_all_colours_of_the_page_are_in_the_palette(server: DrawingServer) -> None:
    palette, styles = (request(server, name)[2].decode() for name in ("palette.css", "draw.css"))
    used = set(re.findall(r"var\(--([a-z-]+)\)", styles))
    assert used
    assert used <= set(re.findall(r"--([a-z-]+): light-dark", palette))


@pytest.mark.parametrize(
    "path", ["/", "/state", "/wrong/", "/wrong/state", "", "/../etc/passwd", "/é/", "/favicon.ico", "//"]
)
def test_without_the_token_there_is_nothing(path: str, server: DrawingServer) -> None:
    connection = socket.create_connection(("127.0.0.1", server.server_port), timeout=20)
    host = f"127.0.0.1:{server.server_port}"
    connection.sendall(f"GET {path or '/'} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1"))
    answer = b"".join(iter(lambda: connection.recv(4096), b""))
    connection.close()
    assert answer.startswith(b"HTTP/1.1 404")
    assert server.token.encode() not in answer
    assert b'{"error": ""}' in answer


def test_a_prefix_of_the_token_and_paths_beyond_are_unknown(server: DrawingServer) -> None:
    assert request(server, f"/{server.token[:-1]}/state", token=False)[0] == 404
    assert request(server, f"/{server.token}", token=False)[0] == 404
    for path in ("../draw.py", "draw.py", "page.html", "jobs/", "jobs/-1", "jobs/%D9%A3", "session.py", "%2e%2e/"):
        assert request(server, path)[0] == 404, path
    assert request(server, "jobs/99")[0] == 400


def test_other_hosts_origins_types_and_methods_are_refused(server: DrawingServer) -> None:
    assert request(server, "state", Host="evil.example")[0] == 404
    assert request(server, "cancel", {}, Origin="http://evil.example")[0] == 403
    assert request(server, "cancel", {}, Origin="null")[0] == 403
    assert request(server, "cancel", {}, Content_Type="text/plain")[0] == 415
    assert request(server, "cancel", {}, Origin=server.address.rsplit("/", 2)[0])[0] == 200
    for method in ("PUT", "DELETE", "OPTIONS", "HEAD", "TRACE"):
        status, headers, content = request(server, "state", method=method)
        assert status == 501, method
        assert (HEADERS | {"Content-Security-Policy": POLICY}).items() <= headers.items()
        assert server.token.encode() not in content


def test_bodies_have_a_limit_and_a_form(server: DrawingServer) -> None:
    assert request(server, "edit", b"x" * (server.most_bytes + 1))[0] == 413
    assert request(server, "edit", b"{", Content_Length="999999999999999")[0] == 413
    assert request(server, "edit", b"{")[0] == 400
    assert request(server, "edit", b"[]")[0] == 400
    assert request(server, "edit", b"[" * 3000)[0] == 400
    assert request(server, "edit", method="POST", Content_Type="application/json", Content_Length="-1")[0] == 411
    label = packed(server.session.source.label)
    wrong: list[dict[str, Any]] = [
        {}, {"label": 3}, {"label": "!!"}, {"label": label[:8]}, {"label": label, "seeds": 1},
        {"label": label, "seeds": [True], "margin": 0}, {"label": label, "seeds": [0], "margin": 1.5},
        {"label": label, "seeds": [0] * 9, "margin": 0}, {"label": label, "seeds": [0], "margin": 0},
    ]  # fmt: skip
    for body in wrong:
        status, _, content = request(server, "edit", body)
        assert (status, bool(json.loads(content)["error"])) == (400, True), body


def test_an_edit_is_made_shown_and_saved(server: DrawingServer) -> None:
    label = server.session.source.label.copy()
    label[10:20, 10:30] = 26
    number = json.loads(request(server, "edit", {"label": packed(label), "seeds": [0, 1], "margin": 0})[2])["job"]
    finished(server.session, number)
    found = json.loads(request(server, f"jobs/{number}")[2])
    assert (found["state"], found["done"], found["steps"]) == ("done", 4, 4)
    assert [each["seed"] for each in found["pictures"]] == [0, 1]
    assert found["pictures"][0]["picture"].startswith("data:image/png;base64,")
    folder = Path(json.loads(request(server, "save", {"job": number})[2])["folder"])
    assert (folder / "samples" / "seed-001" / "toy.png").is_file()
    assert request(server, "save", {"job": 55})[0] == 400
