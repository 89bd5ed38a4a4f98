"""Ways to damage a file, or to put something hostile in its place; each draws from one generator alone."""

import io
import os
import pickle
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.endurance.workspace import swapped_json

# bytes before, a generator, the folder that nothing may be written to -> bytes after.
Mutation = Callable[[bytes, np.random.Generator, Path], bytes]


def _cut(body: bytes, rng: np.random.Generator, _: Path) -> bytes:
    return body[: int(rng.integers(0, len(body)))]


def _flipped(body: bytes, rng: np.random.Generator, _: Path) -> bytes:
    changed = bytearray(body)
    for _ in range(int(rng.integers(1, 20))):
        changed[int(rng.integers(len(changed)))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _flipped_head(body: bytes, rng: np.random.Generator, outside: Path) -> bytes:
    """Headers are where sizes and types stand."""
    return _flipped(body[:200], rng, outside) + body[200:]


def _zeroed(body: bytes, rng: np.random.Generator, _: Path) -> bytes:
    start = int(rng.integers(len(body)))
    count = min(int(rng.integers(1, 500)), len(body) - start)
    return body[:start] + bytes(count) + body[start + count :]


def _inserted(body: bytes, rng: np.random.Generator, _: Path) -> bytes:
    place = int(rng.integers(len(body)))
    return body[:place] + rng.bytes(int(rng.integers(1, 100))) + body[place:]


def _swapped(body: bytes, rng: np.random.Generator, _: Path) -> bytes:
    return swapped_json(body.decode(), rng).encode()


def _pickle(body: bytes, rng: np.random.Generator, outside: Path) -> bytes:
    class Evil:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(outside / "executed"),)

    payload = pickle.dumps({"state_dict": Evil()}, protocol=2)
    if rng.integers(2):
        return payload
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", payload)
        archive.writestr("archive/version", "3")
        archive.writestr("archive/byteorder", "little")
    return stream.getvalue()


def _expanded(body: bytes, rng: np.random.Generator, _: Path) -> bytes:
    """A few bytes that say they are 40 GB."""
    stream = io.BytesIO()
    torch.save({"weight": torch.zeros(1).expand(100_000, 100_000)}, stream)
    return stream.getvalue()


def _zip_bomb(body: bytes, rng: np.random.Generator, _: Path) -> bytes:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("latest_net_G.pth", bytes(150 << 20))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            archive.writestr(f"{number}.zip", inner.getvalue())
    return stream.getvalue() if rng.integers(2) else inner.getvalue()


def _nested_zips(body: bytes, rng: np.random.Generator, _: Path) -> bytes:
    for _ in range(8):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("all.zip", body)
        body = stream.getvalue()
    return body


def _odd_zip(body: bytes, rng: np.random.Generator, _: Path) -> bytes:
    """A member that is encrypted, or packed in an unknown way, as its headers say."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("latest_net_G.pth", b"weights" * 100)
    changed = bytearray(stream.getvalue())
    at, value = ((6, 1), (8, 97))[int(rng.integers(2))]
    central = changed.index(b"PK\x01\x02")
    changed[at], changed[central + at + 2] = value, value
    return bytes(changed)


def _odd_names(body: bytes, rng: np.random.Generator, _: Path) -> bytes:
    """Members whose names lead outside, are too long, too deep, or need a folder where a file is."""
    names = [
        ["../../../executed/latest_net_G.pth", "/executed/latest_net_G.pth"],
        ["x" * 300 + "_net_G.pth"],
        ["d/" * 2000 + "latest_net_G.pth"],
        ["latest_net_G.pth", "latest_net_G.pth/latest_net_G.pth"],
    ][int(rng.integers(4))]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 7
            archive.addfile(info, io.BytesIO(b"weights"))
    return stream.getvalue()


def _link(body: bytes, rng: np.random.Generator, outside: Path) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = (tarfile.SYMTYPE, tarfile.LNKTYPE)[int(rng.integers(2))], str(outside)
        archive.addfile(info)
        info = tarfile.TarInfo("link/executed_net_G.pth")
        info.size = 7
        archive.addfile(info, io.BytesIO(b"weights"))
    return stream.getvalue()


def _huge_picture(body: bytes, rng: np.random.Generator, _: Path) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.new("L", (12_000, 12_000)).save(stream, format="PNG")
    return stream.getvalue()


def _aliases(body: bytes, rng: np.random.Generator, _: Path) -> bytes:
    """A few lines of YAML that spell out to more than memory holds."""
    lines = ["- &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"- &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 12)]
    return "\n".join(lines).encode()


def _huge_array(body: bytes, rng: np.random.Generator, _: Path) -> bytes:
    """Arrays whose header asks for 80 TB."""
    stream = io.BytesIO()
    np.save(stream, np.zeros(8))
    header = stream.getvalue().replace(b"(8,), }           ", b"(9999999999999,), }")
    if body[:2] != b"PK":
        return header
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("mu.npy", header)
        archive.writestr("sigma.npy", header)
    return packed.getvalue()


def always(body: bytes) -> Mutation:
    """The same bytes in any file's place."""
    return lambda *_: body


# Damage after which a file may still be one; every other is sure to be noticed.
MILD: dict[str, Mutation] = {
    "flipped": _flipped,
    "flipped head": _flipped_head,
    "zeroed": _zeroed,
    "inserted": _inserted,
    "cut": _cut,
}
ANY: dict[str, Mutation] = {
    "empty": always(b""),
    "a web page": always(b"<!DOCTYPE html><html><title>Quota exceeded</title></html>"),
    "a pointer": always(b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 123\n"),
    "a NUL": always(b"a,\x00b\n1,2\n"),
    "no UTF-8": always(b"\xff\xfe\xc3("),
    "noise": lambda body, rng, _: b"\x81" + rng.bytes(500),
    "a pickle that runs": _pickle,
}
JSON: dict[str, Mutation] = {
    "null": always(b"null"),
    "a list": always(b"[1, 2]"),
    "deep": always(b"[" * 10_000),
    "a number": always(b"1e999"),
}
SWAPPED: dict[str, Mutation] = {"another type": _swapped}
ARCHIVE: dict[str, Mutation] = {
    "bomb": _zip_bomb,
    "nested": _nested_zips,
    "odd": _odd_zip,
    "names": _odd_names,
    "link": _link,
}
TENSORS: dict[str, Mutation] = {"expanded": _expanded}
PICTURE: dict[str, Mutation] = {"huge": _huge_picture}
YAML: dict[str, Mutation] = {
    "aliases": _aliases,
    "odd date": always(b"- {name: a, color: [1, 2, 3], on: 2001-99-99}\n- [1, 2\n"),
    "Latin-1": always("- {name: Brücke, color: [1, 2, 3]}".encode("latin1")),
    "deep": always(b"[" * 10_000),
}
ARRAYS: dict[str, Mutation] = {"huge array": _huge_array}
