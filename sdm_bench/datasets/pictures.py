"""Picture files: finding them by name, decoding them, and what can be wrong with them."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import refuse_special

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
MAP_SUFFIXES = (".png",)
IDS_NAMED = 8
WORKERS = min(8, os.cpu_count() or 1)
# Larger pictures are refused: no data set of this field has them, and a small file can ask for any size.
MOST_PIXELS = 50_000_000
# Ours is the limit; Pillow's own, which is larger, only warns.
Image.MAX_IMAGE_PIXELS = None
# Items that `ahead` computes before they are asked for.
LOOKAHEAD = 64

T = TypeVar("T")
U = TypeVar("U")


class UnreadableFile(UserError):
    """A file that is missing, truncated or not of the expected kind."""


class NotAMap(UnreadableFile):
    """A picture with colour channels where a map of ids was expected."""


class UnknownIds(UserError):
    """A label map with values outside the dataset's table; `counts` maps each value to its number of pixels."""

    def __init__(self, path: Path, counts: dict[int, int], expected: str):
        found = [f"{value} ({count} pixels)" for value, count in counts.items()]
        more = f" and {len(found) - IDS_NAMED} more values" if len(found) > IDS_NAMED else ""
        super().__init__(f"{path}: ids outside the table: {', '.join(found[:IDS_NAMED])}{more}; expected {expected}")
        self.counts = counts


@dataclass(frozen=True)
class FilePattern:
    """One kind of file of a split: what is below `folder` with one of `suffixes` and a stem that ends in `ending`.

    An example's id is the stem without `ending`.
    """

    folder: Path
    suffixes: tuple[str, ...]
    ending: str = ""

    def files(self) -> dict[str, list[Path]]:
        """The files of each id, sorted; more than one where a name occurs twice."""
        found: dict[str, list[Path]] = {}
        for path in sorted(self.folder.rglob("*")) if self.folder.is_dir() else []:
            if self._wants(path):
                found.setdefault(path.stem.removesuffix(self.ending), []).append(path)
        return found

    def _wants(self, path: Path) -> bool:
        hidden = path.name.startswith(".")
        return not hidden and path.suffix.lower() in self.suffixes and path.stem.endswith(self.ending)


def read_image(path: Path) -> np.ndarray:
    """uint8 (H, W, 3) RGB pixels of a picture file."""
    return np.asarray(open_picture(path).convert("RGB"))


def read_map(path: Path) -> np.ndarray:
    """(H, W) integers of a single-channel PNG, 8 or 16 bits, as stored: palettes are not applied."""
    image = open_picture(path)
    if image.mode not in ("L", "P", "I", "I;16", "1"):
        raise NotAMap(f"{path}: a map of ids has one channel; found a picture of mode {image.mode}")
    return np.asarray(image)


def open_picture(path: Path) -> Image.Image:
    """The decoded picture at `path` in its own mode; raises UnreadableFile."""
    try:
        with _opened(path) as image:
            image.load()
            return image
    except UnreadableFile as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise UnreadableFile(f"{path}: no such file") from error
        if isinstance(error.__cause__, UnidentifiedImageError):
            size = path.stat().st_size
            raise UnreadableFile(f"{path}: {f'not a picture ({size} bytes)' if size else 'an empty file'}") from error
        raise


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The picture at `path`, of which the header is read; raises UnreadableFile for what is none, or far too large."""
    refuse_special(path)
    try:
        with Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:
                pixels = f"{image.width}x{image.height} pixels"
                raise UnreadableFile(f"{path}: a picture of {pixels}; expected at most {MOST_PIXELS} in all")
            yield image
    except UserError:
        raise
    except Exception as error:  # a damaged picture fails in as many ways as there are formats
        raise UnreadableFile(f"{path}: not a readable picture ({error})") from error


def picture_size(path: Path) -> tuple[int, int]:
    """(height, width) of the picture at `path`, of which only the header is read; raises UnreadableFile."""
    with _opened(path) as image:
        return image.height, image.width


def by_stem(source: FilePattern) -> dict[str, Path]:
    """The file of each id; raises UserError where a name occurs twice."""
    found = source.files()
    for paths in found.values():
        if len(paths) > 1:
            raise UserError(f"{paths[1]}: the same name as {paths[0]}; names must differ within a split")
    return {name: paths[0] for name, paths in found.items()}


def in_parallel(function: Callable[[T], U], items: Iterable[T]) -> Iterator[U]:
    """`function` of each item, in order, computed by threads: decoding pictures releases Python's lock."""
    pool = ThreadPoolExecutor(WORKERS)
    try:
        yield from pool.map(function, items)
    finally:
        pool.shutdown(cancel_futures=True)


def ahead(
    function: Callable[[int], T],
    count: int,
    lookahead: int = LOOKAHEAD,
    workers: int = WORKERS,
    begin: Callable[[], object] | None = None,
) -> Iterator[T]:
    """function(0), function(1), ... computed by threads, at most `lookahead` of them before they are asked for.

    begin: what each of the `workers` threads does first.
    """
    with ThreadPoolExecutor(workers, initializer=begin) as pool:
        pending: deque[Future[T]] = deque()
        try:
            for index in range(count):
                pending.append(pool.submit(function, index))
                if len(pending) > lookahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
