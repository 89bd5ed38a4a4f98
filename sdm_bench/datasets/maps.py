"""Label and instance maps: the one place where their files become numbers, by value, however these are stored."""

from pathlib import Path

import numpy as np
from PIL import Image

from sdm_bench.base.errors import UserError
from sdm_bench.datasets.decoding import ORIENTATION, TURNS, UPRIGHT, UnreadableFile
from sdm_bench.datasets.pictures import open_picture

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_BYTES = 26
# Colour types of a PNG's header.
GREY, RGB, GREY_ALPHA, RGB_ALPHA = 0, 2, 4, 6
# Pillow spreads grey of 2 and 4 bits over 0..255.
SPREAD = {2: 85, 4: 17}
IDS_NAMED = 8
AS_IDS = "`sdm-bench data prepare` writes such files as ids"


class NotAMap(UnreadableFile):
    """A picture that holds no ids: with colours where one channel was expected, transparent, or of a lossy format.

    Also one with a palette that says other classes than its indices do.
    """


class UnknownIds(UserError):
    """A label map with values outside the dataset's table; `counts` maps each value to its number of pixels.

    values: those outside, integers (N,) or colours (N, 3), one a pixel.
    """

    def __init__(self, path: Path, values: np.ndarray, expected: str):
        colored = values.ndim == 2
        numbers, counts = np.unique(packed(values) if colored else values, return_counts=True)
        spelled = [unpacked(number) if colored else number for number in numbers.tolist()]
        self.counts = dict(zip(spelled, counts.tolist(), strict=True))
        found = [f"{value} ({count} pixels)" for value, count in self.counts.items()]
        more = f" and {len(found) - IDS_NAMED} more values" if len(found) > IDS_NAMED else ""
        what, known = ("colours", "the classes' colours") if colored else ("ids", expected)
        super().__init__(f"{path}: {what} outside the table: {', '.join(found[:IDS_NAMED])}{more}; expected {known}")


def read_values(path: Path) -> np.ndarray:
    """What a PNG stores: integers (H, W) of 1 to 16 bits, or colours uint8 (H, W, 3).

    Palettes are not applied and few bits are not spread. Raises UnreadableFile, and NotAMap for another format, for
    transparent pixels, for colours of 16 bits, for several pictures in one file and for one that EXIF turns.
    """
    image = open_picture(path)
    with path.open("rb") as stream:
        header = stream.read(HEADER_BYTES)
    if not header.startswith(SIGNATURE):
        raise NotAMap(f"{path}: a picture, but no PNG: other formats don't keep ids; expected a PNG")
    _refuse_doubtful(path, image)
    depth, kind = header[24], header[25]
    pixels = np.asarray(image)
    if kind in (RGB, GREY_ALPHA, RGB_ALPHA) and depth == 16:
        raise NotAMap(f"{path}: colours or transparency in 16 bits; expected ids, or colours of 8 bits a channel")
    if kind in (GREY_ALPHA, RGB_ALPHA):
        pixels = _opaque(path, pixels)
    if kind == GREY and depth in SPREAD:
        pixels = pixels // SPREAD[depth]
    return pixels.astype(np.uint8) if pixels.dtype == bool else pixels


def read_map(path: Path) -> np.ndarray:
    """(H, W) integers of a PNG that holds ids; raises as `read_values`, and NotAMap where it holds colours."""
    values = read_values(path)
    if values.ndim == 3:
        hint = f"; its channels are equal, they all hold the ids: {AS_IDS}" if channels_equal(values) else ""
        raise NotAMap(f"{path}: a map of ids has one channel; found colours{hint}")
    return values


def read_panoptic(path: Path) -> np.ndarray:
    """int32 (H, W) instance ids: those of one channel, or as COCO's panoptic PNGs hold them, R + 256 G + 65536 B.

    Source: cocodataset/panopticapi, panopticapi/utils.py rgb2id.
    """
    values = read_values(path)
    return packed(values) if values.ndim == 3 else values.astype(np.int32)


def channels_equal(colors: np.ndarray) -> bool:
    """Whether red, green and blue of (H, W, 3) are one picture."""
    return bool((colors == colors[..., :1]).all())


def packed(colors: np.ndarray) -> np.ndarray:
    """int32 (...), R + 256 G + 65536 B of colours (..., 3): equal exactly where colours are."""
    return (colors.astype(np.int32) * np.array([1, 256, 65536], np.int32)).sum(-1, dtype=np.int32)


def unpacked(number: int) -> tuple[int, int, int]:
    """(red, green, blue) of a packed colour."""
    return number & 255, number >> 8 & 255, number >> 16


def is_colour(path: Path) -> bool:
    """Whether the PNG at `path` stores colours, of which only the header is read."""
    with path.open("rb") as stream:
        header = stream.read(HEADER_BYTES)
    return header.startswith(SIGNATURE) and len(header) == HEADER_BYTES and header[25] in (RGB, RGB_ALPHA)


def distinct(values: np.ndarray) -> frozenset[int]:
    """The values of an integer map."""
    if values.dtype in (np.uint8, np.uint16):
        return frozenset(np.flatnonzero(np.bincount(values.ravel())).tolist())
    return frozenset(np.unique(values).tolist())


def _refuse_doubtful(path: Path, image: Image.Image) -> None:
    """Raises NotAMap for several pictures in one file, and where EXIF asks for a turn, which programs forget to do."""
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise NotAMap(f"{path}: {frames} pictures in one file; expected one")
    turn = image.getexif().get(ORIENTATION, UPRIGHT)
    if turn in TURNS:
        raise NotAMap(f"{path}: its EXIF asks for a turn ({turn}); whether that is done can't be told: leave EXIF out")


def _opaque(path: Path, pixels: np.ndarray) -> np.ndarray:
    """The pixels (H, W, channels and alpha) without alpha; raises NotAMap where they are not all opaque."""
    clear = int((pixels[..., -1] != 255).sum())
    if clear:
        raise NotAMap(f"{path}: {clear} transparent pixels; expected a map without transparency")
    return pixels[..., 0] if pixels.shape[-1] == 2 else pixels[..., :-1]
