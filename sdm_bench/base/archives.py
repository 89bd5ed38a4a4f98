"""Members of zip and tar archives, as many bytes of them as an honest archive has and no deeper than it goes.

The one limit of all archives: what comes out of a file, archives inside it included, is `unpacked_limit` of it, and
archives lie in one another up to DEEPEST times. A member's size is known, and counted, before it is unpacked.
"""

import errno
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from sdm_bench.base.errors import UserError
from sdm_bench.base.filekinds import RefusedFile, is_zip, unpacked_limit
from sdm_bench.base.files import named

DEEPEST = 3
# What the system says where names of members make no place.
NO_PLACE = frozenset({errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EINVAL})
CHUNK = 1 << 20


class Member(NamedTuple):
    """A file in an archive: its name there, and the open stream of it."""

    archive: Path
    name: PurePosixPath
    stream: IO[bytes]


@dataclass
class Budget:
    """What may still come out of the archive at `path`."""

    path: Path
    left: int
    depth: int = 0

    @staticmethod
    def of(path: Path) -> "Budget":
        """That of an archive of which nothing is unpacked yet."""
        return Budget(path, unpacked_limit(path))

    def take(self, name: object, size: int) -> None:
        """Counts a member; raises RefusedFile where that is too much."""
        self.left -= size
        if self.left < 0:
            whole = unpacked_limit(self.path)
            raise RefusedFile(
                f"{self.path}: {name} has {size} bytes; at most {whole} come out of an archive of this size"
            )

    def enter(self, name: object) -> None:
        """Counts an archive inside the one in hand; raises RefusedFile where they lie too deep in one another."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise RefusedFile(f"{self.path}: {name} is an archive in more than {DEEPEST} others; unpack it first")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns whatever a damaged or unusual archive has the readers raise into RefusedFile that names `path`."""
    try:
        yield
    except (UserError, FileNotFoundError, PermissionError):
        raise
    except OSError as error:
        # what the disk refuses has a number and is no matter of the archive
        if error.errno is not None and error.errno not in NO_PLACE:
            raise
        raise RefusedFile(f"{path}: not readable as an archive: {error}") from error
    except Exception as error:  # encrypted, cut short, packed in ways that Python doesn't know
        raise RefusedFile(f"{path}: not readable as an archive: {type(error).__name__}: {error}") from error


def is_archive(path: Path) -> bool:
    """Whether a file is a tar archive, or a zip of files; PyTorch's own format is a zip with a data.pkl in it."""
    with reading(path):
        if _is_tar(path):
            return True
        if not is_zip(path):
            return False
        with zipfile.ZipFile(path) as archive:
            return not any(PurePosixPath(name).name == "data.pkl" for name in archive.namelist())


def _is_tar(path: Path) -> bool:
    """Asked before whether it is a zip, for which a tar that ends in one is taken."""
    try:
        return tarfile.is_tarfile(path)
    except Exception:  # the beginning of a compressed file that is damaged, or isn't one
        return False


def members(path: Path, budget: Budget) -> Iterator[Member]:
    """The files in an archive; each is counted, whether or not it is read, and links and devices are passed over."""
    with reading(path):
        if is_zip(path) and not _is_tar(path):
            yield from _zipped(path, budget)
        else:
            yield from _tarred(path, budget)


def _zipped(path: Path, budget: Budget) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                budget.take(info.filename, info.file_size)
                with archive.open(info) as stream:
                    yield Member(path, PurePosixPath(info.filename), stream)


def _tarred(path: Path, budget: Budget) -> Iterator[Member]:
    with tarfile.open(path) as archive:
        for info in archive:
            if info.isfile():
                budget.take(info.name, info.size)
                stream = archive.extractfile(info)
                assert stream is not None, "a file has a content"
                yield Member(path, PurePosixPath(info.name), stream)


def unpack_member(member: Member, target: Path) -> None:
    """Writes a member to `target`; raises RefusedFile for a name that makes no place, OSError for a full disk."""
    with reading(member.archive), named(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as out:
            shutil.copyfileobj(member.stream, out, CHUNK)
