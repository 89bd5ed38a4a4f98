"""Food and dishes, and the table they stand on, with the ids of COCO-Stuff."""

from collections.abc import Callable

import numpy as np

from sdm_bench.toy.canvas import Canvas, Colour, Material, Patch
from sdm_bench.toy.ids import Thing as Id
from sdm_bench.toy.paint import BLACK, Light, bars, daylight, mix, pick, relief, rgb, softened, solid, vary
from sdm_bench.toy.props import CLOTH, LEAVES, Spot
from sdm_bench.toy.shapes import Shape, ellipse, everything, limb, polygon, rect, ring, union

# Paints something that stands at a spot whose `height` is about its size.
Maker = Callable[[Canvas, Light, Spot], None]


def _shade(canvas: Canvas, spot: Spot, wide: float) -> None:
    canvas.paint(ellipse(spot.x, spot.y, wide, 0.3 * wide), BLACK, opacity=0.4, soft=0.4 * wide)


def _round(canvas: Canvas, light: Light, spot: Spot, shape: Shape, material: Material) -> None:
    """A glossy body."""
    canvas.paint(shape, material, spot.label, spot.thing)
    left, top, right, bottom = shape.bounds
    wide, high = right - left, bottom - top
    x = (left + right) / 2 + 0.22 * light.side * wide
    canvas.paint(ellipse(x, top + 0.3 * high, 0.12 * wide, 0.12 * high), rgb(0xFFFFFF), opacity=0.45, soft=0.15 * wide)


def apple(canvas: Canvas, light: Light, spot: Spot) -> None:
    x, y, r = spot.x, spot.y, spot.height / 2
    _shade(canvas, spot, 1.1 * r)
    canvas.paint(limb((x, y - 1.8 * r), (x + 0.15 * r, y - 2.3 * r), 0.08 * r), rgb(0x4A3420), spot.label, spot.thing)
    shape = ellipse(x - 0.3 * r, y - r, 0.72 * r, r) | ellipse(x + 0.3 * r, y - r, 0.72 * r, r)
    red = pick(canvas.look, (0xB5262B, 0x8FA838, 0xC43A30, 0xD8B03A))
    _round(canvas, light, spot, shape, solid(red, shape.bounds, light, 2.2))


def orange(canvas: Canvas, light: Light, spot: Spot) -> None:
    r = spot.height / 2
    _shade(canvas, spot, 1.1 * r)
    shape = ellipse(spot.x, spot.y - r, r, r)
    _round(canvas, light, spot, shape, solid(vary(canvas.look, rgb(0xE8892A)), shape.bounds, light, 2.2, grain=0.03))


def banana(canvas: Canvas, light: Light, spot: Spot) -> None:
    x, y, h = spot.x, spot.y, spot.height
    _shade(canvas, spot, 0.7 * h)
    points = [(x + u * h, y - (0.14 + 0.75 * u * u) * h) for u in (-0.75, -0.4, 0, 0.4, 0.75)]
    radii = (0.05 * h, 0.14 * h, 0.17 * h, 0.14 * h, 0.05 * h)
    pieces = [limb(points[k], points[k + 1], radii[k], radii[k + 1]) for k in range(4)]
    shape = union(*pieces)
    canvas.paint(shape, solid(vary(canvas.look, rgb(0xE6C53A)), shape.bounds, light, 2.5), spot.label, spot.thing)
    canvas.paint(ellipse(*points[4], 0.07 * h, 0.07 * h), rgb(0x4A3A1E))


def cup(canvas: Canvas, light: Light, spot: Spot) -> None:
    x, y, h = spot.x, spot.y, spot.height
    _shade(canvas, spot, 0.5 * h)
    colour = pick(canvas.look, (*CLOTH, 0xF0EEE8, 0xF0EEE8), 0.05)
    side = canvas.geometry.sign()
    canvas.paint(
        ring(x + side * 0.45 * h, y - 0.5 * h, 0.2 * h, 0.25 * h, 0.1 * h), colour * 0.9, spot.label, spot.thing
    )
    wall = polygon((x - 0.42 * h, y - 0.92 * h), (x + 0.42 * h, y - 0.92 * h), (x + 0.34 * h, y), (x - 0.34 * h, y))
    shape = wall | ellipse(x, y, 0.34 * h, 0.1 * h) | ellipse(x, y - 0.92 * h, 0.42 * h, 0.12 * h)
    canvas.paint(shape, solid(colour, shape.bounds, light, 2), spot.label, spot.thing)
    canvas.paint(ellipse(x, y - 0.92 * h, 0.36 * h, 0.085 * h), rgb(0x4A2E1E))


def bowl(canvas: Canvas, light: Light, spot: Spot) -> None:
    x, y, h = spot.x, spot.y, spot.height
    _shade(canvas, spot, 0.6 * h)
    colour = pick(canvas.look, (0xE9E6E0, 0x4A6F9A, 0xB8704A, 0x8FA89A), 0.05)
    wall = ellipse(x, y - 0.5 * h, 0.8 * h, 0.52 * h) & rect(-9, y - 0.5 * h, 9, y)
    shape = wall | ellipse(x, y - 0.5 * h, 0.8 * h, 0.22 * h)
    canvas.paint(shape, solid(colour, shape.bounds, light, 2), spot.label, spot.thing)
    filling = pick(canvas.look, (0xC9582A, 0x7A9A3A, 0xD8B86A, 0xEDE6D4), 0.08)
    canvas.paint(ellipse(x, y - 0.5 * h, 0.7 * h, 0.17 * h), lambda p: filling * (1 + 0.15 * p.noise(64)))


def bottle(canvas: Canvas, light: Light, spot: Spot) -> None:
    x, y, h = spot.x, spot.y, 1.9 * spot.height
    _shade(canvas, spot, 0.17 * h)
    glass = pick(canvas.look, (0x2F5A3A, 0x5A3420, 0x9AB8C4, 0x2A3A6A))
    body = rect(x - 0.14 * h, y - 0.62 * h, x + 0.14 * h, y, 0.05 * h)
    shape = body | limb((x, y - 0.6 * h), (x, y - 0.95 * h), 0.1 * h, 0.045 * h)
    _round(canvas, light, spot, shape, solid(glass, shape.bounds, light, 2.4))
    canvas.paint(
        rect(x - 0.14 * h, y - 0.45 * h, x + 0.14 * h, y - 0.18 * h), pick(canvas.look, (0xEDE4CC, 0xC43A30, 0xE0B84A))
    )
    canvas.paint(rect(x - 0.05 * h, y - h, x + 0.05 * h, y - 0.92 * h), rgb(0x8A2A2A), spot.label, spot.thing)


def wine_glass(canvas: Canvas, light: Light, spot: Spot) -> None:
    x, y, h = spot.x, spot.y, 1.5 * spot.height
    glass = mix(rgb(0xDCE6EA), light.sky_low, 0.3)
    foot = ellipse(x, y, 0.2 * h, 0.05 * h) | rect(x - 0.022 * h, y - 0.45 * h, x + 0.022 * h, y)
    cup_shape = ellipse(x, y - 0.68 * h, 0.22 * h, 0.3 * h) & rect(-9, y - 0.92 * h, 9, y)
    canvas.paint(foot | cup_shape, glass, spot.label, spot.thing, opacity=0.75)
    wine = pick(canvas.look, (0x6A1426, 0xE0C878, 0x8A2A3A))
    canvas.paint(ellipse(x, y - 0.65 * h, 0.19 * h, 0.25 * h) & rect(-9, y - 0.7 * h, 9, y), wine, opacity=0.9)


def pizza(canvas: Canvas, light: Light, spot: Spot) -> None:
    x, y, h = spot.x, spot.y - 0.35 * spot.height, 1.3 * spot.height
    canvas.paint(ellipse(x, y + 0.06 * h, 1.05 * h, 0.45 * h), BLACK, opacity=0.35, soft=0.15 * h)
    crust = ellipse(x, y, h, 0.42 * h)
    canvas.paint(crust, solid(rgb(0xC98A48), crust.bounds, light, 1.2), spot.label, spot.thing)
    canvas.paint(ellipse(x, y - 0.02 * h, 0.86 * h, 0.34 * h), lambda p: rgb(0xE8BE5A) * (1 + 0.12 * p.noise(32)))
    for angle, far in zip(canvas.look.floats(9, 0, 6.28), canvas.look.floats(9, 0.15, 0.72), strict=True):
        at = x + far * h * float(np.cos(angle)), y - 0.02 * h + 0.4 * far * h * float(np.sin(angle))
        canvas.paint(ellipse(*at, 0.13 * h, 0.06 * h), pick(canvas.look, (0xB03A28, 0xB03A28, 0x4A7A34)))


def donut(canvas: Canvas, light: Light, spot: Spot) -> None:
    x, y, h = spot.x, spot.y - 0.3 * spot.height, 0.75 * spot.height
    canvas.paint(ellipse(x, y + 0.1 * h, 1.05 * h, 0.5 * h), BLACK, opacity=0.35, soft=0.2 * h)
    hole = ellipse(x, y - 0.06 * h, 0.26 * h, 0.1 * h)
    dough = ellipse(x, y, h, 0.52 * h)
    canvas.paint(dough - hole, solid(rgb(0xC98F52), dough.bounds, light, 1.5), spot.label, spot.thing)
    icing = ellipse(x, y - 0.1 * h, 0.9 * h, 0.38 * h) - hole
    canvas.paint(icing, pick(canvas.look, (0xE88AA8, 0x5A3420, 0xF0E6D8, 0xA8D0E0)))
    for u, v in zip(canvas.look.floats(10, -0.7, 0.7), canvas.look.floats(10, -0.28, 0.2), strict=True):
        drop = ellipse(x + u * h, y + (v - 0.05) * h, 0.05 * h, 0.03 * h) & icing
        canvas.paint(drop, pick(canvas.look, CLOTH, 0.1))


def cake(canvas: Canvas, light: Light, spot: Spot) -> None:
    x, y, h = spot.x, spot.y, spot.height
    _shade(canvas, spot, 0.95 * h)
    sponge, cream = pick(canvas.look, (0x6A4028, 0xD8B070, 0x9A3A42)), vary(canvas.look, rgb(0xF4EADC), 0.03)
    side = rect(x - 0.8 * h, y - 0.85 * h, x + 0.8 * h, y) | ellipse(x, y, 0.8 * h, 0.22 * h)
    lit = relief(side.bounds, light, 1.5)
    canvas.paint(
        side, lambda p: mix(sponge, cream, bars((p.y - y) / h * 2.6, 0.0, 0.3, 0.1)) * lit(p), spot.label, spot.thing
    )
    canvas.paint(ellipse(x, y - 0.85 * h, 0.8 * h, 0.22 * h), cream, spot.label, spot.thing)
    for k in range(5):
        at = x + 0.5 * h * float(np.cos(1.26 * k)), y - 0.9 * h + 0.13 * h * float(np.sin(1.26 * k))
        canvas.paint(ellipse(*at, 0.1 * h, 0.09 * h), rgb(0xC42A34), spot.label, spot.thing)


def vase(canvas: Canvas, light: Light, spot: Spot) -> None:
    """A vase; its flowers are painted by `bouquet`."""
    x, y, h = spot.x, spot.y, spot.height
    _shade(canvas, spot, 0.4 * h)
    shape = ellipse(x, y - 0.42 * h, 0.36 * h, 0.42 * h) | rect(x - 0.17 * h, y - 1.1 * h, x + 0.17 * h, y - 0.6 * h)
    glaze = pick(canvas.look, (0x4A6F9A, 0xE4DED2, 0x7A3A3A, 0x3F6A5A))
    _round(canvas, light, spot, shape, solid(glaze, shape.bounds, light, 2.2))


def bouquet(canvas: Canvas, spot: Spot, label: int) -> None:
    """Flowers over a vase."""
    x, y, h = spot.x, spot.y - 1.1 * spot.height, spot.height
    petals = pick(canvas.look, (0xD84A6A, 0xE8B83A, 0xEDE6F0, 0x8A5AB0, 0xE0703A))
    heads = [(x + u * h, y - v * h) for u, v in ((-0.45, 0.5), (-0.2, 0.85), (0.1, 0.6), (0.3, 0.95), (0.5, 0.5))]
    canvas.paint(union(*(limb((x, y + 0.1 * h), head, 0.04 * h) for head in heads)), pick(canvas.look, LEAVES), label)
    for head in heads:
        canvas.paint(ellipse(*head, 0.2 * h, 0.2 * h), petals, label)
        canvas.paint(ellipse(*head, 0.08 * h, 0.08 * h), petals * 0.5)


MEAL = {
    Id.APPLE: apple, Id.ORANGE: orange, Id.BANANA: banana, Id.CUP: cup,
    Id.BOWL: bowl, Id.BOTTLE: bottle, Id.WINE_GLASS: wine_glass,
    Id.PIZZA: pizza, Id.DONUT: donut, Id.CAKE: cake, Id.VASE: vase,
}  # fmt: skip


def meal(canvas: Canvas) -> Light:
    """Food and dishes on a table before a wall."""
    dice, look = canvas.geometry, canvas.look
    light, top = softened(daylight(look)), dice.between(0.38, 0.5)
    wall, pitch = pick(look, (0xC9BBA4, 0x9AA8A4, 0xD8CFC0, 0x8A7A6A, 0xB86F52)), look.between(14, 20)
    brick = dice.chance(0.4)
    joints = 0.2 if brick else 0.0

    def masonry(p: Patch) -> Colour:
        rows = p.y * pitch
        lines = np.maximum(bars(rows, 0, 0.14), bars(p.x * pitch / 2 + 0.5 * np.floor(rows), 0, 0.07))
        return wall * (1 + 0.02 * p.noise(16) - joints * lines + 0.2 * light.side * (p.x - 0.5))

    canvas.paint(everything(), masonry, Id.WALL_BRICK if brick else Id.WALL)
    if dice.chance(0.3):
        canvas.paint(rect(0.55, -1, 1.1, top - 0.08), mix(light.sky_low, rgb(0xFFFFFF), 0.3), Id.WINDOW)
    timber, grain = pick(look, (0x9A6E48, 0x7C5638, 0xD8CBB4, 0xB48A5C)), look.between(5, 9)
    table = rect(-1, top, 2, 2)

    def top_of_table(p: Patch) -> Colour:
        return timber * (1.08 - 0.2 * (p.y - top) + 0.05 * p.noise(4, 64) - 0.1 * bars(p.y * grain, 0, 0.05))

    canvas.paint(table, top_of_table, Id.DINING_TABLE, canvas.new_thing())
    places = [
        (x + dice.between(-0.04, 0.04), top + 0.1 + 0.22 * row + dice.between(0, 0.08))
        for row in range(3)
        for x in (0.2, 0.5, 0.8)
    ]
    for x, y in places:
        label = dice.choice(tuple(MEAL))
        size = dice.between(0.14, 0.18) * (0.75 + 0.8 * (y - top))
        if dice.chance(0.75):
            spot = Spot(x, y, size, label, canvas.new_thing())
            if label == Id.VASE:
                bouquet(canvas, spot, Id.FLOWER)
            MEAL[label](canvas, light, spot)
    return light
