"""Houses: their colours, and fronts with floors of windows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sdm_bench.toy.canvas import Canvas, Colour, Material, Patch
from sdm_bench.toy.dice import Dice
from sdm_bench.toy.paint import Light, bars, faded, mix, pick, rgb, vary
from sdm_bench.toy.shapes import rect

# Of a wall's samples: the column of windows, the height above ground, the depth.
Coordinates = Callable[[Patch], tuple[np.ndarray, np.ndarray, np.ndarray | float]]

PLASTER = (0xC9B79A, 0xB98A6A, 0xD6CDBB, 0x9E6B55, 0xA9A49A, 0xC2A06E, 0x8C6E60, 0xB7B3B8, 0xD8C08A)
CONCRETE = (0x8FA0B0, 0xA8B0B4, 0x7C8A9A, 0xB0A898)
ROOF = (0x7C4034, 0x5C4A48, 0x8F5540, 0x50545C)
WOOD = (0x7C6248, 0x8C8478, 0x5F6B5A, 0x9C9C98)


@dataclass(frozen=True)
class Style:
    """How a house is decorated. floors: of the whole height `high`; wide, tall: half a window's share of its cell."""

    high: float
    floors: int
    wide: float
    tall: float
    glass: Colour
    shop: Colour

    @staticmethod
    def drawn(look: Dice, light: Light, high: float) -> "Style":
        """Panes are dark with some sky in them; on dark days some are lit."""
        lit = light.sun < 0.2 and look.chance(0.5)
        dark = mix(vary(look, rgb(0x333D48)), light.sky_low, look.between(0.05, 0.25))
        return Style(
            high=high,
            floors=max(2, round(high / look.between(1.7, 2.3))),
            wide=look.between(0.22, 0.32),
            tall=look.between(0.25, 0.34),
            glass=vary(look, rgb(0xF2CF86)) if lit else dark,
            shop=pick(look, (0x6E4A3A, 0x3F5A6A, 0xA8A092, 0x7A3030, 0x4A5A44), 0.05),
        )

    def wall(self, colour: Colour, coordinates: Coordinates, light: Light) -> Material:
        """Floors of windows over a ground floor of its own, and a cornice, through the haze."""
        frame = np.clip(colour * 1.18 + 0.05, 0, 1)

        def material(p: Patch) -> Colour:
            u, up, depth = coordinates(p)
            v = up * (self.floors / self.high)
            pane = bars(u, 0.5 - self.wide, 0.5 + self.wide) * bars(v, 0.55 - self.tall, 0.55 + self.tall)
            rim = bars(u, 0.44 - self.wide, 0.56 + self.wide) * bars(v, 0.48 - self.tall, 0.62 + self.tall)
            wall = mix(colour * (1 + 0.03 * p.noise(64)), frame, rim * 0.7 + (v > self.floors - 0.18))
            wall = mix(mix(wall, self.shop, (v < 1) * np.float32(0.65)), self.glass, pane)
            return faded(wall, light, depth)

        return material


def block(canvas: Canvas, light: Light, place: tuple[float, float, float, float], label: int, tower: bool) -> None:
    """A house seen from its front: x of the middle, y of the ground, half its width, its height in the frame."""
    x, foot, half, high = place
    colour = pick(canvas.look, CONCRETE if tower else PLASTER)
    style = Style.drawn(canvas.look, light, high * (26 if tower else 18))
    columns, depth = max(2, round(half * 36)), 8.0 if tower else 1.0

    def coordinates(p: Patch) -> tuple[np.ndarray, np.ndarray, float]:
        return (p.x - x + half) * (columns / (2 * half)), (foot - p.y) * (style.high / high), depth

    canvas.paint(rect(x - half, foot - high, x + half, foot), style.wall(colour, coordinates, light), label)


def town(canvas: Canvas, light: Light, foot: float, label: int, high: tuple[float, float]) -> None:
    """A row of houses that stand on y = `foot`, with a gap here and there."""
    dice, at = canvas.geometry, -0.05
    while at < 1:
        half = dice.between(0.09, 0.16)
        place = (at + half, foot, half, dice.between(*high))
        if dice.chance(0.85):
            block(canvas, light, place, label, tower=False)
        at += 2 * half
