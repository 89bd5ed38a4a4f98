"""Regions as signed distances: resolution independent, antialiased for pictures and exact for label maps.

Coordinates are those of a scene's frame: x to the right, y down, the frame's height is 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import hypot
from typing import Protocol

import numpy as np

Point = tuple[float, float]
Bounds = tuple[float, float, float, float]
Curve = Callable[[np.ndarray], np.ndarray]
EVERYWHERE: Bounds = (-1e3, -1e3, 1e3, 1e3)


class Plane(Protocol):
    """Where a shape is evaluated: x and y float32, broadcasting to (h, w), and noise fixed by the geometry."""

    @property
    def x(self) -> np.ndarray: ...
    @property
    def y(self) -> np.ndarray: ...
    def ripple(self, cells: float) -> np.ndarray: ...


@dataclass(frozen=True)
class Shape:
    """A region: `distance` gives float32 (h, w), negative inside, about the distance to the edge near the edge.

    bounds: (left, top, right, bottom) outside which there is nothing.
    """

    bounds: Bounds
    distance: Callable[[Plane], np.ndarray]

    def __or__(self, other: "Shape") -> "Shape":
        return union(self, other)

    def __and__(self, other: "Shape") -> "Shape":
        a, b = self.bounds, other.bounds
        bounds = (max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
        return Shape(bounds, lambda p: np.maximum(self.distance(p), other.distance(p)))

    def __sub__(self, other: "Shape") -> "Shape":
        return Shape(self.bounds, lambda p: np.maximum(self.distance(p), -other.distance(p)))

    def rim(self, thickness: float) -> "Shape":
        """What of the shape lies within `thickness` of its edge."""
        return Shape(self.bounds, lambda p: np.abs(self.distance(p) + thickness / 2) - thickness / 2)

    def rough(self, amount: float, cells: float) -> "Shape":
        """The shape with its edge moved by noise of about `amount`, `cells` bumps a frame height."""
        return Shape(grown(self.bounds, 2 * amount), lambda p: self.distance(p) + amount * p.ripple(cells))


def grown(bounds: Bounds, by: float) -> Bounds:
    """The bounds with a margin."""
    return bounds[0] - by, bounds[1] - by, bounds[2] + by, bounds[3] + by


def _around(shapes: Sequence[Shape]) -> Bounds:
    left, top, right, bottom = zip(*(shape.bounds for shape in shapes), strict=True)
    return min(left), min(top), max(right), max(bottom)


def union(*shapes: Shape) -> Shape:
    """What lies in any of the shapes."""

    def distance(p: Plane) -> np.ndarray:
        nearest = shapes[0].distance(p)
        for shape in shapes[1:]:
            nearest = np.minimum(nearest, shape.distance(p))
        return nearest

    return Shape(_around(shapes), distance)


def melt(radius: float, *shapes: Shape) -> Shape:
    """The union with the joints filled over `radius`: the polynomial smooth minimum."""

    def distance(p: Plane) -> np.ndarray:
        nearest = shapes[0].distance(p)
        for shape in shapes[1:]:
            other = shape.distance(p)
            overlap = np.maximum(radius - np.abs(nearest - other), 0)
            nearest = np.minimum(nearest, other) - overlap * overlap * (0.25 / radius)
        return nearest

    return Shape(grown(_around(shapes), radius / 4), distance)


def everything() -> Shape:
    """The whole frame."""
    return Shape(EVERYWHERE, lambda p: np.broadcast_to(np.float32(-1), np.broadcast_shapes(p.x.shape, p.y.shape)))


def rect(left: float, top: float, right: float, bottom: float, radius: float = 0.0) -> Shape:
    """An upright rectangle with corners rounded by `radius`."""
    cx, cy = (left + right) / 2, (top + bottom) / 2
    half_width, half_height = (right - left) / 2, (bottom - top) / 2
    radius = max(0.0, min(radius, half_width, half_height))

    def distance(p: Plane) -> np.ndarray:
        dx = np.abs(p.x - cx) - (half_width - radius)
        dy = np.abs(p.y - cy) - (half_height - radius)
        if radius == 0:
            return np.maximum(dx, dy)
        return np.where((dx > 0) & (dy > 0), np.sqrt(dx * dx + dy * dy), np.maximum(dx, dy)) - radius

    return Shape((left, top, right, bottom), distance)


def ellipse(cx: float, cy: float, a: float, b: float, power: float = 2.0) -> Shape:
    """An ellipse with half axes `a` and `b`; a `power` above 2 squares it off."""
    scale, flat = min(a, b), max(a, b) > 1.5 * min(a, b)

    def distance(p: Plane) -> np.ndarray:
        dx, dy = (p.x - cx) * (1 / a), (p.y - cy) * (1 / b)
        if power != 2:
            return ((np.abs(dx) ** power + np.abs(dy) ** power) ** (1 / power) - 1) * scale
        radius = np.sqrt(dx * dx + dy * dy)
        if not flat:
            return (radius - 1) * scale
        slope = np.sqrt((dx * (1 / a)) ** 2 + (dy * (1 / b)) ** 2)
        return radius * (radius - 1) / np.maximum(slope, 1e-6)

    return Shape((cx - a, cy - b, cx + a, cy + b), distance)


def limb(start: Point, end: Point, r0: float, r1: float | None = None) -> Shape:
    """A line from `start` to `end` with round ends, `r0` thick at its start and `r1` at its end (radii)."""
    (ax, ay), (bx, by) = start, end
    r1 = r0 if r1 is None else r1
    dx, dy = bx - ax, by - ay
    length2 = max(dx * dx + dy * dy, 1e-12)
    thick = max(r0, r1)
    taper = r1 - r0

    def distance(p: Plane) -> np.ndarray:
        px, py = p.x - ax, p.y - ay
        along = np.clip((px * dx + py * dy) * (1 / length2), 0, 1)
        ex, ey = px - along * dx, py - along * dy
        return np.sqrt(ex * ex + ey * ey) - (r0 + taper * along)

    return Shape((min(ax, bx) - thick, min(ay, by) - thick, max(ax, bx) + thick, max(ay, by) + thick), distance)


def ring(cx: float, cy: float, a: float, b: float, thickness: float) -> Shape:
    """The rim of an ellipse, `thickness` wide."""
    outer = ellipse(cx, cy, a, b)
    half = thickness / 2
    return Shape(grown(outer.bounds, half), lambda p: np.abs(outer.distance(p)) - half)


def polygon(*points: Point) -> Shape:
    """A convex polygon, its corners in order, either way round."""
    lines = _edge_lines(points)

    def distance(p: Plane) -> np.ndarray:
        farthest = lines[0][0] * p.x + (lines[0][1] * p.y + lines[0][2])
        for a, b, c in lines[1:]:
            np.maximum(farthest, a * p.x + (b * p.y + c), out=farthest)
        return farthest

    xs, ys = zip(*points, strict=True)
    return Shape((min(xs), min(ys), max(xs), max(ys)), distance)


def _edge_lines(points: Sequence[Point]) -> list[tuple[float, float, float]]:
    """(a, b, c) of each edge: a x + b y + c is the distance from it, positive outside."""
    pairs = list(zip(points, (*points[1:], points[0]), strict=True))
    clockwise = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs) >= 0
    lines = []
    for (x0, y0), (x1, y1) in pairs:
        length = hypot(x1 - x0, y1 - y0) * (1 if clockwise else -1)
        if abs(length) > 1e-9:
            a, b = (y1 - y0) / length, (x0 - x1) / length
            lines.append((a, b, -(a * x0 + b * y0)))
    return lines


def hull(*points: Point) -> Shape:
    """The convex hull of points (Andrew's monotone chain)."""
    ordered = sorted(set(points))

    def chain(walk: Sequence[Point]) -> list[Point]:
        out: list[Point] = []
        for p in walk:
            while len(out) > 1 and _turn(out[-2], out[-1], p) <= 0:
                out.pop()
            out.append(p)
        return out[:-1]

    return polygon(*chain(ordered), *chain(ordered[::-1]))


def _turn(o: Point, a: Point, b: Point) -> float:
    return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])


def below(xs: Sequence[float] | np.ndarray, ys: Sequence[float] | np.ndarray, bottom: float = 2.0) -> Shape:
    """What lies under the line through the points (xs increasing), down to `bottom`."""

    def distance(p: Plane) -> np.ndarray:
        return np.interp(p.x, xs, ys).astype(np.float32) - p.y

    return Shape((float(xs[0]), float(min(ys)), float(xs[-1]), bottom), distance)


def band(left: float, right: float, top: Curve, bottom: Curve) -> Shape:
    """What lies between two curves y(x), where the first is above the second, from x = `left` to `right`."""
    xs = np.linspace(left, right, 17, dtype=np.float32)
    bounds = (left, float(top(xs).min()), right, float(bottom(xs).max()))

    def distance(p: Plane) -> np.ndarray:
        sides = np.maximum(left - p.x, p.x - right)
        return np.maximum(np.maximum(top(p.x) - p.y, p.y - bottom(p.x)), sides)

    return Shape(bounds, distance)
