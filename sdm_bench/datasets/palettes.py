"""Palettes of label maps: the indices are the ids, and a palette that says otherwise is refused."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sdm_bench.datasets.maps import HEADER_BYTES, SIGNATURE, NotAMap, packed

# Colour type of a PNG's header.
PALETTE = 3

Ids = Callable[[np.ndarray], np.ndarray]


def palette_of(path: Path) -> np.ndarray | None:
    """uint8 (K, 3), the colours that a PNG shows for the indices 0..K-1; None of a picture without a palette."""
    with path.open("rb") as stream:
        header = stream.read(HEADER_BYTES)
        if not header.startswith(SIGNATURE) or len(header) < HEADER_BYTES or header[25] != PALETTE:
            return None
        stream.seek(len(SIGNATURE))
        while len(start := stream.read(8)) == 8:
            length, kind = struct.unpack(">I4s", start)
            if kind == b"PLTE":
                return np.frombuffer(stream.read(length), np.uint8)[: length // 3 * 3].reshape(-1, 3)
            stream.seek(length + 4, 1)
    return None


def refuse_other_palette(path: Path, values: np.ndarray, label_ids: Ids, colors: np.ndarray) -> None:
    """Raises NotAMap for a label map whose palette shows other classes than its indices name.

    Programs that save pictures smaller put the classes' colours, or greys that were ids, into a palette in an order of
    their own. A palette of colours that are no classes' decides nothing, nor does one of greys that are no ids.
    values: the map's, (H, W), or colours. label_ids: of the dataset. colors: uint8 (num_classes, 3).
    """
    palette = palette_of(path) if values.ndim == 2 else None
    if palette is None:
        return
    used = np.flatnonzero(np.bincount(values.ravel()))
    if used[-1] >= len(palette):
        return
    differs = _by_greys(used, palette, label_ids, len(colors)) | _by_colors(used, palette, label_ids, colors)
    if differs.any():
        index = int(used[differs][0])
        first = f"{tuple(palette[index].tolist())} for index {index}"
        raise NotAMap(
            f"{path}: a palette that shows other classes than its indices name, such as {first}; which are meant can't "
            "be told: save it without a palette"
        )


def _by_greys(used: np.ndarray, palette: np.ndarray, label_ids: Ids, count: int) -> np.ndarray:
    """bool, for each index that is used: whether its grey is the id of another class, where all greys are ids."""
    greys = palette[:, 0].astype(np.int64)
    meant, named = label_ids(greys[None])[0], label_ids(used[None])[0]
    ids = (palette == palette[:, :1]).all() and ((meant >= 0) & (meant < count)).all()
    return np.asarray((meant[used] != named) & bool(ids))


def _by_colors(used: np.ndarray, palette: np.ndarray, label_ids: Ids, colors: np.ndarray) -> np.ndarray:
    """bool, for each index that is used: whether its colour is another class's, where all colours are classes'."""
    named, shown = label_ids(used[None])[0], packed(palette[used])
    inside = (named >= 0) & (named < len(colors))
    own = packed(colors[np.where(inside, named, 0)])
    return np.asarray((~inside | (own != shown)) & bool(np.isin(shown, packed(colors)).all()))
