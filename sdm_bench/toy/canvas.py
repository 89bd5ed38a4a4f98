"""The canvas a scene is painted on: picture, label map and objects in one pass, at any size."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache, wraps
from math import log2
from typing import Concatenate, ParamSpec

import numpy as np

from sdm_bench.toy.dice import Dice
from sdm_bench.toy.shapes import Bounds, Shape, grown

# Below this many samples the picture is painted three times as fine as asked for and averaged.
FINE_PIXELS = 80_000


@dataclass(frozen=True)
class Patch:
    """A window of the canvas: x (1, w) or (h, w) and y (h, 1) or (h, w), float32, in units of the frame."""

    canvas: "Canvas"
    window: tuple[slice, slice]
    x: np.ndarray
    y: np.ndarray

    def noise(self, across: float, down: float | None = None) -> np.ndarray:
        """float32 (h, w) smooth noise of the appearance: mean 0, deviation 1, that many cells a frame height."""
        return self.canvas.noise(across, down or across, self.canvas.look)[self.window]

    def ripple(self, cells: float) -> np.ndarray:
        """float32 (h, w) smooth noise of the geometry: the same for every appearance; at most 64 cells."""
        return self.canvas.noise(min(cells, 64), min(cells, 64), self.canvas.geometry)[self.window]

    def cloud(self, across: float, down: float | None = None) -> np.ndarray:
        """float32 (h, w) noise of four octaves, the coarsest with that many cells: clouds, foliage, plaster."""
        down = down or across
        octaves = [self.noise(across * 2**k, down * 2**k) * np.float32(0.85 * 0.55**k) for k in range(4)]
        return octaves[0] + octaves[1] + octaves[2] + octaves[3]


# float32 (3, 1, 1), or (3, h, w) where it varies; RGB, 0 black and 1 white.
Colour = np.ndarray
Paint = Callable[[Patch], Colour]
Material = Paint | Colour


class Canvas:
    """A frame of width `aspect` and height 1, painted back to front.

    image: float32 (3, h, w). label: uint8 (h, w). thing: uint16 (h, w), 0 where no object is, else its number.
    geometry, look: the two independent streams; what is where comes from the first, how it looks from the second.
    """

    def __init__(self, aspect: float, size: tuple[int, int], geometry: Dice, look: Dice):
        self.size = size
        self.fineness = 3 if 9 * size[0] * size[1] <= FINE_PIXELS else 1
        height, width = size[0] * self.fineness, size[1] * self.fineness
        self.aspect, self.geometry, self.look = aspect, geometry, look
        self.image = np.zeros((3, height, width), np.float32)
        self.label = np.zeros((height, width), np.uint8)
        self.thing = np.zeros((height, width), np.uint16)
        self.things = 0
        self.x = ((np.arange(width, dtype=np.float32) + 0.5) * (aspect / width))[None, :]
        self.y = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
        self.pixel = max(aspect / width, 1 / height)
        self._noises: dict[tuple, np.ndarray] = {}
        self._default_thing = 0
        self._names: Callable[[int], int] = int
        self._pose: tuple[float, float, float, float] | None = None

    @contextmanager
    def placed(self, angle: float, zoom: float, cx: float, cy: float) -> Iterator[None]:
        """Within the block, shapes are turned by `angle` (radians) and enlarged about (cx, cy)."""
        self._pose = (float(np.cos(angle)) * zoom, float(np.sin(angle)) * zoom, cx, cy)
        yield
        self._pose = None

    @contextmanager
    def renaming(self, names: Mapping[int, int], other: int) -> Iterator[None]:
        """Within the block, labels are translated by `names`; what it lacks becomes `other`."""
        self._names = lambda label: names.get(label, other)
        yield
        self._names = int

    @contextmanager
    def one_thing(self) -> Iterator[None]:
        """What is painted within the block is one object, except where it is said to be another."""
        outer, self._default_thing = self._default_thing, self.new_thing()
        yield
        self._default_thing = outer

    def new_thing(self) -> int:
        """The number of the next object."""
        self.things += 1
        return self.things

    def paint(
        self,
        shape: Shape,
        material: Material,
        label: int | None = None,
        thing: int | None = None,
        opacity: float = 1.0,
        soft: float = 0.0,
    ) -> None:
        """Paints `shape`, its edge `soft` wide but at least a sample.

        Without a `label` the maps keep what is there. `thing` is the object it belongs to, by default that of the
        `one_thing` block around, if any.
        """
        patch = self._patch(grown(shape.bounds, soft / 2), keep_small=label is not None)
        if patch is None:
            return
        distance = shape.distance(patch)
        cover = np.maximum(np.minimum(0.5 - distance * (1 / max(soft, self.pixel)), 1), 0)
        if opacity != 1:
            cover *= opacity
        view = self.image[:, patch.window[0], patch.window[1]]
        colour = material(patch) if callable(material) else material
        view += cover * (colour - view)
        if label is not None:
            inside = distance < 0
            self.label[patch.window][inside] = self._names(label)
            self.thing[patch.window][inside] = thing or self._default_thing

    def _patch(self, bounds: Bounds, keep_small: bool) -> Patch | None:
        """The window that holds `bounds`, or None where it is outside the frame or too small to matter."""
        if not keep_small and min(bounds[2] - bounds[0], bounds[3] - bounds[1]) < 0.6 * self.pixel:
            return None
        if self._pose:
            bounds = self._posed_bounds(bounds)
        _, height, width = self.image.shape
        left, right = _span(bounds[0] / self.aspect, bounds[2] / self.aspect, width)
        top, bottom = _span(bounds[1], bounds[3], height)
        if left >= right or top >= bottom:
            return None
        x, y = self.x[:, left:right], self.y[top:bottom]
        if self._pose:
            cos, sin, cx, cy = self._pose
            shrink = 1 / (cos * cos + sin * sin)
            u, v = (x - cx) * shrink, (y - cy) * shrink
            x, y = cx + u * cos + v * sin, cy + v * cos - u * sin
        return Patch(self, (slice(top, bottom), slice(left, right)), x, y)

    def _posed_bounds(self, bounds: Bounds) -> Bounds:
        assert self._pose
        cos, sin, cx, cy = self._pose
        corners = [(x - cx, y - cy) for x in (bounds[0], bounds[2]) for y in (bounds[1], bounds[3])]
        xs = [cx + x * cos - y * sin for x, y in corners]
        ys = [cy + y * cos + x * sin for x, y in corners]
        return min(xs), min(ys), max(xs), max(ys)

    def noise(self, across: float, down: float, stream: Dice) -> np.ndarray:
        """float32 (h, w) cubic B-spline noise of one of the two streams, equal for equal arguments.

        Cells are rounded to powers of two, so that a scene needs few fields. Texture too fine for the picture
        averages out to nothing.
        """
        across, down = (2.0 ** round(log2(cells)) for cells in (across, down))
        if stream is self.look and max(across, down) > 0.6 * self.size[0]:
            return self._blank
        name = (across, down, stream is self.look)
        if name not in self._noises:
            _, height, width = self.image.shape
            lattice = stream.lattice(f"{across:g} {down:g}", (int(down) + 4, int(across * self.aspect) + 4))
            columns = _stretched(lattice, height, down).T
            self._noises[name] = np.ascontiguousarray(_stretched(columns, width, self.aspect * across).T)
        return self._noises[name]

    @cached_property
    def _blank(self) -> np.ndarray:
        return np.zeros(self.image.shape[1:], np.float32)

    def coarse(self, fine: np.ndarray) -> np.ndarray:
        """A map at the size asked for: of each pixel the sample at its centre."""
        middle = self.fineness // 2
        return np.ascontiguousarray(fine[middle :: self.fineness, middle :: self.fineness])

    def averaged(self) -> np.ndarray:
        """float32 (3, H, W), the picture at the size asked for: of each pixel the mean."""
        k = self.fineness
        if k == 1:
            return self.image
        mean = np.zeros((3, *self.size), np.float32)
        for i in range(k):
            for j in range(k):
                mean += self.image[:, i::k, j::k]
        return mean * np.float32(1 / k**2)


def _span(low: float, high: float, length: int) -> tuple[int, int]:
    """First and last-plus-one sample of `length` that a fraction low..high touches, with a sample to spare."""
    return max(0, int(low * length) - 1), min(length, int(high * length) + 2)


def _stretched(nodes: np.ndarray, samples: int, cells: float) -> np.ndarray:
    """float32 (samples, m) cubic B-spline through nodes (cells + 4, m), scaled to keep white noise's deviation."""
    first, weights = _spline(samples, cells)
    return sum((weights[k][:, None] * nodes[first + k] for k in range(1, 4)), weights[0][:, None] * nodes[first])


@lru_cache(maxsize=128)
def _spline(samples: int, cells: float) -> tuple[np.ndarray, np.ndarray]:
    """The first of the four nodes around each sample, and their float32 weights (4, samples)."""
    at = (np.arange(samples, dtype=np.float32) + 0.5) * np.float32(cells / samples)
    first = np.floor(at).astype(np.int64)
    t = at - first
    near, far = ((1 - t) ** 3, t**3)
    weights = np.stack([near, 3 * t**3 - 6 * t * t + 4, 3 * near - 6 * (1 - t) ** 2 + 4, far])
    return first, (weights / np.sqrt((weights**2).sum(0))).astype(np.float32)


P = ParamSpec("P")


def one_thing(draw: Callable[Concatenate[Canvas, P], None]) -> Callable[Concatenate[Canvas, P], None]:
    """Makes what a function paints one object."""

    @wraps(draw)
    def drawing(canvas: Canvas, /, *args: P.args, **kwargs: P.kwargs) -> None:
        with canvas.one_thing():
            draw(canvas, *args, **kwargs)

    return drawing
