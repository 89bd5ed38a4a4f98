"""What stands or drives along a street that is seen from its side."""

import numpy as np

from sdm_bench.toy.canvas import Canvas
from sdm_bench.toy.dice import Dice
from sdm_bench.toy.ids import Thing as Id
from sdm_bench.toy.paint import BLACK, Light, mix, pick, rgb, solid
from sdm_bench.toy.props import RIDING, Spot, bicycle, figure
from sdm_bench.toy.shapes import ellipse, limb, polygon, rect, union
from sdm_bench.toy.vehicles import CAR_COLOURS, GLASS, RUBBER


def side_car(
    canvas: Canvas, light: Light, look: Dice, place: tuple[float, float, float], maps: tuple[int, int]
) -> None:
    """A car seen from its side. place: x of its middle, y of the ground, its length; maps: label and thing."""
    x, y, long = place
    label, thing = maps
    paint = pick(look, CAR_COLOURS, 0.04)
    unit = long / 4.2
    body = rect(x - 2.1 * unit, y - 0.85 * unit, x + 2.1 * unit, y - 0.25 * unit, 0.22 * unit)
    roof = polygon(
        (x - 1.5 * unit, y - 0.8 * unit), (x - 0.9 * unit, y - 1.38 * unit),
        (x + 0.55 * unit, y - 1.38 * unit), (x + 1.25 * unit, y - 0.8 * unit),
    )  # fmt: skip
    canvas.paint(ellipse(x, y, 2.2 * unit, 0.14 * unit), BLACK, opacity=0.55)
    canvas.paint(body | roof, solid(paint, (x - 2.1 * unit, y - 1.4 * unit, x + 2.1 * unit, y), light), label, thing)
    for start, end, lean in ((-1.28, -0.3, 0.36), (-0.18, 1.0, -0.5)):
        low, high = y - 0.84 * unit, y - 1.28 * unit
        left, right = x + start * unit, x + end * unit
        top = (left + max(lean, 0) * unit, high), (right + min(lean, 0) * unit, high)
        canvas.paint(polygon((left, low), top[0], top[1], (right, low)), mix(GLASS, light.sky_low, 0.2))
    for wheel in (-1.3, 1.3):
        canvas.paint(ellipse(x + wheel * unit, y - 0.3 * unit, 0.34 * unit, 0.34 * unit), RUBBER, label, thing)
        canvas.paint(ellipse(x + wheel * unit, y - 0.3 * unit, 0.18 * unit, 0.18 * unit), rgb(0x9A9DA2))
    canvas.paint(ellipse(x + 2.0 * unit, y - 0.65 * unit, 0.1 * unit, 0.1 * unit), rgb(0xFFF0C4))
    canvas.paint(ellipse(x - 2.02 * unit, y - 0.65 * unit, 0.08 * unit, 0.1 * unit), rgb(0xB02020))


def long_vehicle(canvas: Canvas, light: Light, place: tuple[float, float, float], kind: int, thing: int) -> None:
    """A bus, a truck or a train of length place[2], its middle at x = place[0] and its wheels at y = place[1]."""
    x, y, long = place
    look, high = canvas.look, long * (0.3 if kind != Id.TRAIN else 0.22)
    paint = pick(look, (0xB5262B, 0xD9A320, 0xE4E4DE, 0x2F6DB0, 0x3E8A5B))
    left, right, top, low = x - long / 2, x + long / 2, y - high, y - 0.12 * high
    glass = mix(GLASS, light.sky_low, 0.2)
    canvas.paint(ellipse(x, y, 0.52 * long, 0.08 * high), BLACK, opacity=0.5, soft=0.08 * high)
    if kind == Id.TRUCK:
        cab = x + 0.22 * long
        box = rect(left, top - 0.08 * high, cab - 0.02 * long, low)
        load = pick(look, (0xE6E4DE, 0x9FB4C6, 0xB8B08E, 0xC46A4A))
        canvas.paint(box, solid(load, box.bounds, light, 0.6), int(kind), thing)
        front = rect(cab, top + 0.22 * high, right, low, 0.1 * high)
        canvas.paint(front, solid(paint, front.bounds, light), int(kind), thing)
        canvas.paint(rect(cab + 0.1 * long, top + 0.3 * high, right - 0.015 * long, top + 0.58 * high), glass)
    else:
        body = rect(left, top, right, low, 0.14 * high)
        canvas.paint(body, solid(paint, body.bounds, light, 0.8), int(kind), thing)
        panes = 7 if kind == Id.BUS else 12
        for k in range(panes):
            start = left + (0.04 + 0.94 * k / panes) * long
            canvas.paint(
                rect(start, top + 0.16 * high, start + 0.75 * long / panes, top + 0.5 * high, 0.02 * high), glass
            )
        canvas.paint(rect(left, top + 0.6 * high, right, top + 0.68 * high), np.clip(paint * 1.5 + 0.1, 0, 1))
    wheels = (
        (0.2, 0.8) if kind == Id.BUS else (0.14, 0.26, 0.85) if kind == Id.TRUCK else (0.1, 0.17, 0.4, 0.6, 0.83, 0.9)
    )
    for at in wheels:
        size = 0.15 * high
        canvas.paint(ellipse(left + at * long, y - size, size, size), RUBBER, int(kind), thing)
        canvas.paint(ellipse(left + at * long, y - size, 0.5 * size, 0.5 * size), rgb(0x8D9196))


def side_bicycle(canvas: Canvas, light: Light, spot: Spot, rider: int) -> None:
    """Somebody on a bicycle; `rider` is the rider's label."""
    bicycle(canvas, light, canvas.look, spot, seen_from_side=True)
    body = Spot(spot.x - 0.1 * spot.height, spot.y - 0.25 * spot.height, 1.5 * spot.height, rider, canvas.new_thing())
    figure(canvas, light, canvas.look, body, RIDING)


def hydrant(canvas: Canvas, light: Light, spot: Spot) -> None:
    """A fire hydrant."""
    x, y, h = spot.x, spot.y, spot.height
    red = pick(canvas.look, (0xC8302A, 0xD8A82A, 0xB82A2A))
    parts = (
        rect(x - 0.17 * h, y - 0.75 * h, x + 0.17 * h, y), ellipse(x, y - 0.75 * h, 0.19 * h, 0.22 * h),
        rect(x - 0.32 * h, y - 0.62 * h, x + 0.32 * h, y - 0.45 * h), rect(x - 0.25 * h, y - 0.1 * h, x + 0.25 * h, y),
    )  # fmt: skip
    shape = union(*parts)
    canvas.paint(shape, solid(red, shape.bounds, light, 2), spot.label, spot.thing)
    canvas.paint(ellipse(x, y - 0.53 * h, 0.09 * h, 0.09 * h), red * 0.6)


def stop_sign(canvas: Canvas, spot: Spot) -> None:
    """An octagon on a pole."""
    x, y, h = spot.x, spot.y - spot.height, 0.14 * spot.height / 0.4
    canvas.paint(limb((x, spot.y), (x, y), 0.012), rgb(0x7A7E82), spot.label, spot.thing)
    for size, colour in ((1.0, 0xF0EEEA), (0.88, 0xB8202A)):
        corners = [(x + size * 0.5 * h * c, y + size * 0.5 * h * s) for c, s in _OCTAGON]
        canvas.paint(polygon(*corners), rgb(colour), spot.label, spot.thing)
    canvas.paint(rect(x - 0.32 * h, y - 0.1 * h, x + 0.32 * h, y + 0.1 * h), rgb(0xF0EEEA), opacity=0.9)


_OCTAGON = [(float(np.cos(a)), float(np.sin(a))) for a in np.pi / 8 + np.arange(8) * np.pi / 4]
