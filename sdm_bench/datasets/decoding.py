"""From picture files to 8-bit RGB: by value, never clipped; what can't be done without a guess is refused."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from sdm_bench.base.errors import UserError
from sdm_bench.base.files import refuse_special

# Larger pictures are refused: no data set of this field has them, and a small file can ask for any size.
MOST_PIXELS = 50_000_000
# Ours is the limit; Pillow's own, which is larger, only warns.
Image.MAX_IMAGE_PIXELS = None
ARRAY = "array"
ORIENTATION = 0x112
UPRIGHT = 1
# Orientations that swap width and height.
SIDEWAYS = (5, 6, 7, 8)
# What the values of EXIF's orientation ask for.
TURNS: dict[int, Any] = {
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: np.swapaxes(pixels, 0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(np.swapaxes(pixels, 0, 1), 2),
    8: np.rot90,
}
BITS_PER_SAMPLE, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0
# Modes of other colours than RGB and grey, and those with transparency.
CONVERTED = ("CMYK", "LAB", "YCbCr", "HSV")
WITH_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
# Formats that lose something, if not always.
LOSSY = ("JPEG", "WebP")
# Formats of one picture a file; JPEG files of telephones (MPO) hold previews beside it.
SINGLE = ("PNG", "WEBP", "TIFF", "GIF")


class UnreadableFile(UserError):
    """A file that is missing, truncated or not of the expected kind."""


class Header(NamedTuple):
    """What is known of a picture before its pixels are read.

    height, width: as it is read, turned upright. kind: its format, or ARRAY where it is no file. mode: Pillow's, with
    ";16" where each channel has 16 bits. orientation: of EXIF, 1 for upright.
    """

    height: int
    width: int
    kind: str
    mode: str
    orientation: int

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a number of such pictures has to say of them: whatever isn't upright 8-bit RGB without loss."""
        said = (
            self.kind if self.kind in LOSSY else "",
            "16 bits scaled to 8" if self.mode.partition(";")[2].startswith("16") else "",
            f"{self.mode} converted to RGB" if self.mode in CONVERTED else "",
            "opaque alpha dropped" if self.mode.partition(";")[0] in WITH_ALPHA else "",
            "turned as EXIF says" if self.orientation != UPRIGHT else "",
        )
        return tuple(part for part in said if part)


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
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


def read_header(path: Path) -> Header:
    """What the header of a picture file says; raises UnreadableFile."""
    with opened(path) as image:
        return _header(image, path)


def decode_rgb(path: Path) -> np.ndarray:
    """uint8 (H, W, 3) RGB pixels of a picture file, upright.

    16 bits are scaled by value, v * 255 / 65535 rounded; palettes are applied, CMYK is converted, an alpha channel that
    hides nothing is dropped. Raises UnreadableFile for transparent pixels, several frames in one file, and values
    without a known white (32-bit integers, floats).
    """
    with opened(path) as image:
        header = _header(image, path)
        frames = getattr(image, "n_frames", 1)
        if frames > 1 and image.format in SINGLE:
            raise UnreadableFile(f"{path}: {frames} pictures in one file; expected one")
        deep_colour = header.mode.endswith(";16") and image.mode in ("RGB", "RGBA", "LA")
        image.load()
        pixels = _deep_colour(path, image.size) if deep_colour else _decoded(image, path)
        turned_already = image.format == "TIFF"  # by Pillow and OpenCV alike
    turn = None if turned_already else TURNS.get(header.orientation)
    return np.ascontiguousarray(pixels if turn is None else turn(pixels))


def _header(image: Image.Image, path: Path) -> Header:
    kind, deep = str(image.format), _bits(image, path) == 16
    if kind == "MPO" or (kind == "TIFF" and image.info.get("compression") == "jpeg"):
        kind = "JPEG"
    mode = f"{image.mode};16" if deep and ";16" not in image.mode else image.mode
    orientation = _orientation(image, path)
    height, width = image.height, image.width
    # of a TIFF Pillow has turned the size already
    if orientation in SIDEWAYS and image.format != "TIFF":
        height, width = width, height
    return Header(height, width, {"WEBP": "WebP"}.get(kind, kind), mode, orientation)


def _bits(image: Image.Image, path: Path) -> int:
    """Of each channel, as the file holds them: Pillow calls 16-bit colour RGB like any other."""
    if image.format == "PNG":
        with path.open("rb") as stream:
            return stream.read(25)[24]
    if image.format == "TIFF":
        stated = getattr(image, "tag_v2", {}).get(BITS_PER_SAMPLE, (8,))
        return max(stated)
    return 8


def _orientation(image: Image.Image, path: Path) -> int:
    """EXIF's; 1 where it is absent or none of the eight."""
    if image.format == "PNG" and _told_late(path):
        image.load()
    found = Image.Image.getexif(image).get(ORIENTATION, UPRIGHT)
    return found if found in TURNS else UPRIGHT


def _told_late(path: Path) -> bool:
    """Whether a PNG has EXIF or text behind its pixels, which Pillow doesn't see before it has read these."""
    with path.open("rb") as stream:
        stream.seek(8)
        behind = False
        while len(start := stream.read(8)) == 8:
            length, kind = struct.unpack(">I4s", start)
            behind = behind or kind == b"IDAT"
            if behind and kind in (b"eXIf", b"tEXt", b"zTXt", b"iTXt"):
                return True
            stream.seek(length + 4, 1)
    return False


def _decoded(image: Image.Image, path: Path) -> np.ndarray:
    """What Pillow has decoded in full, as uint8 (H, W, 3)."""
    inverted = image.format == "TIFF" and getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO
    if image.mode in ("I", "F"):
        kind = "32-bit integers" if image.mode == "I" else "floating point"
        raise UnreadableFile(f"{path}: pixels of {kind}, whose white isn't known; expected 8 or 16 bits a channel")
    if image.mode.startswith("I;16"):
        grey = np.asarray(image)
        _refuse_transparent(path, grey == image.info.get("transparency"))
        return np.stack([_scaled(65535 - grey if inverted else grey)] * 3, axis=2)
    if "transparency" in image.info or image.mode in WITH_ALPHA:
        image = image.convert("RGBA")
        _refuse_transparent(path, np.asarray(image)[..., 3] < 255)
    return np.asarray(image.convert("RGB"))


def _deep_colour(path: Path, size: tuple[int, int]) -> np.ndarray:
    """16-bit colour of a whole file of (width, height), which Pillow cuts to its upper eight bits."""
    import cv2

    stored = np.frombuffer(path.read_bytes(), np.uint8)
    pixels = cv2.imdecode(stored, cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3 or {*pixels.shape[:2]} != {*size}:
        raise UnreadableFile(f"{path}: not a readable picture of 16 bits a channel; expected PNG or TIFF")
    if pixels.shape[2] == 4:
        _refuse_transparent(path, pixels[..., 3] < 65535)
    return _scaled(pixels[..., 2::-1])


def _scaled(values: np.ndarray) -> np.ndarray:
    """uint16 values as uint8: white is white, and the nearest level is taken (PNG's specification, 13.12)."""
    return ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def _refuse_transparent(path: Path, transparent: np.ndarray) -> None:
    count = int(np.count_nonzero(transparent))
    if count:
        raise UnreadableFile(
            f"{path}: {count} transparent pixels; expected none: flatten it onto the background that is meant"
        )
