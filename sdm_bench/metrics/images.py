"""Pictures to measure: read one by one, with a digest of all that decides their pixels."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import sha256_file, sha256_lines
from sdm_bench.base.folders import composed, is_hidden
from sdm_bench.base.progress import say
from sdm_bench.datasets.decoding import ARRAY, UPRIGHT, Header, read_header
from sdm_bench.datasets.pictures import IMAGE_SUFFIXES, in_parallel, picture_size, read_image


@dataclass(frozen=True)
class ImageSource:
    """Pictures to measure.

    read: index -> uint8 (H, W, 3); raises UserError where the file is no longer what the manifest says. manifest:
    SHA-256 of the ids and of all that decides pixels. paths: the files, in the order of the ids, where the pictures are
    files as they are. size: (height, width) of pictures that are no files.
    """

    name: str
    ids: tuple[str, ...]
    read: Callable[[int], np.ndarray]
    manifest: str
    paths: tuple[Path, ...] = ()
    size: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def headers(self) -> list[Header]:
        """What is known of each picture without its pixels."""
        if self.size is not None:
            return [Header(*self.size, ARRAY, "RGB", UPRIGHT)] * len(self)
        return list(in_parallel(read_header, self.paths))


def pictures_in(folder: Path) -> dict[str, list[Path]]:
    """The picture files directly in `folder` by stem, which is their id; several where a stem occurs twice.

    Raises UserError where there are none; other files and folders are passed over with a line.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; expected a flat folder of pictures")
    found: dict[str, list[Path]] = {}
    others = []
    for path in sorted(folder.iterdir()):
        if is_hidden(path) or path.suffix.lower() not in IMAGE_SUFFIXES or not path.is_file():
            others.append(path.name)
        else:
            found.setdefault(composed(path.stem), []).append(path)
    if not found:
        raise UserError(
            f"{folder}: no pictures; expected {', '.join(IMAGE_SUFFIXES)} directly in it, not in folders below"
        )
    if others:
        say(f"{folder}: {len(found)} pictures; passed over {', '.join(others[:5])}{', ...' * (len(others) > 5)}")
    return found


def folder_source(folder: Path) -> ImageSource:
    """The pictures directly in `folder`; raises UserError where two have one id, and as `pictures_in` does."""
    found = pictures_in(folder)
    for paths in found.values():
        if len(paths) > 1:
            raise UserError(f"{paths[1]}: the same id as {paths[0]}; expected one picture an id")
    return files_source(str(folder), {name: paths[0] for name, paths in found.items()})


def files_source(name: str, files: dict[str, Path]) -> ImageSource:
    """The pictures of `files` (id -> file), sorted by id."""
    ids = tuple(sorted(files))
    paths = tuple(files[key] for key in ids)
    digests = list(in_parallel(sha256_file, paths))
    manifest = manifest_of(dict(zip(ids, digests, strict=True)))

    def read(index: int) -> np.ndarray:
        pixels = read_image(paths[index])
        refuse_changed(paths[index], digests[index])
        return pixels

    return ImageSource(name, ids, read, manifest, paths)


def manifest_of(digests: dict[str, str]) -> str:
    """The manifest of pictures that are files as they are: of the SHA-256 of each file by id."""
    return sha256_lines([f"{key} {digests[key]}" for key in sorted(digests)])


def refuse_changed(path: Path, digest: str) -> None:
    """Raises UserError where a file has no longer the SHA-256 that an identity was made of."""
    if sha256_file(path) != digest:
        raise UserError(f"{path}: changed while it was measured; measure again when nothing writes there")


def count_sizes(paths: Iterable[Path]) -> Counter[tuple[int, int]]:
    """How many of the picture files have each (height, width), which is read from their headers."""
    return Counter(in_parallel(picture_size, paths))
