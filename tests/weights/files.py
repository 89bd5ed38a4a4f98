"""Small files of weights in the forms that sources have, and entries that describe them."""

import hashlib
import io
import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sdm_bench.weights.registry import Entry, Package, Published

# More than one chunk of a download.
VALUES = np.arange(300_000, dtype=np.float32).reshape(300, 1000)


def torch_file(value: Any) -> bytes:
    """What torch.save writes."""
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def state() -> dict[str, Tensor]:
    """A state dict of one tensor."""
    return {"layer.weight": torch.from_numpy(VALUES)}


def wheel(members: dict[str, bytes]) -> bytes:
    """A zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return stream.getvalue()


def sdist(members: dict[str, bytes]) -> bytes:
    """A tar.gz archive."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, body in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(body)
            archive.addfile(header, io.BytesIO(body))
    return stream.getvalue()


def numpy_pickle() -> bytes:
    """The same tensor as `state`, as a pickle of nested arrays."""
    return pickle.dumps({"layer": {"weight": VALUES}}, protocol=3)


def sha256(body: bytes) -> str:
    """The digest of some bytes, in hex."""
    return hashlib.sha256(body).hexdigest()


def package(file: str, archive: bytes, member: str, content: bytes) -> Package:
    """The package source of a pickle of arrays."""
    return Package(
        project="carrier",
        version="1.0",
        file=file,
        sha256=sha256(archive),
        member=member,
        member_sha256=sha256(content),
        reader="numpy_pickle",
        convert="state_dict",
    )


def entry(name: str = "net", **about: Any) -> Entry:
    """An entry that must hold the tensor of `state`."""
    holds = {"layer.weight": (300, 1000)}
    return Entry(**({"name": name, "purpose": "a test", "licence": "MIT", "holds": holds} | about))


def published(address: str, body: bytes | None = None, **about: Any) -> Published:
    """A published address, with the digest of `body` where given."""
    return Published(address=address, sha256=None if body is None else sha256(body), **about)


def put(path: Path, body: bytes) -> Path:
    """Writes `body` to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path
