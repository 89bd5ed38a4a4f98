"""People at play: with surfboards, skis and kites, under an umbrella."""

import numpy as np

from sdm_bench.toy.canvas import Canvas, Colour, Patch
from sdm_bench.toy.ids import Thing as Id
from sdm_bench.toy.paint import BLACK, Light, bars, mix, pick, rgb
from sdm_bench.toy.props import CLOTH, Spot, figure, walking
from sdm_bench.toy.shapes import ellipse, limb, polygon, rect


def person(canvas: Canvas, light: Light, x: float, y: float, high: float) -> None:
    """Somebody who walks or stands."""
    spot = Spot(x, y, high, Id.PERSON, canvas.new_thing())
    figure(canvas, light, canvas.look, spot, walking(canvas.geometry))


def kite(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A kite with a tail."""
    one, two = pick(canvas.look, CLOTH, 0.1), pick(canvas.look, CLOTH, 0.1)
    thing = canvas.new_thing()
    canvas.paint(limb((x, y + size), (x + 0.5 * size, y + 2.2 * size), 0.05 * size), two, Id.KITE, thing)
    canvas.paint(polygon((x, y - size), (x + 0.7 * size, y), (x, y + size), (x - 0.7 * size, y)), one, Id.KITE, thing)
    canvas.paint(polygon((x, y - size), (x + 0.7 * size, y), (x, y + size)), two)


def parasol(canvas: Canvas, light: Light, x: float, y: float, high: float) -> None:
    """A beach umbrella."""
    one, two, thing = pick(canvas.look, CLOTH, 0.08), rgb(0xF0ECE2), canvas.new_thing()
    canvas.paint(ellipse(x, y, 0.5 * high, 0.07 * high), BLACK, opacity=0.3, soft=0.1 * high)
    canvas.paint(rect(x - 0.025 * high, y - high, x + 0.025 * high, y), rgb(0x8A7A66), Id.UMBRELLA, thing)
    top = ellipse(x, y - 0.62 * high, 0.62 * high, 0.42 * high) & rect(-1, -1, 2, y - 0.62 * high)

    def panels(p: Patch) -> Colour:
        angle = (p.x - x) / np.maximum(0.62 * high * (0.25 + (p.y - y + high) / high), 1e-3)
        return mix(one, two, bars(angle * 2.5, 0, 0.5, 0.1)) * (1 + 0.12 * light.side * (p.x - x) / high)

    canvas.paint(top, panels, Id.UMBRELLA, thing)


def surfer(canvas: Canvas, light: Light, x: float, y: float) -> None:
    """Somebody beside an upright surfboard."""
    board, thing = pick(canvas.look, (0xE8D8A0, 0xD86A4A, 0x4AA0B8, 0xF0EEE8)), canvas.new_thing()
    shape = ellipse(x + 0.075, y - 0.19, 0.045, 0.2)
    canvas.paint(shape, board, Id.SURFBOARD, thing)
    canvas.paint(rect(x + 0.071, y - 0.37, x + 0.079, y - 0.01) & shape, board * 0.5)
    person(canvas, light, x, y, 0.34)


def skier(canvas: Canvas, light: Light, spot: Spot) -> None:
    """Somebody on skis or a snowboard, whose label the spot gives; its height is the person's."""
    x, y, high = spot.x, spot.y, spot.height
    board, skis = pick(canvas.look, CLOTH, 0.1), spot.label == Id.SKIS
    for shift in (0.0, 0.06) if skis else (0.03,):
        ends = (x - 0.42 * high, y + (shift - 0.05) * high), (x + 0.42 * high, y + (shift + 0.02) * high)
        canvas.paint(limb(*ends, 0.028 * high if skis else 0.06 * high), board, spot.label, spot.thing)
    person(canvas, light, x, y, high)
