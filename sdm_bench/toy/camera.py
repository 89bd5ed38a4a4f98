"""A camera at eye height above flat ground: from metres to the frame, and boxes as seen by it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sdm_bench.toy.canvas import Patch
from sdm_bench.toy.shapes import Point, Shape, hull, polygon, rect


@dataclass(frozen=True)
class Camera:
    """Looks straight ahead; parallel lines meet at (vanish, horizon).

    across, up and depth are in eye heights; a unit of depth is twice as long, which makes the lens a longer one.
    """

    horizon: float
    vanish: float

    def at(self, across: float, up: float, depth: float) -> Point:
        """Where a point of the world is in the frame."""
        return self.vanish + across / depth, self.horizon + (1 - up) / depth

    def ground(self, p: Patch) -> tuple[np.ndarray, np.ndarray]:
        """across (h, w) and depth (h, 1) of the ground under each sample below the horizon."""
        depth = 1 / np.maximum(p.y - self.horizon, 1e-3)
        return (p.x - self.vanish) * depth, depth

    def wall(self, p: Patch, across: float) -> tuple[np.ndarray, np.ndarray]:
        """depth and height (h, w) of the points seen on the plane along the street at `across`."""
        depth = across / np.where(np.abs(p.x - self.vanish) < 1e-3, 1e-3 * np.sign(across), p.x - self.vanish)
        depth = np.clip(depth, 0.1, 1e3)
        return depth, 1 - (p.y - self.horizon) * depth

    def strip(self, left: float, right: float, near: float, far: float, up: float = 0.0) -> Shape:
        """Level ground between two lines along the street, from depth `near` to `far`."""
        corners = ((left, near), (right, near), (right, far), (left, far))
        return polygon(*(self.at(across, up, depth) for across, depth in corners))

    def facade(self, across: float, near: float, far: float, low: float, high: float) -> Shape:
        """An upright wall along the street."""
        corners = ((near, low), (near, high), (far, high), (far, low))
        return polygon(*(self.at(across, up, depth) for depth, up in corners))

    def front(self, left: float, right: float, low: float, high: float, depth: float, radius: float = 0.0) -> Shape:
        """An upright wall across the street: a rectangle in the frame; `left` and `right` may be in any order."""
        (x0, y1), (x1, y0) = self.at(left, low, depth), self.at(right, high, depth)
        return rect(min(x0, x1), y0, max(x0, x1), y1, radius / depth)

    def solid(self, corners: Sequence[tuple[float, float, float]]) -> Shape:
        """The outline of a convex body with corners (across, up, depth)."""
        return hull(*(self.at(*corner) for corner in corners))

    def box(self, left: float, right: float, low: float, high: float, near: float, far: float) -> Shape:
        """The outline of a box."""
        return self.solid([(x, up, z) for x in (left, right) for up in (low, high) for z in (near, far)])
