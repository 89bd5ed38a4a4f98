"""The two sides of a toy street: houses, walls, fences, hedges and trees in a row, then poles, lights and signs."""

from collections.abc import Callable
from functools import partial
from math import copysign

import numpy as np

from sdm_bench.toy.camera import Camera
from sdm_bench.toy.canvas import Canvas, Colour, Material, Patch
from sdm_bench.toy.dice import Dice
from sdm_bench.toy.houses import PLASTER, ROOF, WOOD, Style
from sdm_bench.toy.ids import Street as Id
from sdm_bench.toy.paint import Light, bars, foliage, hazed, mix, pick, rgb, vary
from sdm_bench.toy.props import Spot, bicycle, leaf_colour, tree
from sdm_bench.toy.shapes import Shape, ellipse, limb, polygon, rect, ring
from sdm_bench.toy.streetplan import Street

# How far away something is, and what paints it.
Job = tuple[float, Callable[[], None]]

# Depths at which a lot begins and ends, and the height of what stands on it.
Lot = tuple[float, float, float]

STONE = (0x9A948A, 0x8C7A68, 0xA8A096, 0x7F7A74)


def row(canvas: Canvas, street: Street, light: Light, side: int) -> None:
    """The lots of one side, far ones first."""
    dice = canvas.geometry
    urban = dice.between(0, 1)
    depth, lots = dice.between(1.2, 3.0), []
    while depth < 32:
        length = dice.between(2.2, 4.5) * (1 + depth / 12)
        kinds = ("house", "house", "house", "house", "green") if urban > 0.4 else ("house", "green", "green", "wall")
        lots.append((depth, min(depth + length, 34.0), dice.choice(kinds), dice.between(4, 9) * (0.6 + 0.7 * urban)))
        depth += length + (dice.between(0.3, 1.2) if dice.chance(0.3) else 0)
    for near, far, kind, height in reversed(lots):
        if street.crossing and near < street.crossing[1] and far > street.crossing[0]:
            continue
        {"house": _house, "green": _green, "wall": _wall}[kind](canvas, street, light, side, (near, far, height))


def _house(canvas: Canvas, street: Street, light: Light, side: int, lot: Lot) -> None:
    camera, dice, look = street.camera, canvas.geometry, canvas.look
    near, far, high = lot
    front = street.front(side)
    back = front + side * 7
    colour, style = pick(look, PLASTER, 0.05), Style.drawn(look, light, high)
    if dice.chance(0.35):
        _roof(canvas, camera, light, (front, back), lot)

    def on_end(p: Patch) -> tuple[np.ndarray, np.ndarray, float]:
        across = (p.x - camera.vanish) * near
        return (across - front) * (side * 0.7), 1 - (p.y - camera.horizon) * near, near

    def on_front(p: Patch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        depth, up = camera.wall(p, front)
        return (depth - near) * (max(2, round((far - near) * 1.4)) / (far - near)), up, depth

    shaded, facing = colour * light.shade(-0.3), colour * light.shade(0.7 if light.side * side < 0 else -0.9)
    canvas.paint(camera.front(front, back, 0, high, near), style.wall(shaded, on_end, light), Id.BUILDING)
    canvas.paint(camera.facade(front, near, far, 0, high), style.wall(facing, on_front, light), Id.BUILDING)


def _roof(canvas: Canvas, camera: Camera, light: Light, walls: tuple[float, float], lot: Lot) -> None:
    near, far, high = lot
    front, back = walls
    ridge, top = (front + back) / 2, high + 2.2
    slope = polygon(*(camera.at(*corner) for corner in (
        (front, high, near), (ridge, top, near), (ridge, top, far), (front, high, far),
    )))  # fmt: skip
    gable = polygon(camera.at(front, high, near), camera.at(ridge, top, near), camera.at(back, high, near))
    tiles = pick(canvas.look, ROOF)
    canvas.paint(gable, hazed(tiles * 1.1, light, near), Id.BUILDING)
    canvas.paint(slope, hazed(tiles, light, near), Id.BUILDING)


def _green(canvas: Canvas, street: Street, light: Light, side: int, lot: Lot) -> None:
    """A garden: a tree or two behind a hedge or a fence."""
    dice = canvas.geometry
    near, far, _ = lot
    for _ in range(2 if near < 9 else 1):
        depth, across = dice.between(near, far), street.front(side) + side * dice.between(0.5, 2.5)
        _tree_at(canvas, street, light, (across, depth), dice.between(3.2, 6))
    fenced = dice.chance(0.5)
    edge = street.camera.facade(street.front(side), near, far, 0, 0.85 if fenced else dice.between(0.7, 1.1))
    if fenced:
        canvas.paint(edge, hazed(_pickets(street.camera, street.front(side), canvas.look), light, near), Id.FENCE)
    else:
        hedge = edge.rough(0.012, 16)
        leaves = foliage(leaf_colour(canvas.look) * 0.85, hedge.bounds, light, 32)
        canvas.paint(hedge, hazed(leaves, light, near), Id.VEGETATION)


def _pickets(camera: Camera, front: float, look: Dice) -> Material:
    wood, gap = pick(look, WOOD), vary(look, rgb(0x3E4A34))

    def material(p: Patch) -> Colour:
        depth, up = camera.wall(p, front)
        rails = np.maximum(bars(up / 0.85, 0.82, 0.95), bars(up / 0.85, 0.2, 0.32))
        return mix(gap, wood, np.maximum(bars(depth * 5, 0, 0.55, 0.2), rails) * np.clip(1.4 - depth / 20, 0.55, 1))

    return material


def _wall(canvas: Canvas, street: Street, light: Light, side: int, lot: Lot) -> None:
    """A long garden wall, as high as a man or more, with trees over it."""
    dice = canvas.geometry
    near, far, _ = lot
    depth, across = dice.between(near, far), street.front(side) + side * 1.5
    _tree_at(canvas, street, light, (across, depth), dice.between(3.5, 6))
    colour = pick(canvas.look, STONE) * light.shade(0.5 if light.side * side < 0 else -0.8)
    shape = street.camera.facade(street.front(side), near, far, 0, dice.between(1.3, 2.2))
    canvas.paint(shape, hazed(_blocks(street.camera, street.front(side), colour), light, near), Id.WALL)


def _blocks(camera: Camera, front: float, colour: Colour) -> Material:
    def material(p: Patch) -> Colour:
        depth, up = camera.wall(p, front)
        joints = np.maximum(bars(up * 3, 0, 0.12), bars(depth * 2 + 0.5 * np.floor(up * 3), 0, 0.08))
        return colour * (1 + 0.06 * p.noise(32) - 0.15 * joints * np.clip(1.3 - depth / 12, 0, 1))

    return material


def _street_tree(canvas: Canvas, street: Street, light: Light, across: float, depth: float) -> None:
    _tree_at(canvas, street, light, (across, depth), 3.6)


def _tree_at(canvas: Canvas, street: Street, light: Light, ground: tuple[float, float], high: float) -> None:
    x, y = street.camera.at(ground[0], 0, ground[1])
    spot = Spot(x, y, high / ground[1], Id.VEGETATION, depth=ground[1])
    tree(canvas, light, canvas.geometry, canvas.look, spot)


def furniture(canvas: Canvas, street: Street, light: Light) -> list[Job]:
    """Street trees, lamps, traffic lights, signs, bins and parked bicycles."""
    dice = canvas.geometry
    jobs: list[Job] = []
    for side in (-1, 1):
        kerb = street.edge(side) + side * 0.3
        for make, chance, first, gap in _FURNITURE:
            if not dice.chance(chance):
                continue
            depth = dice.between(*first)
            while depth < 20:
                jobs.append((depth, partial(make, canvas, street, light, kerb, depth)))
                depth += gap * dice.between(0.8, 1.4) * (1 + depth / 15)
    return jobs


def _mast(canvas: Canvas, street: Street, light: Light, across: float, depth: float, high: float) -> tuple:
    """A pole; gives its top in the frame."""
    foot, top = street.camera.at(across, 0, depth), street.camera.at(across, high, depth)
    metal = hazed(pick(canvas.look, (0x6E7276, 0x8A8C8C, 0x4F5A54)), light, depth)
    half = max(0.065 / depth, 0.008)
    canvas.paint(rect(top[0] - half, top[1], top[0] + half, foot[1]), metal, Id.POLE)
    return top, metal


def _lamp(canvas: Canvas, street: Street, light: Light, across: float, depth: float) -> None:
    (x, y), metal = _mast(canvas, street, light, across, depth, 4.4)
    reach = x - copysign(0.9, across) / depth
    canvas.paint(limb((x, y), (reach, y - 0.12 / depth), max(0.05 / depth, 0.005)), metal, Id.POLE)
    canvas.paint(ellipse(reach, y - 0.08 / depth, 0.22 / depth, 0.09 / depth), rgb(0xE9E4D0), Id.POLE)


def _signal(canvas: Canvas, street: Street, light: Light, across: float, depth: float) -> None:
    (x, y), _ = _mast(canvas, street, light, across, depth, 2.1)
    unit = 1 / depth
    box = rect(x - 0.17 * unit, y - 0.45 * unit, x + 0.17 * unit, y + 0.45 * unit, 0.05 * unit)
    canvas.paint(box, hazed(rgb(0x22252A), light, depth), Id.LIGHT)
    burning = canvas.look.integer(0, 2)
    for k, colour in enumerate((0xE0302A, 0xF0B030, 0x35C060)):
        lamp = ellipse(x, y + (k - 1) * 0.28 * unit, 0.11 * unit, 0.11 * unit)
        canvas.paint(lamp, rgb(colour) * (1.0 if k == burning else 0.28))


def _sign(canvas: Canvas, street: Street, light: Light, across: float, depth: float) -> None:
    (x, y), _ = _mast(canvas, street, light, across, depth, 1.9)
    unit = 0.3 / depth
    kind = canvas.geometry.integer(0, 3)
    face, rim, inner = _sign_shapes(kind, x, y, unit)
    blue, red = rgb(0x1F55A8), rgb(0xC42127)
    canvas.paint(face, blue if kind >= 2 else red, Id.SIGN)
    canvas.paint(inner, rgb(0xF2F2EE) if kind < 2 else rgb(0xE9EEF4), opacity=1.0 if kind < 2 else 0.85)
    canvas.paint(rim, rgb(0xF2F2EE), opacity=0.5)


def _sign_shapes(kind: int, x: float, y: float, unit: float) -> tuple[Shape, Shape, Shape]:
    if kind == 0:
        return ellipse(x, y, unit, unit), ring(x, y, unit, unit, 0.1 * unit), ellipse(x, y, 0.62 * unit, 0.62 * unit)
    if kind == 1:
        big, small = (
            polygon((x - k * unit, y + 0.6 * k * unit), (x + k * unit, y + 0.6 * k * unit), (x, y - 1.1 * k * unit))
            for k in (1.1, 0.62)
        )
        return big, ring(x, y, unit / 9, unit / 9, 0.02 * unit), small
    face = rect(x - unit, y - unit, x + unit, y + unit, 0.1 * unit)
    if kind == 2:
        return (
            face,
            ring(x, y, 0.9 * unit, 0.9 * unit, 0.08 * unit),
            limb((x, y + unit / 2), (x, y - unit / 2), unit / 6),
        )
    arrow = rect(x - 0.65 * unit, y - 0.2 * unit, x + 0.65 * unit, y + 0.2 * unit)
    return ellipse(x, y, unit, unit), ring(x, y, unit, unit, 0.1 * unit), arrow


def _bin(canvas: Canvas, street: Street, light: Light, across: float, depth: float) -> None:
    x, y = street.camera.at(across * 1.05, 0, depth)
    unit = 1 / depth
    shape = rect(x - 0.22 * unit, y - 0.75 * unit, x + 0.22 * unit, y, 0.04 * unit)
    canvas.paint(shape, hazed(pick(canvas.look, (0x3A4A3A, 0x55504A, 0xA06A28, 0x2F3E55)), light, depth), Id.STATIC)
    canvas.paint(rect(x - 0.24 * unit, y - 0.8 * unit, x + 0.24 * unit, y - 0.68 * unit), rgb(0x2A2A2C), Id.STATIC)


def _parked_bicycle(canvas: Canvas, street: Street, light: Light, across: float, depth: float) -> None:
    x, y = street.camera.at(across * 1.12, 0, depth)
    spot = Spot(x, y, 0.8 / depth, Id.BICYCLE, canvas.new_thing(), depth)
    bicycle(canvas, light, canvas.look, spot, seen_from_side=True)


# What stands at a kerb: how often, from what depths on, and how far apart.
_FURNITURE = (
    (_street_tree, 0.35, (2.6, 5.0), 4.5),
    (_lamp, 0.5, (2.6, 5.0), 6.5),
    (_signal, 0.4, (2.8, 7.0), 40),
    (_sign, 0.55, (2.8, 7.0), 40),
    (_bin, 0.3, (2.8, 7.0), 40),
    (_parked_bicycle, 0.35, (3.4, 8.0), 40),
)
