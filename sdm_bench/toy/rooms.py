"""Bedrooms, living rooms and kitchens with the ids of ADE20K."""

from dataclasses import dataclass

import numpy as np

from sdm_bench.toy.camera import Camera
from sdm_bench.toy.canvas import Canvas, Colour, Material, Patch, one_thing
from sdm_bench.toy.dice import Dice
from sdm_bench.toy.ids import Place as Id
from sdm_bench.toy.paint import Light, bars, mix, pick, relief, rgb, sky, solid, vary
from sdm_bench.toy.props import LEAVES
from sdm_bench.toy.shapes import Shape, ellipse, limb, polygon, rect, union

PAPER = (0xD8CFBE, 0xC9D2CF, 0xE3DCCB, 0xB9C4CF, 0xD9C0AE, 0xC4CDB4, 0xD8C98F, 0xB8AFC0)
PLANKS = (0x9A6E48, 0x7C5638, 0xB48A5C, 0x8A6A50)
TILES = (0xB8B2A6, 0xA59C90, 0xC6BFAE)
TIMBER = (0x6E4A30, 0x8C6440, 0xB08A58, 0xE4DFD4, 0x4A3A30)
FABRIC = (0x7A3B3F, 0x3F5A78, 0xC8BCA4, 0x5C6B4A, 0x8A8D94, 0xB07A3A, 0x5A4468, 0xD4C6C0)


@dataclass(frozen=True)
class Room:
    """A room in the camera's units: walls at `left` and `right`, the far one at `back`, the ceiling at `high`."""

    camera: Camera
    left: float
    right: float
    back: float
    high: float

    @staticmethod
    def drawn(dice: Dice) -> "Room":
        return Room(
            camera=Camera(dice.between(0.38, 0.46), dice.between(0.4, 0.6)),
            left=-dice.between(1.1, 1.6),
            right=dice.between(1.1, 1.6),
            back=dice.between(3.0, 3.7),
            high=dice.between(1.75, 2.1),
        )


# left, right, low, high, near, far.
Box = tuple[float, float, float, float, float, float]


def block(canvas: Canvas, room: Room, light: Light, box: Box, colour: Colour, label: int) -> None:
    """A piece of furniture: its top, the side that is seen and its front."""
    camera = room.camera
    left, right, low, high, near, far = box
    flank = left if left > 0 else right if right < 0 else None
    if flank is not None:
        away = light.side * (1 if flank == left else -1)
        canvas.paint(camera.facade(flank, near, far, low, high), colour * light.shade(-0.5 - away * 0.7), label)
    if high < 1:
        canvas.paint(camera.strip(left, right, near, far, high), colour * np.float32(1.09), label)
    front = camera.front(left, right, low, high, near)
    canvas.paint(front, solid(colour, front.bounds, light, 0.5), label)


def shell(canvas: Canvas, room: Room, light: Light) -> None:
    """Ceiling, floor and walls."""
    camera, look = room.camera, canvas.look
    paper = pick(look, PAPER)
    floor = _tiled(camera, look) if look.chance(0.3) else _planked(camera, look)
    ends = (0.5, room.back)
    canvas.paint(rect(-1, -1, 2, 2), paper, Id.WALL)
    for side, wall in ((-1, room.left), (1, room.right)):
        tone = paper * light.shade(-1.2 if side * light.side > 0 else 0.3) * 0.93
        canvas.paint(camera.facade(wall, *ends, 0, room.high), _papered(tone, camera, wall), Id.WALL)
    back = camera.front(room.left, room.right, 0, room.high, room.back)
    lit = relief(back.bounds, light, 0.8)
    canvas.paint(back, lambda p: paper * (lit(p) * (1 + 0.015 * p.noise(8))), Id.WALL)
    white = vary(look, rgb(0xEAE6DC), 0.03)
    canvas.paint(camera.strip(room.left, room.right, *ends, room.high), white, Id.CEILING)
    canvas.paint(camera.strip(room.left, room.right, *ends), floor, Id.FLOOR)
    skirting = camera.front(room.left, room.right, 0, 0.07, room.back)
    canvas.paint(skirting, white * np.float32(0.9))


def _papered(tone: Colour, camera: Camera, wall: float) -> Material:
    def material(p: Patch) -> Colour:
        depth, _ = camera.wall(p, wall)
        return tone * (1.04 - 0.03 * np.clip(depth, 0, 4) + 0.015 * p.noise(8))

    return material


def _planked(camera: Camera, look: Dice) -> Material:
    wood = pick(look, PLANKS)

    def material(p: Patch) -> Colour:
        across, depth = camera.ground(p)
        board = np.floor(across * 4)
        tone = 0.07 * np.sin(board * 12.9898)
        return wood * (1.05 + tone - 0.22 * bars(across * 4, 0, 0.07) - 0.035 * depth + 0.03 * p.noise(16, 64))

    return material


def _tiled(camera: Camera, look: Dice) -> Material:
    tile = pick(look, TILES)

    def material(p: Patch) -> Colour:
        across, depth = camera.ground(p)
        check = (np.floor(across * 2) + np.floor(depth * 2)) % 2
        return tile * (1 - 0.14 * check - 0.03 * depth)

    return material


def window(canvas: Canvas, room: Room, light: Light, middle: float, curtained: bool) -> None:
    """A window in the back wall, with curtains or without."""
    camera, look = room.camera, canvas.look
    half, low, high, depth = canvas.geometry.between(0.32, 0.5), 0.75, room.high - 0.3, room.back
    frame = camera.front(middle - half, middle + half, low, high, depth)
    canvas.paint(frame, vary(look, rgb(0xEFEDE6), 0.02), Id.WINDOW)
    top, bottom = frame.bounds[1], frame.bounds[3]
    for side in (-1, 1):
        edges = sorted((middle + side * 0.03, middle + side * (half - 0.05)))
        pane = camera.front(edges[0], edges[1], low + 0.06, high - 0.06, depth)
        canvas.paint(pane, sky(light, bottom + 0.05), Id.WINDOW)
        trees = pane & rect(-1, bottom - 0.3 * (bottom - top), 2, 2).rough(0.01, 16)
        canvas.paint(trees, pick(look, LEAVES) * np.float32(0.9))
    if curtained:
        cloth = pick(look, FABRIC)
        for side in (-1, 1):
            edges = sorted((middle + side * (half - 0.08), middle + side * (half + 0.22)))
            drape = camera.front(edges[0], edges[1], 0.15, high + 0.12, depth)
            folds = 11 / max(drape.bounds[2] - drape.bounds[0], 1e-3) / 2
            canvas.paint(drape, _folded(cloth, folds), Id.CURTAIN)


def _folded(cloth: Colour, folds: float) -> Material:
    return lambda p: cloth * (1 + 0.12 * np.sin(p.x * (folds * 3.14)))


def picture(canvas: Canvas, room: Room, middle: float) -> None:
    """A painting on the back wall."""
    dice, look = canvas.geometry, canvas.look
    half, low = dice.between(0.18, 0.34), dice.between(1.0, 1.15)
    high = low + dice.between(0.3, 0.5)
    canvas.paint(room.camera.front(middle - half, middle + half, low, high, room.back), pick(look, TIMBER), Id.PAINTING)
    inner = room.camera.front(middle - half + 0.05, middle + half - 0.05, low + 0.05, high - 0.05, room.back)
    one, two = pick(look, FABRIC, 0.15), pick(look, PAPER, 0.15)
    canvas.paint(inner, lambda p: mix(one, two, np.clip(0.5 + 0.6 * p.cloud(8), 0, 1)))


def door(canvas: Canvas, room: Room, side: int) -> None:
    """A door in a side wall."""
    wall, near = (room.left, room.right)[side > 0], canvas.geometry.between(1.9, 2.3)
    timber = pick(canvas.look, TIMBER)
    canvas.paint(room.camera.facade(wall, near, near + 0.65, 0, 1.45), timber * 0.8, Id.DOOR)
    canvas.paint(room.camera.facade(wall, near + 0.06, near + 0.59, 0, 1.39), timber)
    for low, high in ((0.12, 0.62), (0.76, 1.26)):
        canvas.paint(room.camera.facade(wall, near + 0.15, near + 0.5, low, high), timber * 0.86)


def lamp(canvas: Canvas, room: Room, across: float, depth: float, foot: float, high: float) -> None:
    """A lamp with a shade, on the floor or on a table; lit in some pictures."""
    camera = room.camera
    (x, y), (_, top) = camera.at(across, foot, depth), camera.at(across, high, depth)
    unit = 1 / depth
    canvas.paint(limb((x, y), (x, top), 0.022 * unit), rgb(0x4A4440), Id.LAMP)
    canvas.paint(ellipse(x, y, 0.1 * unit, 0.025 * unit), rgb(0x3F3A36), Id.LAMP)
    lit = canvas.look.chance(0.5)
    glow = rgb(0xFFF0C2) if lit else vary(canvas.look, rgb(0xD8CDB8))
    if lit:
        canvas.paint(ellipse(x, top, 0.3 * unit, 0.3 * unit), rgb(0xFFE9B0), opacity=0.4, soft=0.7 * unit)
    shade = polygon(
        (x - 0.2 * unit, top + 0.16 * unit), (x + 0.2 * unit, top + 0.16 * unit),
        (x + 0.12 * unit, top - 0.14 * unit), (x - 0.12 * unit, top - 0.14 * unit),
    )  # fmt: skip
    canvas.paint(shade, glow, Id.LAMP)


@one_thing
def plant(canvas: Canvas, room: Room, light: Light, across: float, depth: float) -> None:
    """A plant in a pot."""
    x, y = room.camera.at(across, 0, depth)
    unit = 1 / depth
    leaves = [
        limb((x, y - 0.25 * unit), (x + dx * unit, y - dy * unit), 0.035 * unit, 0.075 * unit)
        for dx, dy in ((-0.25, 0.6), (-0.12, 0.8), (0.03, 0.88), (0.17, 0.75), (0.28, 0.55))
    ]
    shape = union(*leaves)
    canvas.paint(shape, solid(pick(canvas.look, LEAVES), shape.bounds, light, 1.5), Id.PLANT)
    pot = polygon(
        (x - 0.1 * unit, y), (x + 0.1 * unit, y), (x + 0.14 * unit, y - 0.27 * unit), (x - 0.14 * unit, y - 0.27 * unit)
    )
    canvas.paint(pot, solid(vary(canvas.look, rgb(0xA8623F)), pot.bounds, light, 1.5), Id.PLANT)


def rug(canvas: Canvas, room: Room, middle: float, near: float) -> None:
    """A rug with a border."""
    one, two = pick(canvas.look, FABRIC), pick(canvas.look, FABRIC)
    half = canvas.geometry.between(0.5, 0.8)
    canvas.paint(room.camera.strip(middle - half, middle + half, near, near + 0.9), one, Id.RUG)
    canvas.paint(room.camera.strip(middle - half + 0.1, middle + half - 0.1, near + 0.1, near + 0.8), two)


def under(canvas: Canvas, room: Room, box: Box) -> None:
    """The shadow of a piece of furniture on the floor."""
    left, right, _, _, near, far = box
    canvas.paint(room.camera.strip(left - 0.06, right + 0.06, near - 0.06, far), rgb(0x120E0C), opacity=0.35)


def legs(canvas: Canvas, room: Room, box: Box, colour: Colour, label: int) -> None:
    """Four legs below a top."""
    left, right, low, high, near, far = box
    for depth in (far, near):
        for across in (left + 0.04, right - 0.04):
            canvas.paint(room.camera.front(across - 0.035, across + 0.035, low, high, depth), colour * 0.8, label)


def lines(canvas: Canvas, shape: Shape, across: int, down: int) -> None:
    """Doors and drawers: dark lines that part a front."""
    left, top, right, bottom = shape.bounds
    dark, half = rgb(0x1E1814), 0.004
    for k in range(1, across):
        x = left + (right - left) * k / across
        canvas.paint(rect(x - half, top, x + half, bottom), dark, opacity=0.6)
    for k in range(1, down):
        y = top + (bottom - top) * k / down
        canvas.paint(rect(left, y - half, right, y + half), dark, opacity=0.6)
