"""The drawing page over HTTP: on the loopback address alone, below a random token, and nothing else.

An address without the token is as unknown as any other. Requests of other pages are refused by their Host, Origin and
type; bodies have a limit; the page may load nothing from elsewhere.
"""

import base64
import hmac
import io
import json
import secrets
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from importlib import resources
from typing import Any

import numpy as np
from PIL import Image

from sdm_bench.base.errors import UserError, said
from sdm_bench.base.serving import HEADERS, PatientServer
from sdm_bench.drawing.session import MOST_MARGIN, MOST_SEEDS, Busy, Job, Session, described

LOOPBACK = "127.0.0.1"
SECONDS = 30  # that a connection may be silent
# The page's files by name, where they are in the package, and their types.
FILES = {
    "": ("drawing/page.html", "text/html; charset=utf-8"),
    "palette.css": ("base/palette.css", "text/css; charset=utf-8"),
    "draw.css": ("drawing/draw.css", "text/css; charset=utf-8"),
    "paint.js": ("drawing/paint.js", "text/javascript; charset=utf-8"),
    "draw.js": ("drawing/draw.js", "text/javascript; charset=utf-8"),
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
JSON = "application/json"
# Bytes of a request's body besides the label map's.
ROOM = 4096


class DrawingServer(PatientServer):
    """The server of one session, listening from the start. port: 0 takes a free one."""

    # another server's port is not taken over
    allow_reuse_address = False

    def __init__(self, session: Session, port: int = 0):
        self.session, self.token = session, secrets.token_urlsafe(32)
        super().__init__((LOOPBACK, port), Handler)
        self.hosts = {f"{name}:{self.server_port}" for name in (LOOPBACK, "localhost")}

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.token}/"

    @property
    def most_bytes(self) -> int:
        """The largest body: a label map of 16 bits a pixel in base64."""
        return ROOM + 3 * self.session.source.label.size


class Refused(Exception):
    """A request that gets an error. status: of HTTP. The text is shown to those who know the token."""

    def __init__(self, status: int, text: str = ""):
        super().__init__(text)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: DrawingServer
    timeout = SECONDS
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "sdm-bench", ""

    def do_GET(self) -> None:
        """The page's files and what it asks for."""
        self._answered(self._get)

    def do_POST(self) -> None:
        """What the page does."""
        self._answered(self._post)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: addresses hold the token."""

    def version_string(self) -> str:
        return self.server_version

    def _answered(self, answer: Callable[[str], tuple[bytes, str]]) -> None:
        try:
            content, kind = answer(self._below_token())
            status = 200
        except Refused as error:
            content, kind, status = _error(str(error)), JSON, error.status
        except Busy as error:
            content, kind, status = _error(error.message), JSON, 409
        except UserError as error:
            content, kind, status = _error(error.message), JSON, 400
        except OSError as error:
            content, kind, status = _error(said(error)), JSON, 500
        self._send(status, content, kind)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses: other methods, and what is no HTTP."""
        self._send(code, _error(""), JSON)

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        if status != 200:
            # what is left of a body that wasn't read is no request
            self.close_connection = True
            self.send_header("Connection", "close")
        for name, value in {
            **HEADERS,
            "Content-Security-Policy": POLICY,
            "Content-Type": kind,
            "Content-Length": str(len(content)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _below_token(self) -> str:
        """The path behind the token; raises Refused for any other, and for a request that another page sent."""
        if self.headers.get("Host") not in self.server.hosts:
            raise Refused(404)
        token, slash, rest = self.path.removeprefix("/").partition("/")
        if not hmac.compare_digest(token.encode(), self.server.token.encode()) or not slash:
            raise Refused(404)
        return rest

    def _get(self, path: str) -> tuple[bytes, str]:
        session = self.server.session
        if path in FILES:
            place, kind = FILES[path]
            return resources.files("sdm_bench").joinpath(place).read_bytes(), kind
        if path == "state":
            return _json(state(session))
        kind, _, number = path.partition("/")
        if kind == "jobs" and number.isascii() and number.isdigit() and len(number) < 9:
            return _json(progress(session.job(int(number))))
        raise Refused(404, "no such address")

    def _post(self, path: str) -> tuple[bytes, str]:
        body, session = self._body(), self.server.session
        if path == "edit":
            number = session.start(_label(body, session), _numbers(body, "seeds"), _number(body, "margin"))
            return _json({"job": number})
        if path == "cancel":
            session.cancel()
            return _json({})
        if path == "save":
            return _json({"folder": str(session.save(_number(body, "job")))})
        raise Refused(404, "no such address")

    def _body(self) -> dict[str, Any]:
        origin = self.headers.get("Origin")
        if origin is not None and origin.removeprefix("http://") not in self.server.hosts:
            raise Refused(403, "from another page")
        if self.headers.get("Content-Type") != JSON:
            raise Refused(415, f"expected {JSON}")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refused(411, "expected a length")
        if len(length) > 12 or int(length) > self.server.most_bytes:
            raise Refused(413, f"more than {self.server.most_bytes} bytes")
        try:
            found = json.loads(self.rfile.read(int(length)))
        except TimeoutError as error:
            raise Refused(408, "the body did not come") from error
        except (ValueError, RecursionError) as error:
            raise Refused(400, "not JSON") from error
        if not isinstance(found, dict):
            raise Refused(400, "not fields with values")
        return found


def state(session: Session) -> dict[str, Any]:
    """All that the page needs to begin. label: int16 of little endian, row by row, in base64."""
    source, classes = session.source, session.opened.reader.classes
    assert source.image is not None
    height, width = source.label.shape
    return {
        **described(session.opened),
        "id": source.id,
        "width": width,
        "height": height,
        "label": base64.b64encode(source.label.astype("<i2").tobytes()).decode(),
        "picture": _data(source.image),
        "classes": [
            {"name": name, "color": color} for name, color in zip(classes.names, classes.colors.tolist(), strict=True)
        ],
        "present": np.unique(source.label).tolist(),
        "most_seeds": MOST_SEEDS,
        "most_margin": MOST_MARGIN,
        "stochastic": session.opened.editor.how is not None or session.opened.trained.config.stochastic,
        "jobs": len(session.jobs),
    }


def progress(job: Job) -> dict[str, Any]:
    """How far an edit is, and the pictures that it has made."""
    return {
        "state": job.state,
        "done": job.done,
        "steps": job.steps,
        "error": job.error,
        "saved": job.saved,
        "pictures": [{"seed": seed, "picture": _data(pixels)} for seed, pixels in list(job.pictures.items())],
        "erased": int(job.pair.erased.sum()),
    }


def _label(body: dict[str, Any], session: Session) -> np.ndarray:
    """int64 (H, W) of a body's label map; raises UserError."""
    height, width = session.source.label.shape
    try:
        stored = base64.b64decode(body.get("label", ""), validate=True)
    except (ValueError, TypeError) as error:
        raise UserError("label: not base64") from error
    if len(stored) != 2 * height * width:
        raise UserError(f"label: {len(stored)} bytes; expected {2 * height * width}, two a pixel of {width}x{height}")
    return np.frombuffer(stored, "<i2").reshape(height, width).astype(np.int64)


def _number(body: dict[str, Any], name: str) -> int:
    found = body.get(name)
    if type(found) is not int or abs(found) > 2**31:
        raise UserError(f"{name}: expected a whole number")
    return found


def _numbers(body: dict[str, Any], name: str) -> list[int]:
    found = body.get(name)
    if not isinstance(found, list) or len(found) > MOST_SEEDS:
        raise UserError(f"{name}: expected a list of at most {MOST_SEEDS} whole numbers")
    return [_number({name: each}, name) for each in found]


def _data(pixels: np.ndarray) -> str:
    """A picture as an address that holds it."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _json(value: Any) -> tuple[bytes, str]:
    return json.dumps(value, allow_nan=False).encode(), JSON


def _error(text: str) -> bytes:
    return json.dumps({"error": text}).encode()
