"""Open country, for every dataset that has some: mountains, hills, woods, meadows, water, sand and snow."""

import numpy as np

from sdm_bench.toy.canvas import Canvas, Colour, Patch
from sdm_bench.toy.dice import Dice
from sdm_bench.toy.paint import Light, faded, foliage, hazed, mix, pick, rgb, sky, vary
from sdm_bench.toy.props import Spot, leaf_colour, tree
from sdm_bench.toy.shapes import Shape, below, everything, rect

MEADOW = (0x6F9A3E, 0x7FA548, 0x5E8A3C, 0x93A24C, 0xA3A055)
SAND = (0xD9C396, 0xCDB084, 0xE3D2A8, 0xC9B48E)
SEA = (0x2F6A8C, 0x2A7C8A, 0x3F7FA8, 0x3A6272)
SNOW = (0xEEF2F6, 0xE6ECF2, 0xF3F1EE)
EARTH = (0xA88A5C, 0x9A7B52, 0xB89A6A, 0x8F7A5C)
ROCK = (0x7D7A78, 0x8A8078, 0x6E6F76, 0x8B7A6C)


def air(canvas: Canvas, light: Light, horizon: float, label: int) -> None:
    """The sky."""
    canvas.paint(everything(), sky(light, horizon), label)


def _ridge(dice: Dice, points: int, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """A jagged line over the frame: x and heights, by halving."""
    heights = np.array(dice.floats(points, low, high))
    xs = np.linspace(-0.1, 1.1, points)
    for scale in (0.25, 0.12):
        fine = np.linspace(-0.1, 1.1, 2 * len(xs) - 1)
        heights = np.interp(fine, xs, heights)
        heights[1::2] += np.array(dice.floats(len(heights) // 2, -1, 1)) * scale * (high - low)
        xs = fine
    return xs, heights


def mountains(canvas: Canvas, light: Light, foot: float, high: float, label: int, snowy: bool = True) -> None:
    """A range `high` above y = `foot`, lit on one flank, with snow on top where `snowy`."""
    xs, heights = _ridge(canvas.geometry, 5, 0.4 * high, high)
    rock, cap = faded(pick(canvas.look, ROCK), light, 9), faded(rgb(0xF4F6FA), light, 5)
    slope = np.gradient(heights, xs)
    line = canvas.look.between(0.5, 0.75) * high if snowy else 9.0

    def material(p: Patch) -> Colour:
        level = foot - p.y
        lean = np.interp(p.x + 0.05 * p.noise(8, 4), xs, slope).astype(np.float32)
        lit = 1 + np.clip(-lean * light.side * 0.5, -1, 1) * (0.06 + 0.22 * light.sun)
        snow = np.clip((level - line + 0.04 * p.noise(16)) * 30, 0, 1)
        valley = np.clip(1 - level / (0.6 * high), 0, 1) * 0.35
        return mix(mix(rock * (1 + 0.06 * p.cloud(8)), cap, snow) * lit, light.haze, valley)

    canvas.paint(below(xs.tolist(), (foot - heights).tolist(), foot + 0.02), material, label)


def hills(canvas: Canvas, light: Light, foot: float, high: float, label: int, depth: float = 4.0) -> None:
    """Soft hills with meadows and woods."""
    dice, look = canvas.geometry, canvas.look
    xs = np.linspace(-0.1, 1.1, 41)
    turn, stretch = dice.between(0, 6), dice.between(4, 9)
    heights = high * (0.6 + 0.3 * np.sin(xs * stretch + turn) + 0.1 * np.sin(xs * 3.1 * stretch))
    meadow, wood = pick(look, MEADOW), vary(look, rgb(0x4A6B3A))

    def material(p: Patch) -> Colour:
        return mix(meadow, wood, np.clip(0.4 + 0.5 * p.cloud(6, 12), 0, 1))

    canvas.paint(below(xs.tolist(), (foot - heights).tolist(), foot + 0.02), hazed(material, light, depth), label)


def woods(canvas: Canvas, light: Light, foot: float, high: float, label: int, depth: float = 3.0) -> None:
    """A wall of trees, far away."""
    dice = canvas.geometry
    xs = np.linspace(-0.1, 1.1, 25)
    heights = np.array(dice.floats(25, 0.55 * high, high))
    shape = below(xs.tolist(), (foot - heights).tolist(), foot + 0.02).rough(0.12 * high, 16)
    leaves = foliage(leaf_colour(canvas.look), (0, foot - high, 1, foot), light, 16)
    canvas.paint(shape & rect(-1, -1, 2, foot + 0.01), hazed(leaves, light, depth), label)


def plain(
    canvas: Canvas,
    light: Light,
    top: float,
    label: int,
    colours: tuple[int, ...],
    rough: float = 0.1,
    over: Shape | None = None,
) -> None:
    """Level ground from y = `top` down to the viewer's feet: finer and paler far away; `over` shapes its edge."""
    colour, second = pick(canvas.look, colours), pick(canvas.look, colours)

    def material(p: Patch) -> Colour:
        near = np.clip((p.y - top) / (1 - top), 0, 1)
        patches = mix(colour, second, np.clip(0.5 + 0.35 * p.cloud(3, 12), 0, 1))
        grain = 1 + rough * near * (p.noise(32, 64) * 0.5 + p.noise(64, 128) * 0.6) + 0.3 * rough * p.noise(16, 64)
        return mix(patches * (grain * (1.06 - 0.16 * near)), light.haze, 0.25 * (1 - near) ** 3)

    canvas.paint(over or rect(-1, top, 2, 2), material, label)


def water(canvas: Canvas, light: Light, top: float, bottom: float, label: int) -> None:
    """Water from y = `top` to `bottom`: the sky in it, ripples that widen towards the viewer."""
    deep = pick(canvas.look, SEA)
    mirrored = mix(deep, light.sky_low, 0.55)

    def material(p: Patch) -> Colour:
        near = np.clip((p.y - top) / max(bottom - top, 1e-3), 0, 1)
        waves = p.noise(8, 64) * 0.5 + p.noise(16, 128) * 0.5 + p.noise(4, 32) * 0.4
        crest = np.clip(waves - 1.1, 0, 1) * 0.5
        toned = mix(mirrored, deep, near**0.6) * (1 + 0.09 * waves)
        return mix(toned, rgb(0xF2F6F8), crest)

    canvas.paint(rect(-1, top, 2, bottom), material, label)


def surf(canvas: Canvas, y: float, label: int) -> None:
    """The foam where water meets the shore; `label` is that of the water."""
    xs = np.linspace(-0.1, 1.1, 25)
    line = y + np.array(canvas.geometry.floats(25, -0.008, 0.008))
    foam = below(xs.tolist(), (line - 0.02).tolist(), y + 0.05) - below(xs.tolist(), (line + 0.012).tolist(), y + 0.05)
    canvas.paint(foam, rgb(0xEFF3F4), label)


def grove(canvas: Canvas, light: Light, foot: float, count: int, label: int, high: tuple[float, float]) -> None:
    """Single trees that stand at and below y = `foot`, far ones first."""
    dice = canvas.geometry
    for y in sorted(dice.floats(count, foot, foot + 0.1)):
        near = 1 + 4 * (y - foot)
        spot = Spot(dice.between(0, 1), y, dice.between(*high) * near, label)
        tree(canvas, light, dice, canvas.look, spot)
