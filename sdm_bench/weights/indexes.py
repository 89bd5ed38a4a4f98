"""The user's package indexes, as pip and uv are told of them, and a session that reads them."""

import configparser
import io
import os
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import platformdirs
import requests
from pypi_simple import PYPI_SIMPLE_ENDPOINT
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from sdm_bench.weights.registry import Package

INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")
INDEX_OPTIONS = ("index-url", "extra-index-url")
CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "PIP_CERT", "SSL_CERT_FILE")
# Seconds to connect, and between two pieces of an answer: a machine without a network moves on quickly.
TIMEOUT = (5.0, 60.0)


def index_addresses() -> list[str]:
    """The package indexes to ask, in order: variables of uv and pip, pip's configuration files, the public index."""
    words = [word for name in INDEX_VARIABLES for word in os.environ.get(name, "").split()]
    configured = _pip_configuration()
    words += [word for option in INDEX_OPTIONS for word in configured.get(option, "").split()]
    # uv writes an index with a name as name=address
    addresses = [re.sub(r"^[\w.-]+=(?=\w+://)", "", word) for word in words]
    return list(dict.fromkeys([*addresses, PYPI_SIMPLE_ENDPOINT]))


def certificates() -> str | None:
    """The file or folder of certificate authorities that the user's settings name; None for the built-in ones."""
    chosen = [os.environ.get(name) for name in CERTIFICATE_VARIABLES] + [_pip_configuration().get("cert")]
    return next((path for path in chosen if path and Path(path).exists()), None)


def new_session() -> requests.Session:
    """A session with the user's certificates that also reads indexes laid out in a folder (file:// addresses)."""
    session = requests.Session()
    session.verify = certificates() or True
    session.mount("file://", _LocalFiles())
    return session


def package_address(session: requests.Session, index: str, package: Package) -> str:
    """The address of a package's file on `index`.

    Raises LookupError when the index has no such project or file, requests.RequestException when it can't be asked.
    """
    from pypi_simple import NoSuchProjectError, PyPISimple, UnsupportedContentTypeError

    # no context manager: leaving it would close the session
    client = PyPISimple(index, session=session)
    try:
        page = client.get_project_page(package.project, timeout=TIMEOUT)
    except (NoSuchProjectError, UnsupportedContentTypeError) as error:
        raise LookupError(f"no project page of {package.project}") from error
    for file in page.packages:
        if file.filename == package.file:
            return file.url
    raise LookupError(f"no file {package.file} among the {len(page.packages)} of {package.project}")


def credentials_for(address: str, index: str) -> tuple[str, str] | None:
    """The user and password in the index's address, for files on the same host only."""
    there, here = urlsplit(index), urlsplit(address)
    same = there.hostname == here.hostname and there.port == here.port and there.scheme == here.scheme
    return (there.username, there.password or "") if there.username and same else None


def redacted(text: str) -> str:
    """`text` without the users and passwords of the addresses in it."""
    return re.sub(r"(?<=://)[^/@\s]+@", "", text)


def _pip_configuration() -> dict[str, str]:
    """pip's [global] options; later files win, as in pip."""
    merged: dict[str, str] = {}
    for path in pip_files():
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        if parser.has_section("global"):
            merged |= {key.replace("_", "-"): value for key, value in parser.items("global")}
    return merged


def pip_files() -> list[Path]:
    """Where pip's configuration may be, the more particular places last."""
    chosen = os.environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return []
    name = "pip.ini" if sys.platform == "win32" else "pip.conf"
    return [
        Path("/etc/xdg/pip") / name,
        Path("/etc") / name,
        Path.home() / ".pip" / name,
        Path.home() / ".config" / "pip" / name,
        Path(platformdirs.user_config_dir("pip", appauthor=False, roaming=True)) / name,
        Path(sys.prefix) / name,
        *([Path(chosen)] if chosen else []),
    ]


class _LocalFiles(HTTPAdapter):
    """Answers file:// requests; a folder answers with its index.html."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        assert request.url is not None
        path = Path(url2pathname(urlsplit(request.url).path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            return self.build_response(request, HTTPResponse(io.BytesIO(), status=404, preload_content=False))
        kind = "text/html" if path.suffix == ".html" else "application/octet-stream"
        headers = {"Content-Length": str(path.stat().st_size), "Content-Type": kind}
        body = HTTPResponse(path.open("rb"), headers, status=200, preload_content=False)
        return self.build_response(request, body)
