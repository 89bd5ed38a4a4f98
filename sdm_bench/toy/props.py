"""What stands about in more than one dataset: people, bicycles, trees."""

from dataclasses import dataclass
from math import cos, sin

import numpy as np

from sdm_bench.toy.canvas import Canvas, Colour
from sdm_bench.toy.dice import Dice
from sdm_bench.toy.paint import BLACK, Light, faded, foliage, hazed, mix, pick, rgb, solid
from sdm_bench.toy.shapes import Shape, ellipse, limb, polygon, rect, ring, union

SKIN = (0xF2CDB0, 0xE8B994, 0xD8A07A, 0xB87C54, 0x8A5A3A, 0x6A452F)
HAIR = (0x2A1E18, 0x4A3222, 0x7A5230, 0xB08A50, 0x8A8480, 0x1A1818)
CLOTH = (0xB23A3A, 0x2F5C9E, 0xE3DED4, 0x3A3A42, 0xD8A03A, 0x4B7D57, 0x7A4A86, 0x8C98A6, 0xD0663A)
TROUSERS = (0x2C3A55, 0x2A2A2E, 0x5C5246, 0x7B7F86, 0x3F4A3C)
LEAVES = (0x4E7A34, 0x3F6B33, 0x5F8A3A, 0x6B8A3C, 0x456B45, 0x55803A)
AUTUMN = (0xB88A34, 0xA8602C, 0x8F9A3A)
BARK = (0x5A4838, 0x6B5744, 0x4A3C32)


@dataclass(frozen=True)
class Spot:
    """Where a prop stands and what it is in the maps: x of its middle, y of the ground, height in the frame."""

    x: float
    y: float
    height: float
    label: int
    thing: int = 0
    depth: float = 0.0


@dataclass(frozen=True)
class Pose:
    """Joints of a figure in its own height, x to the right and y up from the ground."""

    feet: tuple[tuple[float, float], tuple[float, float]]
    hands: tuple[tuple[float, float], tuple[float, float]]
    hip: tuple[float, float] = (0.0, 0.5)
    neck: tuple[float, float] = (0.0, 0.82)


def walking(dice: Dice) -> Pose:
    """Somebody who walks or stands, seen from the side or from behind."""
    stride, swing = dice.between(0.05, 0.16), dice.between(-0.12, 0.12)
    return Pose(((-stride, 0), (stride, 0)), ((-0.13 + swing, 0.46), (0.13 + swing, 0.46)))


RIDING = Pose(((0.02, 0.06), (0.17, 0.2)), ((0.3, 0.55), (0.28, 0.53)), (-0.06, 0.42), (0.1, 0.78))
RIDING_AWAY = Pose(((-0.08, 0.08), (0.08, 0.2)), ((-0.17, 0.5), (0.17, 0.5)), (0, 0.42), (0, 0.78))


def figure(canvas: Canvas, light: Light, look: Dice, spot: Spot, pose: Pose) -> None:
    """A person: legs, trunk, arms and head."""
    colours = {"skin": SKIN, "hair": HAIR, "shirt": CLOTH, "trousers": TROUSERS}
    part = {name: faded(pick(look, codes), light, spot.depth) for name, codes in colours.items()}

    def at(joint: tuple[float, float]) -> tuple[float, float]:
        return spot.x + joint[0] * spot.height, spot.y - joint[1] * spot.height

    def paint(shape: Shape, colour: Colour) -> None:
        canvas.paint(shape, solid(colour, shape.bounds, light), spot.label, spot.thing)

    size, hip, neck = spot.height, at(pose.hip), at(pose.neck)
    canvas.paint(ellipse(spot.x, spot.y, 0.2 * size, 0.03 * size), BLACK, opacity=0.35)
    paint(union(*(_leg(hip, at(foot), size) for foot in pose.feet)), part["trousers"])
    paint(
        union(*(limb(neck, at(hand), 0.056 * size, 0.042 * size) for hand in pose.hands)),
        part["shirt"] * np.float32(0.85),
    )
    for hand in pose.hands:
        x, y = at(hand)
        canvas.paint(ellipse(x, y, 0.032 * size, 0.035 * size), part["skin"], spot.label, spot.thing)
    paint(limb(neck, hip, 0.115 * size, 0.09 * size), part["shirt"])
    x, y = neck[0] + 0.01 * size, neck[1] - 0.095 * size
    paint(ellipse(x, y, 0.074 * size, 0.09 * size), part["hair"])
    if look.chance(0.6):
        canvas.paint(ellipse(x, y + 0.025 * size, 0.055 * size, 0.062 * size), part["skin"])


def _leg(hip: tuple[float, float], foot: tuple[float, float], size: float) -> Shape:
    return limb(hip, (foot[0], foot[1] - 0.02 * size), 0.072 * size, 0.048 * size)


def bicycle(canvas: Canvas, light: Light, look: Dice, spot: Spot, seen_from_side: bool) -> None:
    """A bicycle; `height` is that of its handlebar."""
    h, x, y = spot.height, spot.x, spot.y
    colour = hazed(pick(look, (0x8A2A2A, 0x26405F, 0x2A2A2A, 0x3A6A4A, 0x9A8A30)), light, spot.depth)
    tyre = hazed(rgb(0x1E1E20), light, spot.depth)
    canvas.paint(ellipse(x, y, 0.8 * h if seen_from_side else 0.2 * h, 0.05 * h), BLACK, opacity=0.35)
    if not seen_from_side:
        canvas.paint(limb((x, y - 0.05 * h), (x, y - 0.6 * h), 0.075 * h), tyre, spot.label, spot.thing)
        canvas.paint(limb((x - 0.28 * h, y - h), (x + 0.28 * h, y - h), 0.06 * h), colour, spot.label, spot.thing)
        return
    r, back, front = 0.33 * h, (x - 0.5 * h, y - 0.33 * h), (x + 0.5 * h, y - 0.33 * h)
    wheels = union(*(ring(cx, cy, r, r, 0.13 * h) for cx, cy in (back, front)))
    canvas.paint(wheels, tyre, spot.label, spot.thing)
    crank, saddle, bar = (x - 0.05 * h, y - 0.33 * h), (x - 0.2 * h, y - 0.85 * h), (x + 0.36 * h, y - 0.95 * h)
    tubes = ((back, crank), (crank, saddle), (crank, bar), (saddle, bar), (bar, front), (back, saddle))
    canvas.paint(union(*(limb(a, b, 0.05 * h) for a, b in tubes)), colour, spot.label, spot.thing)


def leaf_colour(look: Dice) -> Colour:
    """Green, at times that of autumn."""
    return pick(look, AUTUMN if look.chance(0.15) else LEAVES, 0.05)


def crown(dice: Dice, x: float, y: float, wide: float, high: float) -> Shape:
    """A round tree top centred at (x, y) with half axes `wide` and `high`: a heap of clumps."""
    clumps = [ellipse(x, y, 0.75 * wide, 0.8 * high)]
    turn = dice.between(0, 6.28)
    for k in range(5):
        angle, far = turn + k * 1.256, dice.between(0.4, 0.55)
        size = dice.between(0.42, 0.55)
        clumps.append(ellipse(x + far * wide * cos(angle), y + far * high * sin(angle), size * wide, size * high))
    return union(*clumps).rough(0.05 * min(wide, high), 3.2 / max(min(wide, high), 0.02))


def tree(canvas: Canvas, light: Light, dice: Dice, look: Dice, spot: Spot, conifer: float = 0.2) -> None:
    """A broad-leaved tree, or with the probability `conifer` one with needles."""
    x, y, h = spot.x, spot.y, spot.height
    bark, leaves = pick(look, BARK), leaf_colour(look)
    trunk_height, wide = dice.between(0.25, 0.4), dice.between(0.24, 0.36)
    trunk = limb((x, y), (x, y - (trunk_height + 0.15) * h), 0.035 * h, 0.025 * h)
    canvas.paint(trunk, hazed(solid(bark, trunk.bounds, light, 2), light, spot.depth), spot.label)
    if dice.chance(conifer):
        shape = _conifer(x, y - 0.12 * h, 0.7 * wide * h, 0.88 * h)
        leaves = mix(leaves, rgb(0x24483A), 0.5)
    else:
        half = (1 - trunk_height) / 2
        shape = crown(dice, x, y - (trunk_height + half) * h, wide * h, half * h)
    canvas.paint(shape, hazed(foliage(leaves, shape.bounds, light, 5 / h + 6), light, spot.depth), spot.label)


def _conifer(x: float, y: float, wide: float, high: float) -> Shape:
    layers = [(0.0, 1.0, 0.5), (0.28, 0.78, 0.72), (0.55, 0.52, 1.0)]
    cones = [_triangle(x, y - low * high, width * wide, (top - low) * high) for low, width, top in layers]
    return union(*cones).rough(0.06 * wide, 5 / max(wide, 0.02))


def _triangle(x: float, y: float, wide: float, high: float) -> Shape:
    return polygon((x - wide, y), (x + wide, y), (x, y - high))


def bush(canvas: Canvas, light: Light, dice: Dice, look: Dice, spot: Spot, wide: float) -> None:
    """A round bush, `wide` times as wide as high."""
    half = spot.height / 2
    shape = crown(dice, spot.x, spot.y - half * 0.8, wide * half, half) & _above(spot.y)
    canvas.paint(shape, hazed(foliage(leaf_colour(look), shape.bounds, light, 30), light, spot.depth), spot.label)


def _above(y: float) -> Shape:
    return rect(-5, -5, 5, y)


def cast(canvas: Canvas, light: Light, shape: Shape, strength: float = 0.5) -> None:
    """A shadow on what is painted already; the maps stay."""
    canvas.paint(shape, rgb(0x10141F), opacity=strength * (0.25 + 0.75 * light.sun))
