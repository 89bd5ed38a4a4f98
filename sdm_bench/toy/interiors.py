"""Rooms furnished: what makes a bedroom, a living room, a kitchen."""

import numpy as np

from sdm_bench.toy import rooms
from sdm_bench.toy.canvas import Canvas, one_thing
from sdm_bench.toy.ids import Place as Id
from sdm_bench.toy.paint import Light, daylight, pick, rgb, softened, solid, vary
from sdm_bench.toy.rooms import FABRIC, TIMBER, Room, block
from sdm_bench.toy.shapes import ellipse, rect


def bedroom(canvas: Canvas) -> Light:
    """A bed with its head at the back wall, bedside tables, a wardrobe."""
    dice, look = canvas.geometry, canvas.look
    room, light = Room.drawn(dice), softened(daylight(look))
    rooms.shell(canvas, room, light)
    side = dice.sign()
    rooms.window(canvas, room, light, -side * dice.between(0.55, 0.8), dice.chance(0.7))
    middle = side * dice.between(0.2, 0.5)
    if dice.chance(0.7):
        rooms.picture(canvas, room, middle)
    if dice.chance(0.5):
        rooms.door(canvas, room, -side)
    if dice.chance(0.5):
        rooms.rug(canvas, room, middle - side * 0.3, 1.7)
    _cabinet(canvas, room, light, -side)
    _bedside(canvas, room, light, middle - side * 0.68)
    _bed(canvas, room, light, middle)
    return light


@one_thing
def _bed(canvas: Canvas, room: Room, light: Light, middle: float) -> None:
    dice, look, half = canvas.geometry, canvas.look, 0.52
    timber, cover, sheet = pick(look, TIMBER), pick(look, FABRIC), vary(look, rgb(0xE9E4DC), 0.03)
    near = room.back - dice.between(1.25, 1.6)
    frame = (middle - half, middle + half, 0.0, 0.22, near, room.back)
    rooms.under(canvas, room, frame)
    block(canvas, room, light, (middle - half, middle + half, 0.1, 0.8, room.back - 0.06, room.back), timber, Id.BED)
    block(canvas, room, light, frame, timber, Id.BED)
    block(canvas, room, light, (middle - half, middle + half, 0.2, 0.42, near, room.back - 0.05), cover, Id.BED)
    canvas.paint(room.camera.strip(middle - half, middle + half, room.back - 0.6, room.back - 0.05, 0.42), sheet)
    for offset in (-0.25, 0.25):
        x, y = room.camera.at(middle + offset, 0.5, room.back - 0.3)
        pillow = ellipse(x, y, 0.22 / room.back, 0.12 / room.back, 3.0)
        canvas.paint(pillow, solid(sheet * 0.97, pillow.bounds, light, 1.2), Id.PILLOW)


@one_thing
def _bedside(canvas: Canvas, room: Room, light: Light, across: float) -> None:
    box = (across - 0.17, across + 0.17, 0.0, 0.4, room.back - 0.3, room.back)
    rooms.under(canvas, room, box)
    block(canvas, room, light, box, pick(canvas.look, TIMBER), Id.TABLE)
    rooms.lamp(canvas, room, across, room.back - 0.15, 0.4, 0.78)


def _cabinet(canvas: Canvas, room: Room, light: Light, side: int) -> None:
    """A cabinet at the back, in a corner."""
    wall, wide = (room.left, room.right)[side > 0], canvas.geometry.between(0.5, 0.7)
    left, right = sorted((wall, wall - side * wide))
    high = canvas.geometry.choice((0.75, 1.5))
    box = (left, right, 0.0, high, room.back - 0.4, room.back)
    rooms.under(canvas, room, box)
    block(canvas, room, light, box, pick(canvas.look, TIMBER), Id.CABINET)
    rooms.lines(canvas, room.camera.front(left, right, 0, high, room.back - 0.4), 2, 1 if high > 1 else 3)


def living_room(canvas: Canvas) -> Light:
    """A sofa at the back wall, a low table on a rug, a lamp, a plant, a bookcase or a television."""
    dice, look = canvas.geometry, canvas.look
    room, light = Room.drawn(dice), softened(daylight(look))
    rooms.shell(canvas, room, light)
    side = dice.sign()
    middle = side * dice.between(0.1, 0.35)
    above = rooms.picture if dice.chance(0.5) else None
    if above:
        above(canvas, room, middle)
    else:
        rooms.window(canvas, room, light, middle, dice.chance(0.8))
    if dice.chance(0.6):
        rooms.door(canvas, room, side)
    if dice.chance(0.7):
        rooms.rug(canvas, room, middle, 1.65)
    corner = (room.left + 0.25, room.right - 0.25)[side < 0]
    if dice.chance(0.5):
        _bookcase(canvas, room, light, -side)
    elif dice.chance(0.5):
        rooms.plant(canvas, room, light, corner, room.back - 0.3)
    else:
        rooms.lamp(canvas, room, corner, room.back - 0.3, 0, 1.25)
    _sofa(canvas, room, light, middle)
    if dice.chance(0.7):
        _low_table(canvas, room, light, middle + dice.between(-0.2, 0.2))
    if dice.chance(0.4):
        _television(canvas, room, light, -side)
    else:
        rooms.plant(canvas, room, light, side * 1.0, 2.0)
    return light


@one_thing
def _sofa(canvas: Canvas, room: Room, light: Light, middle: float) -> None:
    dice, look = canvas.geometry, canvas.look
    cloth, half, back = pick(look, FABRIC), dice.between(0.6, 0.8), room.back - 0.1
    near = back - 0.6
    rooms.under(canvas, room, (middle - half, middle + half, 0, 0.4, near, back))
    block(canvas, room, light, (middle - half, middle + half, 0.05, 0.75, back - 0.15, back), cloth * 0.92, Id.SOFA)
    block(canvas, room, light, (middle - half, middle + half, 0.05, 0.36, near, back - 0.15), cloth, Id.SOFA)
    for side in (-1, 1):
        inner, outer = sorted((middle + side * (half - 0.14), middle + side * (half + 0.04)))
        block(canvas, room, light, (inner, outer, 0.05, 0.52, near, back), cloth * np.float32(0.97), Id.SOFA)
    for _ in range(dice.integer(1, 3)):
        x, y = room.camera.at(middle + dice.between(-half + 0.3, half - 0.3), 0.48, back - 0.2)
        cushion = rect(x - 0.045, y - 0.04, x + 0.045, y + 0.04, 0.02)
        canvas.paint(cushion, solid(pick(look, FABRIC), cushion.bounds, light, 1.3), Id.CUSHION)


@one_thing
def _low_table(canvas: Canvas, room: Room, light: Light, middle: float) -> None:
    timber, box = pick(canvas.look, TIMBER), (middle - 0.4, middle + 0.4, 0.26, 0.31, 1.9, 2.4)
    rooms.under(canvas, room, box)
    rooms.legs(canvas, room, (middle - 0.4, middle + 0.4, 0, 0.26, 1.92, 2.38), timber, Id.COFFEE_TABLE)
    block(canvas, room, light, box, timber, Id.COFFEE_TABLE)
    if canvas.geometry.chance(0.6):
        x, y = room.camera.at(middle, 0.31, 2.15)
        canvas.paint(rect(x - 0.02, y - 0.07, x + 0.02, y, 0.01), pick(canvas.look, FABRIC), Id.UNKNOWN)
        canvas.paint(ellipse(x, y - 0.09, 0.035, 0.03), rgb(0xC84A5A), Id.FLOWER)


@one_thing
def _bookcase(canvas: Canvas, room: Room, light: Light, side: int) -> None:
    wall = (room.left, room.right)[side > 0]
    left, right = sorted((wall, wall - side * 0.55))
    timber, front = pick(canvas.look, TIMBER), room.back - 0.28
    box = (left, right, 0.0, 1.4, front, room.back)
    rooms.under(canvas, room, box)
    block(canvas, room, light, box, timber, Id.BOOKCASE)
    for shelf in range(4):
        low, at = 0.08 + 0.33 * shelf, left + 0.04
        canvas.paint(room.camera.front(left + 0.03, right - 0.03, low, low + 0.27, front), timber * 0.45)
        while at < right - 0.1:
            wide, tall = canvas.look.between(0.035, 0.07), canvas.look.between(0.18, 0.25)
            book = room.camera.front(at, at + wide, low, low + tall, front)
            canvas.paint(book, pick(canvas.look, FABRIC, 0.12), opacity=0.95)
            at += wide + 0.01


@one_thing
def _television(canvas: Canvas, room: Room, light: Light, side: int) -> None:
    wall = (room.left, room.right)[side > 0]
    left, right = sorted((wall - side * 0.05, wall - side * 0.4))
    box = (left, right, 0.0, 0.4, 1.9, 2.8)
    rooms.under(canvas, room, box)
    block(canvas, room, light, box, pick(canvas.look, TIMBER), Id.CABINET)
    screen = wall - side * 0.2
    canvas.paint(room.camera.facade(screen, 2.0, 2.7, 0.45, 0.95), rgb(0x15171A), Id.TELEVISION)
    canvas.paint(room.camera.facade(screen, 2.04, 2.66, 0.49, 0.91), vary(canvas.look, rgb(0x2C3E58), 0.2))


def kitchen(canvas: Canvas) -> Light:
    """Cupboards above and below a worktop, a stove, a refrigerator, a table with chairs."""
    dice, look = canvas.geometry, canvas.look
    room, light = Room.drawn(dice), softened(daylight(look))
    rooms.shell(canvas, room, light)
    side = dice.sign()
    cupboard = pick(look, (0xE3DED2, 0x8FA3A0, 0xA67C52, 0x6E7F96, 0xC9B18A))
    fridge = (room.left, room.right)[side > 0]
    start, end = sorted((fridge - side * 0.55, (room.right, room.left)[side > 0]))
    front = room.back - 0.4
    rooms.window(canvas, room, light, (start + end) / 2, False)
    _wall_cupboards(canvas, room, light, (start, end), cupboard)
    box = (start, end, 0.0, 0.62, front, room.back)
    block(canvas, room, light, box, cupboard, Id.CABINET)
    rooms.lines(canvas, room.camera.front(start, end, 0.05, 0.62, front), 5, 2)
    top = vary(look, rgb(0x5A5450), 0.1)
    block(canvas, room, light, (start, end, 0.62, 0.68, front - 0.03, room.back), top, Id.COUNTERTOP)
    _stove(canvas, room, light, start + (end - start) * dice.between(0.25, 0.7), front)
    _refrigerator(canvas, room, light, side)
    if dice.chance(0.8):
        _dining(canvas, room, light, dice.between(-0.3, 0.3))
    return light


@one_thing
def _refrigerator(canvas: Canvas, room: Room, light: Light, side: int) -> None:
    wall = (room.left, room.right)[side > 0]
    left, right = sorted((wall, wall - side * 0.52))
    near, white = room.back - 0.45, vary(canvas.look, rgb(0xDDE0E2))
    block(canvas, room, light, (left, right, 0, 1.35, near, room.back), white, Id.REFRIGERATOR)
    rooms.lines(canvas, room.camera.front(left, right, 0, 1.35, near), 1, 3)


def _wall_cupboards(canvas: Canvas, room: Room, light: Light, span: tuple[float, float], colour: np.ndarray) -> None:
    start, end = span
    for left, right in ((start, start + 0.45), (end - 0.45, end)):
        block(
            canvas, room, light, (left, right, 1.1, room.high - 0.25, room.back - 0.22, room.back), colour, Id.CABINET
        )
        rooms.lines(canvas, room.camera.front(left, right, 1.1, room.high - 0.25, room.back - 0.22), 2, 1)


@one_thing
def _stove(canvas: Canvas, room: Room, light: Light, middle: float, front: float) -> None:
    steel = vary(canvas.look, rgb(0xB9BDC0))
    block(canvas, room, light, (middle - 0.22, middle + 0.22, 0.02, 0.69, front - 0.04, room.back), steel, Id.STOVE)
    canvas.paint(room.camera.front(middle - 0.16, middle + 0.16, 0.15, 0.45, front - 0.04), rgb(0x1C1D20))
    for k in range(4):
        x, y = room.camera.at(middle - 0.15 + 0.1 * k, 0.58, front - 0.04)
        canvas.paint(ellipse(x, y, 0.009, 0.009), rgb(0x26262A))


def _dining(canvas: Canvas, room: Room, light: Light, middle: float) -> None:
    """A table between two chairs."""
    for side in (-1, 1):
        _chair(canvas, room, light, middle + side * 0.72, 2.1)
    _table(canvas, room, light, middle)


@one_thing
def _table(canvas: Canvas, room: Room, light: Light, middle: float) -> None:
    timber = pick(canvas.look, TIMBER)
    rooms.under(canvas, room, (middle - 0.45, middle + 0.45, 0, 0, 1.85, 2.35))
    rooms.legs(canvas, room, (middle - 0.48, middle + 0.48, 0, 0.5, 1.82, 2.38), timber, Id.TABLE)
    block(canvas, room, light, (middle - 0.5, middle + 0.5, 0.5, 0.56, 1.8, 2.4), timber, Id.TABLE)


@one_thing
def _chair(canvas: Canvas, room: Room, light: Light, middle: float, depth: float) -> None:
    timber = pick(canvas.look, TIMBER)
    seat = (middle - 0.16, middle + 0.16, 0.34, 0.39, depth, depth + 0.3)
    rooms.under(canvas, room, seat)
    rooms.legs(canvas, room, (middle - 0.16, middle + 0.16, 0, 0.34, depth, depth + 0.3), timber, Id.CHAIR)
    back = (middle - 0.16, middle + 0.16, 0.39, 0.8, depth + 0.27, depth + 0.3)
    block(canvas, room, light, back, timber * 0.95, Id.CHAIR)
    block(canvas, room, light, seat, timber, Id.CHAIR)
