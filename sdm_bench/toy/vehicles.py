"""Cars, trucks and buses on a street: boxes in perspective with glass, lights and wheels."""

from dataclasses import dataclass

from sdm_bench.toy.camera import Camera
from sdm_bench.toy.canvas import Canvas, Colour, Material
from sdm_bench.toy.dice import Dice
from sdm_bench.toy.paint import BLACK, Light, hazed, mix, pick, rgb, solid
from sdm_bench.toy.shapes import Shape, ellipse, polygon

CAR_COLOURS = (0xB9BDC2, 0x2B2F36, 0xF0F0EE, 0x8F1D22, 0x27477E, 0x5A6068, 0x3F5A4A, 0xC8A24A, 0x9E3B2E, 0x4A6FA8)
GLASS, RUBBER = rgb(0x2A343E), rgb(0x1B1B1D)


@dataclass(frozen=True)
class Vehicle:
    """Where a vehicle stands, in the camera's units: the middle of its near end, and whether that is its rear."""

    across: float
    depth: float
    rear: bool
    label: int
    thing: int


class Painter:
    """Paints parts of one vehicle through the air between it and the camera."""

    def __init__(self, canvas: Canvas, camera: Camera, light: Light, vehicle: Vehicle):
        self.canvas, self.camera, self.light, self.vehicle = canvas, camera, light, vehicle

    def part(self, shape: Shape, material: Material, opacity: float = 1.0) -> None:
        v = self.vehicle
        self.canvas.paint(shape, hazed(material, self.light, v.depth), v.label, v.thing, opacity)

    def detail(self, shape: Shape, material: Material, opacity: float = 1.0) -> None:
        """Something on a part, of which the maps know nothing."""
        self.canvas.paint(shape, hazed(material, self.light, self.vehicle.depth), opacity=opacity)

    def end(self, left: float, right: float, low: float, high: float, radius: float = 0.0, ahead: float = 0) -> Shape:
        """A rectangle on the near end; `left` and `right` are from the middle of the vehicle."""
        v = self.vehicle
        return self.camera.front(v.across + left, v.across + right, low, high, v.depth + ahead, radius)

    def shadow(self, half: float, length: float) -> None:
        """The dark below, which stays road."""
        v = self.vehicle
        near, far = self.camera.at(v.across, 0, v.depth), self.camera.at(v.across, 0, v.depth + length)
        x, y = (near[0] + far[0]) / 2, near[1]
        spread = (half + 0.05) / v.depth + abs(near[0] - far[0]) / 2
        self.canvas.paint(ellipse(x, y, spread, 0.09 / v.depth), BLACK, opacity=0.5)

    def wheels(self, half: float, length: float, radius: float, axles: tuple[float, ...]) -> None:
        """Tyres under the near end, and wheels on the side that is seen."""
        for side in (-1, 1):
            inner, outer = sorted((side * (half - 0.3), side * (half - 0.02)))
            self.part(self.end(inner, outer, 0, 2 * radius, 0.05, ahead=0.12), RUBBER)
        flank = self.flank(half)
        for axle in axles:
            depth = self.vehicle.depth + axle * length
            x, y = self.camera.at(flank, radius, depth)
            front, _ = self.camera.at(flank, radius, depth - radius / 2)
            wide = max(abs(front - x), 1e-3)
            self.part(ellipse(x, y, wide, radius / depth), RUBBER)
            self.detail(ellipse(x, y, wide * 0.55, 0.55 * radius / depth), rgb(0x8D9196))

    def flank(self, half: float) -> float:
        """The side that the camera sees: the inner one."""
        across = self.vehicle.across
        return across - half if across > 0 else across + half


def car(painter: Painter, look: Dice, width: float) -> None:
    """A car `width` wide, from behind or from the front, with the side that the camera sees."""
    v, camera, light = painter.vehicle, painter.camera, painter.light
    paint, half, length = pick(look, CAR_COLOURS, 0.04), width / 2, 1.55
    lit = light.shade(0.5 if (light.side < 0) == (v.across > 0) else -0.8)
    left, right, near, far = v.across - half, v.across + half, v.depth, v.depth + length
    painter.shadow(half, length)
    painter.wheels(half, length, 0.27, (0.2, 0.8))
    painter.part(camera.box(left + 0.02, right - 0.02, 0.2, 0.66, near, far), paint * (0.82 * lit))
    cabin = _cabin(left, right, near, length)
    painter.part(camera.solid(cabin), paint * (0.9 * lit))
    _side_glass(painter, half, near, length)
    painter.part(
        painter.end(-half, half, 0.18, 0.7, 0.1), solid(paint, painter.end(-half, half, 0.1, 0.75).bounds, light)
    )
    _end_glass(painter, half, mix(GLASS, light.sky_low, 0.18))
    _lights(painter, half)


def _cabin(left: float, right: float, near: float, length: float) -> list[tuple[float, float, float]]:
    low = [(x, 0.64, z) for x in (left + 0.04, right - 0.04) for z in (near + 0.06, near + 0.72 * length)]
    high = [(x, 1.1, z) for x in (left + 0.22, right - 0.22) for z in (near + 0.28, near + 0.5 * length)]
    return low + high


def _side_glass(painter: Painter, half: float, near: float, length: float) -> None:
    flank = painter.flank(half)
    inner = flank - 0.12 if flank > painter.vehicle.across else flank + 0.12
    corners = ((flank, 0.7, 0.16), (inner, 1.03, 0.32), (inner, 1.03, 0.52 * length), (flank, 0.7, 0.66 * length))
    points = (painter.camera.at(across, up, near + z) for across, up, z in corners)
    painter.detail(polygon(*points), GLASS)


def _end_glass(painter: Painter, half: float, glass: Colour) -> None:
    v, camera = painter.vehicle, painter.camera
    corners = (
        (-half + 0.14, 0.7, 0.06),
        (half - 0.14, 0.7, 0.06),
        (half - 0.28, 1.03, 0.26),
        (0.28 - half, 1.03, 0.26),
    )
    points = (camera.at(v.across + across, up, v.depth + z) for across, up, z in corners)
    painter.detail(polygon(*points), glass)


def _lights(painter: Painter, half: float) -> None:
    colour = rgb(0xC81E1E) if painter.vehicle.rear else rgb(0xFFF3CF)
    for side in (-1, 1):
        inner, outer = sorted((side * (half - 0.3), side * (half - 0.03)))
        painter.detail(painter.end(inner, outer, 0.48, 0.62, 0.04), colour)
    painter.detail(painter.end(-half + 0.03, half - 0.03, 0.18, 0.3, 0.05), rgb(0x26282B), opacity=0.8)
    painter.detail(painter.end(-0.2, 0.2, 0.34, 0.44), rgb(0xE9E9DF))


def bus(painter: Painter, look: Dice) -> None:
    """A bus: a tall box with a band of windows."""
    v, camera, light = painter.vehicle, painter.camera, painter.light
    paint, half, length, high = pick(look, (0xB5262B, 0xD9A320, 0xE8E8E4, 0x2F6DB0, 0x3E8A5B)), 0.92, 4.2, 2.25
    lit = light.shade(0.5 if (light.side < 0) == (v.across > 0) else -0.8)
    painter.shadow(half, length)
    painter.wheels(half, length, 0.34, (0.12, 0.75))
    painter.part(
        camera.box(v.across - half, v.across + half, 0.22, high, v.depth, v.depth + length), paint * (0.8 * lit)
    )
    flank = painter.flank(half)
    for pane in range(6):
        near = v.depth + 0.15 + pane * 0.67
        painter.detail(camera.facade(flank, near, near + 0.55, 1.05, 1.85), GLASS)
    end = painter.end(-half, half, 0.2, high, 0.12)
    painter.part(end, solid(paint, end.bounds, light, 0.6))
    painter.detail(painter.end(-half + 0.1, half - 0.1, 1.0, 1.85, 0.1), mix(GLASS, light.sky_low, 0.15))
    painter.detail(painter.end(-half + 0.3, half - 0.3, 1.93, 2.13, 0.03), rgb(0xE7A93A))
    _lights(painter, half)


def truck(painter: Painter, look: Dice) -> None:
    """A truck from behind: the doors of a tall plain box, dark gear below."""
    v, camera, light = painter.vehicle, painter.camera, painter.light
    paint, half, length, high = pick(look, (0xE6E4DE, 0x9FB4C6, 0x5B7FA6, 0xB8B08E, 0x8C4A3A)), 0.88, 2.6, 2.35
    lit = light.shade(0.5 if (light.side < 0) == (v.across > 0) else -0.8)
    painter.shadow(half, length)
    painter.wheels(half, length, 0.36, (0.15, 0.32, 0.9))
    painter.part(painter.end(-half + 0.05, half - 0.05, 0.3, 0.6), rgb(0x2B2C2F))
    painter.part(
        camera.box(v.across - half, v.across + half, 0.55, high, v.depth, v.depth + length), paint * (0.78 * lit)
    )
    end = painter.end(-half, half, 0.55, high)
    painter.part(end, solid(paint, end.bounds, light, 0.6))
    painter.detail(painter.end(-0.02, 0.02, 0.6, high - 0.05), paint * 0.55)
    for side in (-1, 1):
        bar = side * 0.3
        painter.detail(painter.end(bar - 0.02, bar + 0.02, 0.6, high - 0.05), paint * 0.7)
    _lights(painter, half)
