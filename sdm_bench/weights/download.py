"""Downloads that a later call resumes, checked before anybody reads them."""

import math
from pathlib import Path

import requests

from sdm_bench.base.progress import track
from sdm_bench.weights.indexes import TIMEOUT
from sdm_bench.weights.sources import WrongDigest, check_digest

CHUNK = 1 << 20


def download(
    session: requests.Session,
    address: str,
    partial: Path,
    sha256: str | None,
    auth: tuple[str, str] | None = None,
) -> Path:
    """Brings the file at `address` to `partial`, going on from what is already there; returns `partial`.

    sha256 is the digest or how it starts. Raises WrongDigest, after which the next call starts anew, and
    requests.RequestException, after which the next call resumes.
    """
    partial.parent.mkdir(parents=True, exist_ok=True)
    if _finished(partial, sha256):
        return partial
    _transfer(session, address, partial, auth)
    try:
        check_digest(partial, sha256, address)
    except WrongDigest:
        partial.unlink()
        raise
    return partial


def _finished(partial: Path, sha256: str | None) -> bool:
    if sha256 is None or not partial.is_file():
        return False
    try:
        check_digest(partial, sha256, partial)
    except WrongDigest:
        return False
    return True


def _transfer(session: requests.Session, address: str, partial: Path, auth: tuple[str, str] | None) -> None:
    done = partial.stat().st_size if partial.is_file() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with session.get(address, headers=headers, stream=True, timeout=TIMEOUT, auth=auth) as response:
        if done and response.status_code == requests.codes.requested_range_not_satisfiable:
            partial.unlink()
            return _transfer(session, address, partial, auth)
        response.raise_for_status()
        resumed = response.headers.get("Content-Range", "").startswith(f"bytes {done}-")
        done = done if resumed else 0
        with partial.open("ab" if resumed else "wb") as stream:
            chunks = response.iter_content(CHUNK)
            total = math.ceil((done + int(response.headers.get("Content-Length", 0))) / CHUNK)
            for chunk in track(chunks, f"download {partial.stem}", total, done // CHUNK, unit="MiB"):
                stream.write(chunk)
    return None
