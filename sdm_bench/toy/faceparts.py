"""The features of a toy portrait: skin, eyes, brows, nose, mouth, ears, what is worn on them."""

from math import copysign

import numpy as np

from sdm_bench.toy.canvas import Canvas, Colour, Paint, Patch
from sdm_bench.toy.ids import Face as Id
from sdm_bench.toy.paint import Light, mix, pick, rgb, solid
from sdm_bench.toy.shapes import Curve, Shape, band, ellipse, limb, melt, ring, union
from sdm_bench.toy.sitter import Head, Tones

RIMS = (0x1A1A1E, 0x4A2E22, 0x8A8478, 0x5A1E22, 0x2A3A5A)


def skin(tones: Tones, bounds: tuple[float, float, float, float], light: Light, depth: float = 1.2) -> Paint:
    """Skin on a rounded body, a little uneven."""
    body = solid(tones.skin, bounds, light, depth)
    return lambda p: body(p) * (1 + 0.018 * p.noise(8) + 0.012 * p.noise(64))


def strands(tones: Tones, head: Head, light: Light, curly: bool) -> Paint:
    """Hair: strands that fall from the crown, with a sheen on the light's side."""
    dark, bright = tones.hair * np.float32(0.6), np.clip(tones.hair * 1.25 + 0.05, 0, 1)

    def material(p: Patch) -> Colour:
        waves = p.noise(32) * 0.5 + p.noise(16) * 0.4 if curly else p.noise(64, 8) * 0.55 + p.noise(32, 4) * 0.5
        away = p.x - head.x - light.side * 0.1
        sheen = np.exp(-((p.y - head.y + 0.25 + away * away * 1.5) ** 2) * 90) * (0.2 + 0.4 * light.sun)
        side = light.side * 0.4 * (p.x - head.x)
        return mix(dark, bright, np.clip(0.42 + 0.3 * waves + sheen + side, 0, 1))

    return material


def face_outline(head: Head) -> Shape:
    """Forehead, cheeks and jaw."""
    middle = head.x + 0.012 * head.turn
    jaw = ellipse(middle, head.chin - 0.23, 0.84 * head.half, 0.23, 2.3)
    return melt(0.05, ellipse(head.x, head.y - 0.02, head.half, 0.27, 2.2), jaw)


def shade_face(canvas: Canvas, head: Head, tones: Tones, light: Light, face: Shape) -> None:
    """Cheeks, the side away from the light, the hollows of the eyes, sometimes stubble."""
    blush = mix(tones.skin, tones.lips, 0.55)
    for side in (-1, 1):
        x = head.nose + side * 0.6 * head.half
        canvas.paint(ellipse(x, head.y + 0.15, 0.045, 0.035), blush, opacity=0.4, soft=0.07)
        canvas.paint(ellipse(head.eye(side), head.y - 0.005, 0.05, 0.03), tones.skin * 0.72, opacity=0.4, soft=0.05)
    far = head.x - copysign(1, light.side) * (head.half + 0.11)
    canvas.paint(_within(ellipse(far, head.y + 0.1, 0.2, 0.5), face), tones.skin * 0.55, opacity=0.45, soft=0.2)
    if head.style not in ("long", "bob") and canvas.look.chance(0.4):
        beard = ellipse(head.x, head.chin - 0.1, 0.8 * head.half, 0.14) - ellipse(
            head.nose, head.chin - 0.14, 0.07, 0.04
        )
        canvas.paint(_within(beard, face), tones.hair * 0.8, opacity=canvas.look.between(0.25, 0.7), soft=0.035)


def _within(shape: Shape, face: Shape) -> Shape:
    """A soft shape that stays inside the face."""
    return Shape(shape.bounds, lambda p: np.maximum(shape.distance(p), face.distance(p) + 0.03))


def eyes(canvas: Canvas, head: Head, tones: Tones) -> None:
    """The whites, irises, pupils and lids."""
    open_by, gaze = canvas.geometry.between(0.02, 0.027), canvas.geometry.between(-0.008, 0.008)
    for side, label in ((1, Id.LEFT_EYE), (-1, Id.RIGHT_EYE)):
        x, y, wide = head.eye(side), head.y, 0.056 * (1 - 0.12 * side * head.turn)
        white = ellipse(x, y + 0.35 * open_by, wide, 1.35 * open_by) & ellipse(
            x, y - 0.35 * open_by, wide, 1.35 * open_by
        )
        canvas.paint(white, mix(rgb(0xE9E6E2), tones.skin, 0.22), label)
        iris = ellipse(x + gaze, y, 0.024, 0.024)
        canvas.paint(iris & white, tones.iris)
        canvas.paint(ellipse(x + gaze, y, 0.0095, 0.0095) & white, rgb(0x0C0B0C))
        canvas.paint(ellipse(x + gaze - 0.007, y - 0.007, 0.0045, 0.0045), rgb(0xFFFFFF))
        lid = band(
            x - wide, x + wide, _arc(x, y - 0.95 * open_by, wide, open_by), _arc(x, y - 0.6 * open_by, wide, open_by)
        )
        canvas.paint(lid, rgb(0x2A1C18), opacity=0.85)


def _arc(x: float, y: float, half: float, drop: float) -> Curve:
    """A parabola through (x, y) that is `drop` lower at x +- half."""
    k = drop / half**2
    return lambda at: y + k * (at - x) ** 2


def brows(canvas: Canvas, head: Head, tones: Tones) -> None:
    """Two brows, thicker towards the nose."""
    lift, thick, slant = (
        canvas.geometry.between(0.055, 0.075),
        canvas.geometry.between(0.009, 0.014),
        canvas.geometry.between(-0.01, 0.014),
    )
    colour = tones.hair * np.float32(0.7)
    for side, label in ((1, Id.LEFT_BROW), (-1, Id.RIGHT_BROW)):
        x, y = head.eye(side), head.y - lift
        inner, peak, outer = (x - side * 0.055, y + slant), (x + side * 0.02, y - 0.012), (x + side * 0.065, y + 0.01)
        shape = limb(inner, peak, thick, 0.9 * thick) | limb(peak, outer, 0.9 * thick, 0.5 * thick)
        canvas.paint(shape, lambda p: colour * (1 + 0.2 * p.noise(64, 32)), label)


def nose(canvas: Canvas, head: Head, tones: Tones, light: Light) -> None:
    """Bridge, tip and nostrils; its flank away from the light is darker."""
    x, top, tip = head.nose, head.y + 0.0, head.y + 0.175 + canvas.geometry.between(-0.015, 0.015)
    lean, wide = 0.012 * head.turn, canvas.geometry.between(0.026, 0.034)
    bridge = limb((head.nose - lean, top), (x + lean, tip), 0.017, wide)
    wings = union(*(ellipse(x + lean + side * 1.15 * wide, tip + 0.008, 0.6 * wide, 0.55 * wide) for side in (-1, 1)))
    shape = melt(0.02, bridge, wings)
    canvas.paint(shape, skin(tones, shape.bounds, light, 2.2), Id.NOSE)
    shadow = limb((x - lean - light.side * 0.02, top + 0.03), (x + lean - light.side * 1.1 * wide, tip), 0.007, 0.016)
    canvas.paint(shadow, tones.skin * 0.6, opacity=0.45, soft=0.03)
    gleam = limb((x + light.side * 0.004, top + 0.05), (x + lean + light.side * 0.006, tip - 0.012), 0.004, 0.009)
    canvas.paint(gleam, np.clip(tones.skin * 1.3, 0, 1), opacity=0.55, soft=0.02)
    for side in (-1, 1):
        canvas.paint(ellipse(x + lean + side * 0.55 * wide, tip + 0.02, 0.009, 0.006), tones.skin * 0.35, opacity=0.8)
    canvas.paint(ellipse(x + lean, tip + 0.036, 1.3 * wide, 0.008), tones.skin * 0.6, opacity=0.4, soft=0.02)


def mouth(canvas: Canvas, head: Head, tones: Tones) -> None:
    """Lips, and teeth between them when they part."""
    x, y = head.nose, head.y + 0.61 * (head.chin - head.y) + 0.035
    half, rise = canvas.geometry.between(0.075, 0.1), head.smile
    full = canvas.geometry.between(0.019, 0.03)
    top, bottom = y - 0.25 * head.gap, y + 0.75 * head.gap
    seam, lower_seam = _arc(x, top, half, y - rise - top), _arc(x, bottom, half, y - rise - bottom)

    def bow(at: np.ndarray) -> np.ndarray:
        away = np.abs(at - x) / half
        return seam(at) - full * (1 - away**2) * (1 - 0.35 * np.exp(-((away * 6) ** 2)))

    def under(at: np.ndarray) -> np.ndarray:
        away = (at - x) / half
        return lower_seam(at) + 1.35 * full * (1 - away * away)

    if head.gap:
        teeth = band(x - half, x + half, lambda at: seam(at) - 0.002, lambda at: lower_seam(at) + 0.002)
        canvas.paint(teeth, _teeth(y), Id.MOUTH)
    upper, lower = band(x - half, x + half, bow, seam), band(x - half, x + half, lower_seam, under)
    canvas.paint(upper, tones.lips * np.float32(0.86), Id.UPPER_LIP)
    canvas.paint(lower, tones.lips, Id.LOWER_LIP)
    shine = ellipse(x, bottom + 0.5 * full, 0.35 * half, 0.25 * full)
    canvas.paint(shine, np.clip(tones.lips * 1.35 + 0.05, 0, 1), opacity=0.5, soft=0.012)
    canvas.paint(ellipse(x, bottom + 2.1 * full, 0.5 * half, 0.008), tones.skin * 0.6, opacity=0.4, soft=0.025)
    if not head.gap:
        line = band(x - half, x + half, lambda at: seam(at) - 0.003, lambda at: seam(at) + 0.003)
        canvas.paint(line, tones.lips * 0.45, opacity=0.8)


def _teeth(y: float) -> Paint:
    white, dark = rgb(0xF2EEE6), rgb(0x5A1E1E)
    return lambda p: mix(white, dark, np.clip((p.y - y - 0.004) * 60, 0, 1))


def ears(canvas: Canvas, head: Head, tones: Tones, light: Light) -> None:
    """Ears, the far one hidden by a turned head, and earrings."""
    for side, label in ((1, Id.LEFT_EAR), (-1, Id.RIGHT_EAR)):
        x, y = head.x + side * (head.half + 0.008 - 0.028 * side * head.turn), head.y + 0.05
        shape = ellipse(x, y, 0.038, 0.07)
        canvas.paint(shape, skin(tones, shape.bounds, light, 1.8), label)
        canvas.paint(ellipse(x - side * 0.004, y, 0.018, 0.042), tones.skin * 0.68, opacity=0.6, soft=0.015)


def earrings(canvas: Canvas, head: Head) -> None:
    """A drop or a hoop below each ear."""
    metal, hoop = pick(canvas.look, (0xD8B24A, 0xC9CDD2, 0xE8E4DA, 0x3F7F8A)), canvas.geometry.chance(0.5)
    for side in (-1, 1):
        x, y = head.x + side * (head.half + 0.014 - 0.028 * side * head.turn), head.y + 0.12
        shape = ring(x, y + 0.04, 0.03, 0.04, 0.014) if hoop else limb((x, y), (x, y + 0.06), 0.008, 0.018)
        canvas.paint(shape, metal, Id.EARRING)


def _lenses(head: Head, high: float = 0.06) -> list[Shape]:
    return [ellipse(head.eye(side), head.y + 0.012, 0.084, high, 2.8) for side in (-1, 1)]


def glasses(canvas: Canvas, head: Head, rim: Colour) -> None:
    """Spectacles in the maps, where the eyes come on top of them: lenses, a bridge and the arms."""
    bridge = limb((head.eye(-1) + 0.06, head.y - 0.004), (head.eye(1) - 0.06, head.y - 0.004), 0.007)
    arms = [
        limb((head.eye(s) + s * 0.065, head.y - 0.01), (head.x + s * (head.half + 0.01), head.y - 0.004), 0.006)
        for s in (-1, 1)
    ]
    canvas.paint(union(*_lenses(head)), rgb(0), Id.GLASSES, opacity=0.0)
    canvas.paint(union(bridge, *arms), rim, Id.GLASSES)


def lenses(canvas: Canvas, head: Head, light: Light, rim: Colour, dark: bool) -> None:
    """The glass and rims of spectacles; behind dark ones there are no eyes to be seen, nor in the maps."""
    for lens in _lenses(head):
        if dark:
            canvas.paint(lens, mix(rgb(0x15161A), light.sky_low, 0.12), Id.GLASSES)
        else:
            canvas.paint(lens, rgb(0xEAF2F6), opacity=0.12)
        canvas.paint(lens.rim(0.012), rim)
