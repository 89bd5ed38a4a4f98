"""The gallery's pictures as WebP: small ones, whole ones where these are larger, and where each is kept."""

import base64
import hashlib
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from reports.gallery.columns import Column
from sdm_bench.base.drawing import colorize
from sdm_bench.datasets.base import Example
from sdm_bench.datasets.transforms import resize_map

# Pixels of the longer side of small pictures, and the quality of those that are made smaller.
LONG_SIDE = 128
QUALITY = 80
# Bytes of small pictures that a page holds; more than these stand beside it.
MOST_INLINE = 25_000_000
LABEL, PHOTOGRAPH = "label", "photograph"


class Picture(NamedTuple):
    """A picture as WebP files. whole: with every pixel, None where `small` already has them."""

    small: bytes
    whole: bytes | None


class Row(NamedTuple):
    """What the gallery shows of one label map.

    pictures: by kind, which is LABEL, PHOTOGRAPH or `sample_kind`. classes: pixels by class, of the label map. map:
    its classes at the size of small pictures, see `packed_map`. distances: by column and seed, see `distance`.
    """

    pictures: dict[str, Picture]
    classes: dict[int, int]
    map: str
    distances: dict[tuple[int, int], float]


def sample_kind(column: int, seed: int) -> str:
    """What samples of a column and a seed are called among the pictures."""
    return f"{column}-{seed}"


def draw_row(example: Example, columns: Sequence[Column], colors: np.ndarray) -> Row:
    """The pictures of one label map; samples that are missing are left out. Raises UserError for a broken file."""
    pictures = {LABEL: encoded(colorize(example.label, colors), exact=True)}
    if example.image is not None:
        pictures[PHOTOGRAPH] = encoded(example.image)
    distances = {}
    for index, column in enumerate(columns):
        for seed in column.seeds:
            sample = column.pictured.read(example.id, seed)
            if sample is None:
                continue
            pictures[sample_kind(index, seed)] = encoded(sample)
            if example.image is not None and example.image.shape == sample.shape:
                distances[index, seed] = distance(sample, example.image)
    classes, pixels = np.unique(example.label, return_counts=True)
    counts = dict(zip(classes.tolist(), pixels.tolist(), strict=True))
    return Row(pictures, counts, packed_map(example.label, len(colors)), distances)


def distance(sample: np.ndarray, photograph: np.ndarray) -> float:
    """The mean absolute difference of two uint8 pictures (H, W, 3) over all values, 0 to 255: to sort by, no result."""
    return float(np.abs(sample.astype(np.int16) - photograph).mean(dtype=np.float64))


def small_size(height: int, width: int) -> tuple[int, int]:
    """(height, width) of a picture's small one, which is never larger."""
    scale = min(1.0, LONG_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def encoded(pixels: np.ndarray, exact: bool = False) -> Picture:
    """A uint8 picture (H, W, 3) as WebP. exact: made smaller without mixing colours, as for a label map."""
    height, width = small_size(*pixels.shape[:2])
    whole = _webp(Image.fromarray(pixels), lossless=True)
    if (height, width) == pixels.shape[:2]:
        return Picture(whole, None)
    kernel = Resampling.NEAREST if exact else Resampling.LANCZOS
    small = Image.fromarray(pixels).resize((width, height), kernel)
    return Picture(_webp(small, lossless=exact), whole)


def _webp(picture: Image.Image, lossless: bool) -> bytes:
    stream = io.BytesIO()
    # without loss, quality is the effort: the least is 6 times as fast as half of it at 512x256, the files 4 for 3
    picture.save(
        stream, format="WEBP", lossless=lossless, quality=0 if lossless else QUALITY, method=0 if lossless else 2
    )
    return stream.getvalue()


def packed_map(label: np.ndarray, classes: int) -> str:
    """The classes of a label map (H, W) at the size of its small picture: zlib of bytes by row, in base64.

    A class is one byte, or two with the lower first where there are more than 256 of them.
    """
    ids = resize_map(label, small_size(*label.shape)).astype("u1" if classes <= 256 else "<u2")
    return base64.b64encode(zlib.compress(ids.tobytes(), 9)).decode()


@dataclass
class Pictures:
    """Pictures by kind and row: small ones in memory as long as they are few enough for a page, all else in `folder`.

    Nothing is written to the folder where small pictures alone are needed and fit.
    """

    folder: Path
    rows: int
    limit: int = MOST_INLINE
    inline: dict[str, list[str]] | None = field(default_factory=dict)
    missing: dict[str, list[int]] = field(default_factory=dict)
    written: int = 0
    _size: int = 0
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def add(self, row: int, pictures: dict[str, Picture], kinds: Sequence[str]) -> None:
        """Keeps the pictures of a row, of which `kinds` are those that a complete one has."""
        for kind in kinds:
            picture = pictures.get(kind)
            if picture is None:
                self.missing.setdefault(kind, []).append(row)
                self._keep(kind, row, b"")
                continue
            self._keep(kind, row, picture.small)
            if picture.whole is not None:
                self._write(whole_name(kind, row), picture.whole)

    @property
    def digest(self) -> str:
        """SHA-256 over all small pictures in the order in which they came."""
        return self._digest.hexdigest()

    def _keep(self, kind: str, row: int, small: bytes) -> None:
        self._digest.update(f"{kind} {row} {len(small)} ".encode() + small)
        if self.inline is None:
            if small:
                self._write(small_name(kind, row), small)
            return
        text = base64.b64encode(small).decode()
        self.inline.setdefault(kind, []).append(text)
        self._size += len(text)
        if self._size > self.limit:
            self._move_out(self.inline)
            self.inline = None

    def _move_out(self, inline: dict[str, list[str]]) -> None:
        for kind, texts in inline.items():
            for row, text in enumerate(texts):
                if text:
                    self._write(small_name(kind, row), base64.b64decode(text))

    def _write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        self.written += 1


def small_name(kind: str, row: int) -> str:
    """Where a small picture is in the folder beside the page; the page's script spells it the same."""
    return f"{kind}/{row:05d}.webp"


def whole_name(kind: str, row: int) -> str:
    """Where a whole picture is in the folder beside the page; the page's script spells it the same."""
    return f"{kind}/{row:05d}-whole.webp"
