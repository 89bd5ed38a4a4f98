"""A small server: a study's page for those who have a link, their answers onto the disk, and nothing else."""

import ipaddress
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from pydantic import ValidationError

from reports.study.answers import Answer, why_invalid
from reports.study.book import AnsweredAlreadyError, Book, WrongAnswerError
from reports.study.rate import Rate
from reports.study.served import Served
from sdm_bench.base.errors import UserError
from sdm_bench.base.progress import say
from sdm_bench.base.serving import HEADERS, PatientServer

# Bytes of an answer, seconds that a client may be silent, and clients at one time.
MOST_BODY, PATIENCE, MOST_CLIENTS = 2000, 10, 64
ANSWERED = "This link was answered already. Thank you."
JSON = "application/json"


class Handler(BaseHTTPRequestHandler):
    """Answers one request: the page of a link, or a line for its file."""

    server: "Server"
    timeout = PATIENCE
    # of requests that say none: replies always have their headers
    default_request_version = "HTTP/1.0"

    def do_GET(self) -> None:
        """The page of an open link."""
        book = self._book()
        if book is None:
            return
        if book.complete:
            self._reply(HTTPStatus.GONE, ANSWERED)
        else:
            self._reply(HTTPStatus.OK, self.server.served.page_of(book), "text/html; charset=utf-8")

    def do_POST(self) -> None:
        """Stores an answer, and says so only when the disk has it."""
        book = self._book()
        body = None if book is None else self._body()
        if book is None or body is None:
            return
        try:
            answer = Answer.model_validate_json(body, strict=True)
        except ValidationError as error:
            self._reply(HTTPStatus.BAD_REQUEST, why_invalid(error))
            return
        before = book.complete
        try:
            book.add(answer)
        except WrongAnswerError as error:
            self._reply(HTTPStatus.BAD_REQUEST, str(error))
        except AnsweredAlreadyError as error:
            self._reply(HTTPStatus.CONFLICT, str(error))
        except OSError as error:
            say(f"{book.path}: an answer was not stored: {error.strerror}")
            self._reply(HTTPStatus.INTERNAL_SERVER_ERROR, "the disk refused it")
        else:
            self._reply(HTTPStatus.OK, "stored")
            if book.complete and not before:
                self.server.served.say_progress()

    def _book(self) -> Book | None:
        """The answers of the link that was asked for; replies itself where there is no such link or too much haste."""
        if not self.server.rate.allows(self.client_address[0]):
            self._reply(HTTPStatus.TOO_MANY_REQUESTS, "too many requests; wait a second", retry="1")
            return None
        book = self.server.served.book(self.path.removeprefix("/"))
        if book is None:
            self._reply(HTTPStatus.NOT_FOUND, "nothing here")
        return book

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if self.headers.get_content_type() != JSON:
            self._reply(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected {JSON}")
        elif not length:
            self._reply(HTTPStatus.LENGTH_REQUIRED, "expected Content-Length")
        elif not re.fullmatch(r"[0-9]{1,18}", length):
            self._reply(HTTPStatus.BAD_REQUEST, "Content-Length is no number")
        elif int(length) > MOST_BODY:
            self._reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {MOST_BODY} bytes")
        else:
            try:
                body = self.rfile.read(int(length))
            except TimeoutError:
                self._reply(HTTPStatus.REQUEST_TIMEOUT, "the body did not come")
                return None
            if len(body) == int(length):
                return body
            self._reply(HTTPStatus.BAD_REQUEST, "the body is shorter than Content-Length")
        return None

    def _reply(
        self, status: int, content: str | bytes, kind: str = "text/plain; charset=utf-8", retry: str = ""
    ) -> None:
        body = content if isinstance(content, bytes) else f"{content}\n".encode()
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": self.server.served.policy,
            **HEADERS,
            "Connection": "close",
            **({"Retry-After": retry} if retry else {}),
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A refusal by the library, as short as ours; methods that it doesn't know are not allowed."""
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(code)
        self._reply(status, status.phrase)

    def version_string(self) -> str:
        """Nothing of versions."""
        return "study"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a log of requests would have links and addresses."""


class Server(PatientServer):
    """Serves one study to a limited number of clients at a time."""

    def __init__(self, served: Served, host: str, port: int):
        self.served, self.rate = served, Rate()
        self._clients = threading.BoundedSemaphore(MOST_CLIENTS)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread of its own, unless there are too many."""
        if not self._clients.acquire(blocking=False):
            self.close_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """As the library does, and makes room at the end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._clients.release()

    def addresses(self) -> list[str]:
        """The links that are still open."""
        host, port = self.server_address[:2]
        name = str(host)
        if ipaddress.ip_address(name).is_unspecified:
            name = socket.gethostname()
        shown = f"[{name}]" if ":" in name else name
        return [f"http://{shown}:{port}/{token}" for token in self.served.tokens]


def refuse_exposure(host: str, allowed: bool) -> None:
    """Raises UserError where others than this machine could reach the server and nobody said that they may."""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    meaning = (
        f"--host {host}: everybody who reaches this machine over the network can try links and answer those that they "
        "know; requests and answers travel unencrypted"
    )
    if loopback and allowed:
        raise UserError(f"--yes-expose: --host {host} is this machine alone; there is nothing to expose")
    if not loopback and not allowed:
        raise UserError(f"{meaning}. Say --yes-expose if that is meant, or put a web server with TLS before 127.0.0.1")
    if not loopback:
        say(meaning)


@contextmanager
def serving(served: Served, host: str, port: int) -> Iterator[Server]:
    """A server that listens; raises UserError where it can't."""
    try:
        server = Server(served, host, port)
    except OSError as error:
        raise UserError(
            f"--host {host} --port {port}: {error.strerror}; expected a free port of this machine"
        ) from error
    with server:
        yield server
