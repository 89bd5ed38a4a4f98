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
from sdm_bench.base.folders import composed, files_below, without_repeats
from sdm_bench.datasets.decoding import UnreadableFile, decode_rgb, opened, read_header

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
MAP_SUFFIXES = (".png",)
WORKERS = min(8, os.cpu_count() or 1)
# Items that `ahead` computes before they are asked for.
LOOKAHEAD = 64

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class FilePattern:
    """One kind of file of a split: what is below `folder` with one of `suffixes` and a stem that ends in `ending`.

    An example's id is the stem without `ending`, with letters and their marks as one (NFC). without: files whose stem
    ends so are passed over.
    """

    folder: Path
    suffixes: tuple[str, ...]
    ending: str = ""
    without: str | None = None

    def files(self) -> dict[str, list[Path]]:
        """The files of each id, sorted; more than one where a name occurs twice."""
        found: dict[str, list[Path]] = {}
        for path in files_below(self.folder).files:
            if self._wants(path):
                found.setdefault(composed(path.stem.removesuffix(self.ending)), []).append(path)
        return {name: without_repeats(paths) for name, paths in found.items()}

    def _wants(self, path: Path) -> bool:
        passed_over = self.without is not None and path.stem.endswith(self.without)
        return not passed_over and path.suffix.lower() in self.suffixes and path.stem.endswith(self.ending)


def read_image(path: Path) -> np.ndarray:
    """uint8 (H, W, 3) RGB pixels of a picture file, as `decode_rgb` makes them; raises UnreadableFile."""
    with _reasons(path):
        return decode_rgb(path)


def open_picture(path: Path) -> Image.Image:
    """The decoded picture at `path` in its own mode; raises UnreadableFile."""
    with _reasons(path), opened(path) as image:
        image.load()
        return image


@contextmanager
def _reasons(path: Path) -> Iterator[None]:
    """Has a file that is no picture say what it is instead."""
    try:
        yield
    except UnreadableFile as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise UnreadableFile(f"{path}: no such file") from error
        if isinstance(error.__cause__, UnidentifiedImageError):
            size = path.stat().st_size
            raise UnreadableFile(f"{path}: {f'not a picture ({size} bytes)' if size else 'an empty file'}") from error
        raise


def picture_size(path: Path) -> tuple[int, int]:
    """(height, width) of the picture at `path`, upright, of which only the header is read; raises UnreadableFile."""
    header = read_header(path)
    return header.height, header.width


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
