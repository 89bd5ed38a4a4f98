"""Colours, light and materials, and the camera's last word: exposure, tint and sensor noise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from sdm_bench.toy.canvas import Canvas, Colour, Material, Paint, Patch
from sdm_bench.toy.dice import Dice
from sdm_bench.toy.shapes import Bounds


@cache
def rgb(code: int) -> Colour:
    """The colour of a hexadecimal RGB code; not to be written to."""
    return _colour([(code >> 16) / 255, (code >> 8 & 255) / 255, (code & 255) / 255])


def _colour(channels: list[float]) -> Colour:
    return np.array(channels, np.float32).reshape(3, 1, 1)


def mix(a: Colour, b: Colour, share: float | np.ndarray) -> Colour:
    """`a` where `share` is 0, `b` where it is 1."""
    return a + (b - a) * share


def vary(dice: Dice, colour: Colour, amount: float = 0.06) -> Colour:
    """The colour a little lighter or darker and a little off in hue."""
    level = 1 + dice.between(-1.5, 1.5) * amount
    channels = colour.ravel().tolist()
    return _colour([min(max(c * level + dice.between(-0.6, 0.6) * amount, 0), 1) for c in channels])


def pick(dice: Dice, codes: Sequence[int], amount: float = 0.05) -> Colour:
    """One of the colours, varied."""
    return vary(dice, rgb(dice.choice(codes)), amount)


# How much of a colour is seen: float32, broadcasting to (h, w).
Factor = Callable[[Patch], np.ndarray]
WHITE, BLACK = rgb(0xFFFFFF), rgb(0x000000)


@dataclass(frozen=True)
class Light:
    """Time of day and weather.

    side: -1 light from the left, 1 from the right. sun: 0 overcast to 1 glaring. density: of the haze a unit of depth.
    """

    side: float
    sun: float
    density: float
    exposure: float
    cover: float
    tint: Colour
    haze: Colour
    sky_top: Colour
    sky_low: Colour
    cloud: Colour

    def shade(self, amount: float) -> float:
        """The factor for a surface that faces the light (1), or away from it (-1)."""
        return 1 + amount * (0.07 + 0.2 * self.sun)


def softened(light: Light) -> Light:
    """The same day in a room or a studio: paler and brighter."""
    return replace(light, tint=mix(light.tint, WHITE, 0.5), exposure=min(1.08, light.exposure + 0.12))


# sun, cover, exposure, tint, haze, sky above, sky at the horizon, cloud
_WEATHER = {
    "clear": (1.0, -0.6, 1.04, 0xFFFBF2, 0xC3D6E6, 0x3F7CC4, 0xBBD8EE, 0xF7FAFC),
    "cloudy": (0.6, 0.3, 1.0, 0xFCFCFC, 0xC9D2DA, 0x5D8ABC, 0xC3D4E0, 0xEEF1F4),
    "overcast": (0.12, 1.6, 0.92, 0xF4F8FF, 0xBFC5CB, 0xAEB9C4, 0xD3D8DC, 0xC0C7CE),
    "evening": (0.85, -0.1, 0.98, 0xFFE9CB, 0xEBCBA2, 0x6F8FBE, 0xF7CF9C, 0xFBD9B4),
    "dusk": (0.1, 0.4, 0.84, 0xE6E8FA, 0x9A9CB4, 0x5A6A98, 0xD8B4AC, 0x8A8CA6),
}


def daylight(look: Dice) -> Light:
    """A time of day and weather."""
    weather = look.choice(("clear", "clear", "cloudy", "cloudy", "overcast", "evening", "dusk"))
    sun, cover, exposure, tint, haze, top, low, cloud = _WEATHER[weather]
    return Light(
        side=look.sign() * look.between(0.5, 1),
        sun=sun * look.between(0.7, 1),
        density=look.between(0.012, 0.045),
        exposure=exposure * look.between(0.9, 1.08),
        cover=cover + look.between(-0.4, 0.4),
        tint=vary(look, rgb(tint), 0.015),
        haze=vary(look, rgb(haze), 0.03),
        sky_top=vary(look, rgb(top), 0.05),
        sky_low=vary(look, rgb(low), 0.03),
        cloud=vary(look, rgb(cloud), 0.02),
    )


def sky(light: Light, horizon: float) -> Paint:
    """The sky above a horizon at y = `horizon`: a gradient and clouds, flatter towards the horizon."""

    def material(p: Patch) -> Colour:
        height = np.clip(1 - p.y / horizon, 0, 1)
        blue = mix(light.sky_low, light.sky_top, height**0.8)
        drift = p.cloud(1.6, 4.5) + light.cover
        lit = mix(light.cloud, light.cloud * 0.82, np.clip(p.noise(2, 6) * 0.5 + 0.3, 0, 1))
        return mix(blue, lit, np.clip(drift * 0.7 - 0.15, 0, 0.92) * (0.35 + 0.65 * height))

    return material


def relief(bounds: Bounds, light: Light, depth: float = 1.0) -> Factor:
    """The light on a rounded body within `bounds`: more towards the light and above, less away from it and below."""
    left, top, right, bottom = bounds
    sideways = light.side * (0.05 + 0.15 * light.sun) * depth * 2 / max(right - left, 1e-6)
    upwards = 0.16 * depth / max(bottom - top, 1e-6)
    middle, level = (left + right) / 2, 1 + 0.08 * depth

    return lambda p: (level - upwards * (p.y - top)) + sideways * (p.x - middle)


def solid(colour: Colour, bounds: Bounds, light: Light, depth: float = 1.0, grain: float = 0.0) -> Paint:
    """A rounded body of one colour, with grain."""
    factor = relief(bounds, light, depth)
    if grain:
        return lambda p: colour * (factor(p) + grain * p.noise(64))
    return lambda p: colour * factor(p)


def foliage(colour: Colour, bounds: Bounds, light: Light, leaf: float = 22.0) -> Paint:
    """Leaves: clumps lit from above and from the light's side, dark between them."""
    factor = relief(bounds, light, depth=1.5)
    shadow, gleam = colour * np.float32(0.5), np.clip(colour * 1.3 + 0.07, 0, 1)

    def material(p: Patch) -> Colour:
        clumps = p.noise(leaf) * 0.16 + p.noise(leaf * 2) * 0.14 + p.noise(leaf * 4) * 0.1
        return mix(shadow, gleam, np.clip(0.52 + clumps, 0, 1)) * factor(p)

    return material


def gradient(above: Colour, under: Colour, top: float, bottom: float) -> Paint:
    """From one colour at y = `top` to another at y = `bottom`."""
    return lambda p: mix(above, under, np.clip((p.y - top) / (bottom - top), 0, 1))


def faded(colour: Colour, light: Light, depth: float | np.ndarray) -> Colour:
    """The colour seen through `depth` units of air."""
    return mix(colour, light.haze, 1 - np.exp(-light.density * depth))


def hazed(material: Material, light: Light, depth: float) -> Material:
    """The material seen through `depth` units of air."""
    if callable(material):
        return lambda p: faded(material(p), light, depth)
    return faded(material, light, depth)


def bars(u: np.ndarray, low: float, high: float, soft: float = 0.05) -> np.ndarray:
    """1 where the fraction of `u` lies in low..high, 0 elsewhere, with edges `soft` wide."""
    fraction = u - np.floor(u)
    middle, half = (low + high) / 2, (high - low) / 2
    away = np.abs(fraction - middle)
    return np.clip((half - np.minimum(away, 1 - away)) / soft + 0.5, 0, 1)


def photograph(canvas: Canvas, light: Light, vignette: float = 0.12) -> np.ndarray:
    """uint8 (H, W, 3): the painted picture through a lens onto a sensor with a little noise."""
    picture = canvas.averaged() * (light.tint * light.exposure)
    height, width = picture.shape[1:]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    picture *= 1 - vignette * (x * x + y * y) * 0.5
    picture = picture + canvas.look.lattice("sensor", picture.shape) * 0.008
    contrasted = np.clip(picture, 0, 1)
    contrasted = contrasted + 0.12 * contrasted * (1 - contrasted) * (2 * contrasted - 1)
    return np.ascontiguousarray((contrasted * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0))
