"""A small HTTP server for tests: files by path, ranges, cut connections, passwords, and a log of what was asked."""

import base64
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


class Server:
    """files: path -> body. ranges: whether Range is honoured. cut: bytes after which the connection ends, once.

    password: what Basic authentication must say, `user:password`. log: (path, Range header or "") of every request.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.ranges = True
        self.cut: int | None = None
        self.password: str | None = None
        self.log: list[tuple[str, str]] = []
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))

    @property
    def address(self) -> str:
        """http://127.0.0.1:port"""
        return f"http://127.0.0.1:{self.http.server_port}"

    def publish(self, project: str, file: str, body: bytes) -> None:
        """Puts a file of a project on the server's package index, which is at /index/."""
        self.files[f"/files/{file}"] = body
        self.files[f"/index/{project}/"] = f'<!DOCTYPE html><a href="../../files/{file}">{file}</a>'.encode()

    def asked(self, path: str) -> list[str]:
        """The Range header of each request for `path`."""
        return [asked for where, asked in self.log if where == path]

    def __enter__(self) -> "Server":
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            server.log.append((self.path, asked))
            if server.password and self.headers.get("Authorization") != _basic(server.password):
                return self._answer(401, b"")
            body = server.files.get(self.path)
            if body is None:
                return self._answer(404, b"")
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.ranges else 0
            if start >= len(body):
                return self._answer(416, b"")
            return self._answer(206 if start else 200, body, start)

        def _answer(self, status: int, body: bytes, start: int = 0) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) - start))
            self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
            if status == 206:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.end_headers()
            end = len(body)
            if server.cut is not None and status in (200, 206) and not self.path.endswith("/"):
                end, server.cut = start + server.cut, None
                self.close_connection = True
            self.wfile.write(body[start:end])

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the server keeps a log of its own."""

    return Handler


def _basic(password: str) -> str:
    return "Basic " + base64.b64encode(password.encode()).decode()
