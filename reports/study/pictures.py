"""Pictures of a study: all encoded alike, both of a pair as files of the same length, and spoilt ones."""

import io

import numpy as np
from PIL import Image

# Of effort; the pixels stay as they are.
EFFORT = 25
# How much of a photograph is left of a spoilt one; the rest is noise.
LEFT = 0.2


def alike(first: np.ndarray, second: np.ndarray, quality: int | None = None) -> tuple[bytes, bytes]:
    """Two uint8 pictures (H, W, 3) of one size as WebP files of the same length. quality: see `encoded`."""
    if first.shape != second.shape:
        raise ValueError(f"pictures of shapes {first.shape} and {second.shape}; expected one")
    files = [encoded(each, quality) for each in (first, second)]
    longest = max(map(len, files))
    height, width = first.shape[:2]
    made = [_filled(each, longest - len(each), width, height) for each in files]
    return made[0], made[1]


def encoded(pixels: np.ndarray, quality: int | None = None) -> bytes:
    """A uint8 picture (H, W, 3) as WebP without metadata. quality: 1 to 100, None without loss."""
    stream, lossless = io.BytesIO(), quality is None
    how = {"lossless": lossless, "quality": EFFORT if quality is None else quality, "method": 0 if lossless else 4}
    Image.fromarray(pixels).save(stream, format="WEBP", **how)
    return stream.getvalue()


def _filled(file: bytes, more: int, width: int, height: int) -> bytes:
    """A simple WebP file in the extended layout, whose readers pass over chunks that they don't know.

    more: the bytes of zeros in such a chunk, an even number. Source: WebP Container Specification, RFC 9649.
    """
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + _chunk(b"VP8X", bytes(4) + sizes) + file[12:] + _chunk(b"FILL", bytes(more))
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + len(content).to_bytes(4, "little") + content


def spoilt(photograph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A uint8 picture (H, W, 3) of which little is left under noise: nobody who looks takes it for the photograph."""
    noise = rng.integers(0, 256, photograph.shape)
    mixed: np.ndarray = np.rint(LEFT * photograph + (1 - LEFT) * noise).astype(np.uint8)
    return mixed
