"""Four-legged animals and birds, seen from the side."""

from dataclasses import dataclass

import numpy as np

from sdm_bench.toy.canvas import Canvas, Colour, Material, Patch
from sdm_bench.toy.paint import BLACK, Light, mix, pick, relief, rgb
from sdm_bench.toy.props import Spot
from sdm_bench.toy.shapes import Point, Shape, ellipse, limb, melt, polygon, union


@dataclass(frozen=True)
class Build:
    """The build of an animal, in heights of its back above the ground.

    length, thick: of the trunk. neck: from the shoulder to the head, ahead and up. head: length and radius.
    leg: radius. coat: possible colours. pattern: what lies on the coat. marks: its colour.
    """

    length: float
    thick: float
    neck: Point
    head: Point
    leg: float
    coat: tuple[int, ...]
    pattern: str = "plain"
    marks: int = 0x241E1A
    ear: float = 0.1
    nose: int = 0


BUILDS = {
    "cow": Build(1.45, 0.56, (0.24, 0.12), (0.34, 0.13), 0.07, (0xF0ECE4, 0xA8623A, 0xE9E2D4), "patches", 0x33241C),
    "horse": Build(1.2, 0.46, (0.36, 0.5), (0.36, 0.1), 0.055, (0x7A4A2A, 0x4A3226, 0xA8744A, 0xC9C2B8), "mane"),
    "sheep": Build(1.2, 0.66, (0.16, 0.1), (0.26, 0.1), 0.055, (0xEDE8DC, 0xDDD6C8), "wool", 0x3A322E),
    "elephant": Build(1.25, 0.72, (0.22, 0.08), (0.16, 0.24), 0.13, (0x85858A, 0x77746F, 0x958F88), "trunk"),
    "zebra": Build(1.2, 0.48, (0.34, 0.42), (0.34, 0.1), 0.055, (0xF0EEEA,), "stripes", 0x1C1C20),
    "giraffe": Build(0.95, 0.4, (0.42, 0.95), (0.28, 0.075), 0.05, (0xE2BE7E, 0xD8AE6A), "spots", 0x8A5628),
    "bear": Build(1.3, 0.62, (0.2, 0.1), (0.24, 0.15), 0.1, (0x4A3426, 0x2E2622, 0x6B4A32)),
    "dog": Build(1.15, 0.44, (0.2, 0.28), (0.26, 0.14), 0.075, (0xA8743F, 0x3A3430, 0xD8C29A, 0xE9E4DA), ear=0.16),
    "cat": Build(
        1.2, 0.46, (0.14, 0.26), (0.1, 0.19), 0.08, (0x8A8580, 0xC98A4A, 0x2E2A2A, 0xE4DED4), "tabby", 0x4A3A30
    ),
}


def animal(canvas: Canvas, light: Light, kind: str, spot: Spot, facing: int) -> None:
    """One animal; `height` of the spot is that of its back, `facing` 1 looks to the right."""
    build, h = BUILDS[kind], spot.height
    coat = pick(canvas.look, build.coat, 0.04)

    def at(x: float, up: float) -> Point:
        return spot.x + facing * x * h, spot.y - up * h

    middle, half = 1 - build.thick / 2, build.length / 2
    material = _coat(build, coat, spot, facing, light, canvas.look.between(0, 6.28))
    canvas.paint(ellipse(spot.x, spot.y, 0.75 * build.length * h, 0.06 * h), BLACK, opacity=0.35, soft=0.06 * h)
    legs = [limb(at(x, middle), at(x * 1.04, 0.03), 1.5 * build.leg * h, build.leg * h) for x in _stand(half)]
    canvas.paint(union(*legs[2:]), _hide(build, coat) * np.float32(0.72), spot.label, spot.thing)
    tail = limb(at(-half + 0.05, 0.9), at(-half - 0.12, _tail_end(kind)), 0.035 * h, 0.025 * h)
    canvas.paint(tail, _hide(build, coat) * np.float32(0.8), spot.label, spot.thing)
    canvas.paint(union(*legs[:2]), _hide(build, coat) * np.float32(0.94), spot.label, spot.thing)
    head, chin = _head(build, half)
    ears = [
        limb(
            at(head[0] - 0.03 + d, head[1] + 0.05),
            at(head[0] - 0.08 + d, head[1] + 0.06 + build.ear),
            0.04 * h,
            0.02 * h,
        )
        for d in (0, 0.07)
    ]
    canvas.paint(union(*ears), _hide(build, coat) * np.float32(0.8), spot.label, spot.thing)
    trunk = ellipse(*at(0, middle), half * h, build.thick / 2 * h, 2.4)
    neck = limb(at(half - 0.2, middle + 0.05), at(*head), 0.38 * build.thick * h, build.head[1] * h)
    body = melt(0.12 * h, trunk, neck)
    canvas.paint(body.rough(0.035 * h, 32) if build.pattern == "wool" else body, material, spot.label, spot.thing)
    muzzle = limb(at(*head), at(*chin), build.head[1] * h, 0.62 * build.head[1] * h)
    canvas.paint(muzzle, _hide(build, coat) if build.pattern == "wool" else material, spot.label, spot.thing)
    _finish(canvas, build, coat, spot, (at(*head), at(*chin)), facing)


def _stand(half: float) -> tuple[float, ...]:
    """x of the legs: near pair, then far pair."""
    return -half + 0.16, half - 0.18, -half + 0.34, half - 0.34


def _tail_end(kind: str) -> float:
    return 1.25 if kind in ("cat", "dog") else 0.45


def _head(build: Build, half: float) -> tuple[Point, Point]:
    """Where the head begins and where the muzzle ends."""
    x, up = half - 0.12 + build.neck[0], 1 - 0.2 * build.thick + build.neck[1]
    return (x, up), (x + 0.85 * build.head[0], up - 0.55 * build.head[0])


def _hide(build: Build, coat: Colour) -> Colour:
    """The colour of legs and ears."""
    return rgb(build.marks) if build.pattern == "wool" else coat


def _coat(build: Build, coat: Colour, spot: Spot, facing: int, light: Light, turn: float) -> Material:
    h, marks = spot.height, rgb(build.marks)
    bounds = (spot.x - h, spot.y - 1.1 * h, spot.x + h, spot.y - 0.3 * h)
    lit = relief(bounds, light, 1.6)

    def material(p: Patch) -> Colour:
        u, v = (p.x - spot.x) * (facing / h), (spot.y - p.y) / h
        return mix(coat, marks, _pattern(build.pattern, u, v, turn)) * (lit(p) + 0.03 * p.noise(64))

    return material


def _pattern(name: str, u: np.ndarray, v: np.ndarray, turn: float) -> np.ndarray | float:
    """How much of the marks shows at (u, v), in heights of the back from the middle of the feet."""
    if name == "stripes":
        return np.clip(3 * np.sin(30 * (u + 0.25 * v)) + 0.2, 0, 1)
    if name == "tabby":
        return 0.5 * np.clip(2 * np.sin(22 * u), 0, 1)
    if name == "spots":
        return np.clip(4 * (np.sin(17 * u + 2 * v) * np.sin(17 * v - 3 * u) + 0.25), 0, 1)
    if name == "patches":
        return np.clip(6 * (np.sin(4.5 * u + turn) + np.sin(5.5 * v - 2 * u + 2 * turn) - 0.4), 0, 1)
    return 0.0


def _finish(canvas: Canvas, build: Build, coat: Colour, spot: Spot, ends: tuple[Point, Point], facing: int) -> None:
    """Eye, nose, mane, trunk, tusk."""
    h, (head, chin) = spot.height, ends
    size = build.head[1] * h
    if build.pattern == "trunk":
        bend = (chin[0] + facing * 0.14 * h, chin[1] + 0.3 * h)
        trunk = limb(chin, bend, 0.11 * h, 0.075 * h) | limb(
            bend, (bend[0] - facing * 0.03 * h, spot.y - 0.12 * h), 0.075 * h, 0.05 * h
        )
        canvas.paint(trunk, coat * np.float32(0.95), spot.label, spot.thing)
        ear = ellipse(head[0] - facing * 0.12 * h, head[1] + 0.06 * h, 0.17 * h, 0.24 * h)
        canvas.paint(ear, coat * np.float32(0.82), spot.label, spot.thing)
        tusk = limb((chin[0], chin[1] + 0.1 * h), (chin[0] + facing * 0.2 * h, chin[1] + 0.2 * h), 0.03 * h, 0.012 * h)
        canvas.paint(tusk, rgb(0xEFE8D8), spot.label, spot.thing)
    if build.pattern == "mane":
        back = (head[0] - facing * 0.36 * h, head[1] + 0.42 * h)
        canvas.paint(
            limb((head[0] - facing * 0.07 * h, head[1] - 0.05 * h), back, 0.05 * h, 0.06 * h),
            coat * 0.4,
            spot.label,
            spot.thing,
        )
    eye = head[0] + facing * 0.3 * size, head[1] - 0.15 * size
    canvas.paint(ellipse(*eye, 0.17 * size, 0.17 * size), rgb(0x14100E))
    canvas.paint(ellipse(chin[0] + facing * 0.3 * size, chin[1], 0.22 * size, 0.2 * size), rgb(0x2A1E1C), opacity=0.7)


def bird(canvas: Canvas, spot: Spot) -> None:
    """A bird in flight; `height` is half its span."""
    x, y, h = spot.x, spot.y, spot.height
    lift, colour = canvas.geometry.between(0.2, 0.6), pick(canvas.look, (0x2E2E34, 0xEDEBE6, 0x5A5450), 0.05)
    wings = [
        limb((x, y), (x + s * 0.5 * h, y - lift * h), 0.1 * h, 0.09 * h)
        | limb((x + s * 0.5 * h, y - lift * h), (x + s * h, y - 0.5 * lift * h), 0.09 * h, 0.02 * h)
        for s in (-1, 1)
    ]
    canvas.paint(union(*wings, ellipse(x, y, 0.14 * h, 0.2 * h)), colour, spot.label, spot.thing)


def teddy(canvas: Canvas, light: Light, spot: Spot) -> None:
    """A teddy bear that sits."""
    x, y, h = spot.x, spot.y, spot.height
    fur = pick(canvas.look, (0xA8743F, 0xC99A5E, 0x7A5232, 0xD8C2A0))
    lit = relief((x - 0.4 * h, y - h, x + 0.4 * h, y), light, 1.5)

    def part(shape: Shape, tone: float = 1.0) -> None:
        canvas.paint(shape, lambda p: fur * (tone * lit(p) + 0.05 * p.noise(64)), spot.label, spot.thing)

    part(
        union(*(limb((x + s * 0.2 * h, y - 0.5 * h), (x + s * 0.38 * h, y - 0.32 * h), 0.1 * h) for s in (-1, 1))), 0.9
    )
    part(ellipse(x, y - 0.32 * h, 0.26 * h, 0.32 * h))
    part(union(*(ellipse(x + s * 0.24 * h, y - 0.1 * h, 0.14 * h, 0.11 * h) for s in (-1, 1))), 0.95)
    part(union(*(ellipse(x + s * 0.2 * h, y - 0.95 * h, 0.09 * h, 0.09 * h) for s in (-1, 1))), 0.85)
    part(ellipse(x, y - 0.76 * h, 0.25 * h, 0.22 * h))
    canvas.paint(ellipse(x, y - 0.69 * h, 0.1 * h, 0.08 * h), np.clip(fur * 1.3, 0, 1))
    for dx, dy, r in ((-0.09, 0.81, 0.03), (0.09, 0.81, 0.03), (0, 0.72, 0.035)):
        canvas.paint(ellipse(x + dx * h, y - dy * h, r * h, r * h), rgb(0x1A1412))


def plane(canvas: Canvas, light: Light, spot: Spot, facing: int, wheels: bool) -> None:
    """An aeroplane from the side; `height` is half its length."""
    x, y, h = spot.x, spot.y, spot.height
    white, tail = (
        pick(canvas.look, (0xEEF0F2, 0xDCE2E8), 0.02),
        pick(canvas.look, (0xB5262B, 0x2F5CA0, 0xE0A030, 0x2F7A5A)),
    )

    def at(u: float, v: float) -> Point:
        return x + facing * u * h, y - v * h

    for u in (-0.15, 0.0, 0.65) if wheels else ():
        leg = limb(at(u, -0.1), at(u, -0.22), 0.02 * h, 0.035 * h)
        canvas.paint(leg, rgb(0x2A2A2E), spot.label, spot.thing)
    fin = polygon(at(-0.98, 0.08), at(-0.95, 0.5), at(-0.78, 0.5), at(-0.6, 0.1))
    canvas.paint(
        polygon(at(0.15, 0), at(-0.1, 0.22), at(-0.22, 0.22), at(-0.15, 0)), white * 0.75, spot.label, spot.thing
    )
    canvas.paint(fin, tail, spot.label, spot.thing)
    body = limb(at(-0.95, 0.06), at(-0.5, 0), 0.05 * h, 0.125 * h) | limb(at(-0.5, 0), at(0.88, 0), 0.125 * h, 0.11 * h)
    lit = relief(body.bounds, light, 2)
    canvas.paint(body, lambda p: white * lit(p), spot.label, spot.thing)
    for k in range(9):
        canvas.paint(ellipse(*at(-0.5 + 0.14 * k, 0.035), 0.022 * h, 0.03 * h), rgb(0x2A3440))
    canvas.paint(
        polygon(at(0.25, -0.05), at(-0.25, -0.42), at(-0.42, -0.42), at(-0.12, -0.05)),
        white * 0.82,
        spot.label,
        spot.thing,
    )
    canvas.paint(limb(at(0.02, -0.2), at(0.16, -0.2), 0.055 * h), white * 0.6, spot.label, spot.thing)
