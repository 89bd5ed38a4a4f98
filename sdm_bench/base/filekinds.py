"""What a file is that was taken for weights and isn't, and archives that would fill the disk or the memory."""

import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import refuse_special

LOOKED_AT = 1024
LFS = b"version https://git-lfs.github.com/spec/"
# How files of other kinds begin, and what they are.
BEGINNINGS = (
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive; unpack it first"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"BZh", "a bzip2 archive; unpack it first"),
    (b"\xfd7zXZ", "an xz archive; unpack it first"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x89HDF", "an HDF5 file, as Keras writes them"),
    (b"\x93NUMPY", "an array of NumPy"),
)
# What may come out of an archive: this many times its own size, and a little more for small ones.
INFLATION = 20
ALLOWANCE = 64 << 20


class RefusedFile(UserError):
    """A file that is broken, no weights at all, or that asks for code to be run before it gives its tensors."""


def unpacked_limit(path: Path) -> int:
    """How many bytes may come out of the archive at `path`: weights hardly shrink, so that more is no honest file."""
    return INFLATION * path.stat().st_size + ALLOWANCE


def refuse_no_weights(path: Path) -> None:
    """Raises RefusedFile for what is put in the place of weights by a failed download, and UserError for a pipe."""
    refuse_stand_ins(path, "weights")


def refuse_stand_ins(path: Path, wanted: str) -> None:
    """Raises RefusedFile for what a failed download puts in the place of what is `wanted`, and UserError for a pipe."""
    refuse_special(path)
    with path.open("rb") as stream:
        start = stream.read(LOOKED_AT)
    if not start:
        raise RefusedFile(f"{path}: an empty file, not {wanted}")
    if start.startswith(LFS):
        raise RefusedFile(f"{path}: a Git LFS pointer, not {wanted}; `git lfs pull` brings the file that it stands for")
    if _is_web_page(start):
        raise RefusedFile(f"{path}: a web page, not {wanted}{_titled(start)}; download the file itself")


def refuse_other_kinds(path: Path) -> None:
    """Raises RefusedFile for archives and other files that are told by how they begin."""
    with path.open("rb") as stream:
        start = stream.read(LOOKED_AT)
    for beginning, kind in BEGINNINGS:
        if start.startswith(beginning):
            raise RefusedFile(f"{path}: {kind}; expected weights")
    if start.lstrip().startswith(b"{"):
        index = ", the index of weights in several files, which would have to be put into one"
        raise RefusedFile(f"{path}: a JSON{index * (b'weight_map' in path.read_bytes())}; expected weights")
    if start[257:262] == b"ustar" and not _legacy_torch(path):
        raise RefusedFile(f"{path}: a tar archive, not weights; unpack it first")
    if is_zip(path):
        refuse_inflated(path)
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except Exception as error:  # a damaged list of members
            raise RefusedFile(f"{path}: a zip archive that is damaged: {error}") from error
        if any(name.count("/") == 1 and name.endswith("/constants.pkl") for name in names):
            raise RefusedFile(f"{path}: a TorchScript archive; expected a state dict, as torch.save writes it")
        if not any(PurePosixPath(name).name == "data.pkl" for name in names):
            raise RefusedFile(f"{path}: a zip archive, not weights; it holds {', '.join(names[:3])}; unpack it first")


def refuse_inflated(path: Path) -> None:
    """Raises RefusedFile where a zip archive's members are too large to be honest."""
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(info.file_size for info in archive.infolist())
    except Exception as error:  # a damaged list of members
        raise RefusedFile(f"{path}: a zip archive that is damaged: {error}") from error
    if total > unpacked_limit(path):
        raise RefusedFile(
            f"{path}: an archive of {path.stat().st_size} bytes whose members have {total}; at most {INFLATION} times "
            "as many are unpacked"
        )


def is_safetensors(path: Path) -> bool:
    """Whether a file begins as safetensors do: the length of a header of JSON, which the file has, and that header."""
    with path.open("rb") as stream:
        length, start = int.from_bytes(stream.read(8), "little"), stream.read(1)
    return start == b"{" and length <= path.stat().st_size - 8


def is_zip(path: Path) -> bool:
    """Whether a file is a zip archive; one with a damaged end, for which `zipfile` raises, is none."""
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:
        return False


def _is_web_page(start: bytes) -> bool:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<body"))


def _titled(start: bytes) -> str:
    _, found, rest = start.partition(b"<title>")
    title, closed, _ = rest.partition(b"</title>")
    return f" ({' '.join(title.decode('utf-8', 'replace').split())[:80]!r})" if found and closed else ""


def _legacy_torch(path: Path) -> bool:
    """PyTorch's oldest files are tar archives."""
    try:
        with tarfile.open(path) as archive:
            return "pickle" in archive.getnames()
    except (tarfile.TarError, OSError, ValueError):
        return False
