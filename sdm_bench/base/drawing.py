"""Label maps in colour, and pictures side by side."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP = 2
WHITE = 255
# Pixels: the size of titles, from one line to the next, and free at their right.
FONT, LINE, MARGIN = 11, 16, 6


def to_uint8(pictures: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W, 3) of float32 (N, 3, H, W) in [-1, 1], rounded to the nearest value."""
    scaled = np.rint((pictures + 1) * 127.5)
    return scaled.clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def colorize(label: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3): the class colours (num_classes, 3) of a label map (H, W)."""
    return colors[label]


def grid(rows: Sequence[Sequence[np.ndarray]], titles: Sequence[str] = (), scale: int = 1) -> np.ndarray:
    """uint8 (H, W, 3): uint8 pictures of one size in rows, enlarged `scale` times, a title above each column."""
    enlarged = [[_enlarge(picture, scale) for picture in row] for row in rows]
    height, width = enlarged[0][0].shape[:2]
    columns = max(len(row) for row in enlarged)
    lines = [_wrapped(title, width - MARGIN) for title in titles]
    top = LINE * max(map(len, lines), default=0)
    canvas = np.full((top + len(rows) * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), WHITE, np.uint8)
    for r, row in enumerate(enlarged):
        for c, picture in enumerate(row):
            y, x = top + r * (height + GAP), c * (width + GAP)
            canvas[y : y + height, x : x + width] = picture
    return _titled(canvas, lines, width + GAP) if titles else canvas


def _enlarge(picture: np.ndarray, scale: int) -> np.ndarray:
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)


def _wrapped(title: str, width: int) -> list[str]:
    """The title in lines of at most `width` pixels, broken at spaces alone."""
    font, lines = ImageFont.load_default(FONT), [""]
    for word in title.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _titled(canvas: np.ndarray, titles: Sequence[Sequence[str]], step: int) -> np.ndarray:
    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    for column, lines in enumerate(titles):
        for row, line in enumerate(lines):
            draw.text((column * step + 2, row * LINE + 2), line, fill=(0, 0, 0), font=ImageFont.load_default(FONT))
    return np.asarray(image)
