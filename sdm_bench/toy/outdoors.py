"""Open places with the ids of ADE20K: a lake, a beach, a house in the country, a city."""

import numpy as np

from sdm_bench.toy import land
from sdm_bench.toy.canvas import Canvas, Colour, Patch
from sdm_bench.toy.houses import PLASTER, ROOF, WOOD, block, town
from sdm_bench.toy.ids import Place as Id
from sdm_bench.toy.paint import Light, bars, daylight, hazed, mix, pick, rgb, solid, vary
from sdm_bench.toy.props import Spot, bush, figure, tree, walking
from sdm_bench.toy.shapes import Shape, ellipse, polygon, rect
from sdm_bench.toy.traffic import side_car


def lake(canvas: Canvas) -> Light:
    """Mountains behind water, a meadow or rocks in front."""
    dice, light = canvas.geometry, daylight(canvas.look)
    horizon = dice.between(0.42, 0.52)
    land.air(canvas, light, horizon, Id.SKY)
    land.mountains(canvas, light, horizon + 0.02, dice.between(0.2, 0.36), Id.MOUNTAIN, dice.chance(0.7))
    if dice.chance(0.5):
        land.hills(canvas, light, horizon + 0.03, dice.between(0.07, 0.13), Id.HILL)
    land.woods(canvas, light, horizon + 0.03, dice.between(0.05, 0.1), Id.TREE)
    shore = dice.between(0.68, 0.8)
    land.water(canvas, light, horizon + 0.03, shore + 0.1, Id.WATER)
    xs = np.linspace(-0.1, 1.1, 9)
    bank = _bank(dice.floats(9, shore - 0.04, shore + 0.04), xs)
    land.plain(canvas, light, shore, Id.GRASS, land.MEADOW, over=bank)
    for _ in range(dice.integer(1, 4)):
        _rock(canvas, light, dice.between(0.05, 0.95), dice.between(shore + 0.02, 0.95), dice.between(0.04, 0.1))
    x = dice.between(0.05, 0.25) if dice.chance(0.5) else dice.between(0.75, 0.95)
    tree(canvas, light, dice, canvas.look, Spot(x, shore + 0.1, dice.between(0.5, 0.75), Id.TREE))
    return light


def _bank(ys: list[float], xs: np.ndarray) -> Shape:
    from sdm_bench.toy.shapes import below

    return below(xs.tolist(), ys)


def _rock(canvas: Canvas, light: Light, x: float, y: float, size: float) -> None:
    shape = (ellipse(x, y, size, 0.7 * size, 2.6) & rect(-1, -1, 2, y + 0.25 * size)).rough(0.1 * size, 16)
    canvas.paint(shape, solid(pick(canvas.look, land.ROCK), shape.bounds, light, 2, grain=0.05), Id.ROCK)


def beach(canvas: Canvas) -> Light:
    """The sea, sand, somebody on it, perhaps a boat."""
    dice, look = canvas.geometry, canvas.look
    light = daylight(look)
    horizon, shore = dice.between(0.35, 0.5), dice.between(0.6, 0.72)
    land.air(canvas, light, horizon, Id.SKY)
    if dice.chance(0.5):
        land.hills(canvas, light, horizon + 0.005, dice.between(0.06, 0.14), Id.HILL, 8)
    land.water(canvas, light, horizon, shore + 0.1, Id.SEA)
    if dice.chance(0.6):
        x, y = dice.between(0.15, 0.85), horizon + dice.between(0.03, 0.12)
        boat(canvas, light, Spot(x, y, dice.between(0.1, 0.18), Id.BOAT, canvas.new_thing()))
    land.plain(canvas, light, shore, Id.SAND, land.SAND, 0.06)
    land.surf(canvas, shore, Id.SEA)
    if dice.chance(0.5):
        _rock(canvas, light, dice.between(0, 1), shore + 0.03, dice.between(0.06, 0.13))
    for _ in range(dice.integer(1, 3)):
        y = dice.between(shore + 0.05, 0.95)
        spot = Spot(dice.between(0.1, 0.9), y, 0.12 + 0.5 * (y - shore), Id.PERSON, canvas.new_thing())
        figure(canvas, light, look, spot, walking(dice))
    return light


def boat(canvas: Canvas, light: Light, spot: Spot) -> None:
    """A sailing boat; `height` is its length."""
    x, y, long = spot.x, spot.y, spot.height
    look, half = canvas.look, spot.height / 2
    sail = vary(look, rgb(0xF2EEE4), 0.04)
    canvas.paint(rect(x - 0.02 * long, y - 1.35 * long, x + 0.02 * long, y), rgb(0x5A4632), spot.label, spot.thing)
    for side, top, reach in ((1, 1.3, 0.9), (-1, 1.1, 0.8)):
        mast, foot = x + side * 0.05 * long, y - 0.25 * long
        cloth = polygon((mast, y - top * long), (mast, foot), (x + side * reach * half, foot))
        canvas.paint(cloth, sail * light.shade(side * light.side * 0.5), spot.label, spot.thing)
    deck, keel = y - 0.2 * long, y + 0.05 * long
    hull = polygon((x - half, deck), (x + half, deck), (x + 0.7 * half, keel), (x - 0.7 * half, keel))
    paint = pick(look, (0x8A2F2A, 0x2A4A7A, 0xE6E2DA, 0x3A3A3E))
    canvas.paint(hull, solid(paint, hull.bounds, light), spot.label, spot.thing)


def country_house(canvas: Canvas) -> Light:
    """A house behind a fence, a path to its door, trees and a lawn."""
    dice, look = canvas.geometry, canvas.look
    light = daylight(look)
    ground = dice.between(0.58, 0.68)
    land.air(canvas, light, ground, Id.SKY)
    land.hills(canvas, light, ground + 0.01, dice.between(0.08, 0.16), Id.FIELD if dice.chance(0.5) else Id.HILL)
    land.grove(canvas, light, ground - 0.01, dice.integer(1, 3), Id.TREE, (0.25, 0.4))
    land.plain(canvas, light, ground, Id.GRASS, land.MEADOW)
    middle, half = dice.between(0.3, 0.7), dice.between(0.2, 0.28)
    foot, high = ground + 0.06, dice.between(0.2, 0.28)
    lane = dice.between(-0.15, 0.15)
    path = polygon(
        (middle - 0.03, foot), (middle + 0.03, foot), (middle + lane + 0.16, 1.05), (middle + lane - 0.16, 1.05)
    )
    canvas.paint(path, hazed(pick(look, land.EARTH), light, 0), Id.PATH)
    _house(canvas, light, (middle, foot, half, high))
    for x in (middle - half - 0.05, middle + half + 0.05):
        if dice.chance(0.6):
            bush(canvas, light, dice, look, Spot(x, foot + 0.02, 0.1, Id.PLANT), 1.3)
    if dice.chance(0.5):
        fence(canvas, light, foot + 0.06, (middle + lane * 0.3 - 0.08, middle + lane * 0.3 + 0.08), Id.FENCE)
    x = dice.choice((dice.between(-0.02, 0.15), dice.between(0.85, 1.02)))
    tree(canvas, light, dice, look, Spot(x, foot + 0.12, dice.between(0.55, 0.8), Id.TREE))
    return light


def _house(canvas: Canvas, light: Light, place: tuple[float, float, float, float]) -> None:
    x, foot, half, high = place
    look, wall, tiles = canvas.look, pick(canvas.look, PLASTER), pick(canvas.look, ROOF)
    front = rect(x - half, foot - high, x + half, foot)
    canvas.paint(front, solid(wall, front.bounds, light, 0.7), Id.HOUSE)
    top = foot - high
    roof = polygon(
        (x - half - 0.03, top), (x + half + 0.03, top), (x + 0.65 * half, top - 0.17), (x - 0.65 * half, top - 0.17)
    )
    canvas.paint(rect(x + 0.3 * half, top - 0.22, x + 0.3 * half + 0.045, top - 0.08), tiles * 0.8, Id.HOUSE)
    canvas.paint(roof, lambda p: tiles * (1 - 0.14 * bars(p.y * 45, 0, 0.3, 0.2)), Id.HOUSE)
    glass = mix(rgb(0x2F3A46), light.sky_low, 0.25)
    for at in (-0.62, 0.62):
        left, right = x + at * half - 0.045, x + at * half + 0.045
        canvas.paint(rect(left - 0.012, foot - 0.72 * high, right + 0.012, foot - 0.3 * high), rgb(0xEFEBE2))
        canvas.paint(rect(left, foot - 0.68 * high, right, foot - 0.34 * high), glass, Id.WINDOW)
        canvas.paint(
            rect(x + at * half - 0.004, foot - 0.68 * high, x + at * half + 0.004, foot - 0.34 * high), rgb(0xEFEBE2)
        )
    canvas.paint(rect(x - 0.04, foot - 0.62 * high, x + 0.04, foot), pick(look, WOOD), Id.DOOR)


def fence(canvas: Canvas, light: Light, y: float, gate: tuple[float, float], label: int) -> None:
    """A fence that stands on y = `y`, open between the two x of its gate."""
    paint = pick(canvas.look, (0xEDEAE2, 0x8C7458, 0x6F6A60))
    high = 0.11
    for left, right in ((-0.1, gate[0]), (gate[1], 1.1)):
        shape = rect(left, y - high, right, y)

        def pickets(p: Patch) -> Colour:
            rails = np.maximum(bars((p.y - y) / high, 0.2, 0.32), bars((p.y - y) / high, 0.65, 0.77))
            slat = np.maximum(bars(p.x * 22, 0, 0.5, 0.15), rails)
            return mix(rgb(0x5F7A40), paint * light.shade(0.3), slat)

        canvas.paint(shape, pickets, label)


def pavement(canvas: Canvas, top: float, bottom: float, label: int) -> None:
    """Flagstones between two heights in the frame."""
    stone = pick(canvas.look, (0xA8A39A, 0x9A958E, 0xB4AEA2))
    canvas.paint(rect(-1, top, 2, bottom), lambda p: stone * (1 - 0.12 * bars(p.x * 8 + p.y * 3, 0, 0.06)), label)


def roadway(canvas: Canvas, top: float, label: int) -> None:
    """Asphalt from y = `top` down, with a dashed line."""
    tar = pick(canvas.look, (0x5E5F62, 0x6A6865, 0x54565C))
    lane = (top + 1) / 2
    canvas.paint(rect(-1, top, 2, 2), lambda p: tar * (1 + 0.04 * p.noise(16, 64)), label)
    dashes = rect(-1, lane, 2, lane + 0.015)
    canvas.paint(dashes, lambda p: mix(tar, rgb(0xE6E4DC), bars(p.x * 4, 0, 0.5)))


def track(canvas: Canvas, y: float, label: int) -> None:
    """Rails on gravel and sleepers around y = `y`."""
    gravel = pick(canvas.look, land.ROCK)
    canvas.paint(rect(-1, y - 0.03, 2, y + 0.07), lambda p: gravel * (1 + 0.1 * p.noise(64)), label)
    canvas.paint(rect(-1, y, 2, y + 0.05), lambda p: mix(gravel, rgb(0x5A4632), bars(p.x * 14, 0, 0.4)))
    for rail in (y + 0.008, y + 0.038):
        canvas.paint(rect(-1, rail, 2, rail + 0.008), rgb(0xB0AEA8))


def city(canvas: Canvas) -> Light:
    """Towers behind a row of houses, a street with cars, people on the sidewalk."""
    dice, look = canvas.geometry, canvas.look
    light = daylight(look)
    kerb = dice.between(0.68, 0.76)
    land.air(canvas, light, kerb, Id.SKY)
    for x in dice.floats(dice.integer(2, 4), 0, 1):
        block(canvas, light, (x, kerb, dice.between(0.07, 0.12), dice.between(0.42, 0.66)), Id.SKYSCRAPER, tower=True)
    town(canvas, light, kerb, Id.BUILDING, (0.2, 0.4))
    walk = kerb + dice.between(0.06, 0.1)
    pavement(canvas, kerb, walk, Id.SIDEWALK)
    roadway(canvas, walk, Id.ROAD)
    for x in dice.floats(dice.integer(0, 2), 0, 1):
        tree(canvas, light, dice, look, Spot(x, walk - 0.02, dice.between(0.28, 0.4), Id.TREE))
    for x in dice.floats(dice.integer(0, 3), 0, 1):
        figure(
            canvas,
            light,
            look,
            Spot(x, walk - 0.02, dice.between(0.15, 0.18), Id.PERSON, canvas.new_thing()),
            walking(dice),
        )
    for x in dice.floats(dice.integer(1, 2), 0.1, 0.9):
        side_car(
            canvas,
            light,
            look,
            (x, dice.between(walk + 0.08, 0.96), dice.between(0.34, 0.44)),
            (Id.CAR, canvas.new_thing()),
        )
    return light
