"""Portraits with the 19 parts of CelebAMask-HQ; "left" is the sitter's, on the right of the picture."""

import numpy as np

from sdm_bench.toy import faceparts as parts
from sdm_bench.toy.canvas import Canvas, Colour, Material, Paint, Patch
from sdm_bench.toy.ids import Face as Id
from sdm_bench.toy.paint import Light, bars, daylight, mix, pick, rgb, softened, solid
from sdm_bench.toy.props import CLOTH
from sdm_bench.toy.shapes import ellipse, everything, limb, melt, polygon, rect, ring
from sdm_bench.toy.sitter import Head, Tones

ASPECT = 1.0


def paint(canvas: Canvas) -> Light:
    """Paints a portrait; gives the light for the photograph."""
    dice, look = canvas.geometry, canvas.look
    light, head, tones = softened(daylight(look)), Head.drawn(dice), Tones.drawn(look)
    canvas.paint(everything(), _backdrop(canvas, light), Id.BACKGROUND)
    with canvas.placed(dice.between(-0.12, 0.12), dice.between(1.06, 1.24), head.x, 0.6):
        _portrait(canvas, light, head, tones)
    return light


def _portrait(canvas: Canvas, light: Light, head: Head, tones: Tones) -> None:
    """The sitter, from the hair behind the head to the hat."""
    dice = canvas.geometry
    hair, rim = parts.strands(tones, head, light, head.style == "curly"), pick(canvas.look, parts.RIMS)
    hatted, spectacled, dark, ringed = (dice.chance(p) for p in (0.16, 0.22, 0.35, 0.3))
    _back_hair(canvas, head, hair)
    _bust(canvas, head, tones, light)
    parts.ears(canvas, head, tones, light)
    if ringed:
        parts.earrings(canvas, head)
    face = parts.face_outline(head)
    canvas.paint(face, parts.skin(tones, face.bounds, light), Id.SKIN)
    parts.shade_face(canvas, head, tones, light, face)
    parts.nose(canvas, head, tones, light)
    if spectacled:
        parts.glasses(canvas, head, rim)
    parts.eyes(canvas, head, tones)
    parts.brows(canvas, head, tones)
    if spectacled:
        parts.lenses(canvas, head, light, rim, dark)
    parts.mouth(canvas, head, tones)
    _front_hair(canvas, head, hair)
    if hatted:
        _hat(canvas, head, light)


def _backdrop(canvas: Canvas, light: Light) -> Paint:
    """A wall or a blurred view."""
    look = canvas.look
    one = pick(look, (0x6F8A9A, 0xB8B0A0, 0x4A5560, 0x8A7A6A, 0x7A9070, 0xC9C2B8, 0x35383F, 0x9A6E5A), 0.1)
    two = mix(one, pick(look, (0xDDE4E8, 0x2A2E34, 0xC8A878, 0x5A7A50), 0.1), look.between(0.2, 0.7))
    busy = look.between(0.1, 0.5)

    def material(p: Patch) -> Colour:
        return mix(
            one, two, np.clip(0.5 + 0.4 * light.side * (p.x - 0.5) + busy * p.noise(4) + busy * p.noise(8), 0, 1)
        )

    return material


def _back_hair(canvas: Canvas, head: Head, hair: Material) -> None:
    """What of the hair is behind the head."""
    x, y, half = head.x, head.y, head.half
    if head.style == "bald":
        return
    cap = ellipse(x, y - 0.06, half + 0.045, 0.32)
    if head.style == "long":
        cap = melt(0.06, cap, ellipse(x, y + 0.25, half + 0.085, 0.42, 3.0))
    if head.style == "bob":
        cap = melt(0.06, cap, ellipse(x, y + 0.12, half + 0.075, 0.26, 3.0))
    if head.style == "curly":
        cap = ellipse(x, y - 0.03, half + 0.12, 0.36).rough(0.018, 16)
    canvas.paint(cap, hair, Id.HAIR)


def _bust(canvas: Canvas, head: Head, tones: Tones, light: Light) -> None:
    """Neck and shoulders, the shadow of the chin, clothes, a necklace."""
    dice, look, x = canvas.geometry, canvas.look, head.x
    wide = dice.between(0.105, 0.14)
    neck = melt(0.08, limb((x, head.chin - 0.15), (x, 1.1), wide), ellipse(x, 1.1, 0.3, 0.12))
    canvas.paint(neck, parts.skin(tones, (x - wide, 0.7, x + wide, 1.1), light), Id.NECK)
    canvas.paint(ellipse(x, head.chin - 0.02, wide, 0.055) & neck, tones.skin * 0.5, opacity=0.55, soft=0.07)
    top, low, open_by = dice.between(0.86, 0.91), dice.between(0.0, 0.07), dice.between(0.13, 0.19)
    shoulders = ellipse(x, top + 0.22, dice.between(0.42, 0.5), 0.24, 2.6)
    neckline = dice.choice((
        ellipse(x, top - 0.02, open_by, 0.05 + low),
        polygon((x - open_by, top - 0.06), (x + open_by, top - 0.06), (x, top + 0.06 + low)),
    ))  # fmt: skip
    cloth = shoulders - neckline
    canvas.paint(cloth, _cloth(canvas, light), Id.CLOTH)
    if dice.chance(0.25):
        chain = ring(x, head.chin - 0.03, wide + 0.02, 0.1, 0.026) & rect(x - wide, head.chin + 0.02, x + wide, 1.1)
        metal = pick(look, (0xD8B24A, 0xD5D8DC, 0xEDE6D8, 0x7A2A3A))
        canvas.paint(chain, lambda p: metal * (0.85 + 0.3 * bars(p.x * 40, 0, 0.5, 0.3)), Id.NECKLACE)


def _cloth(canvas: Canvas, light: Light) -> Paint:
    """Plain, striped or checked."""
    look = canvas.look
    one, two = pick(look, CLOTH, 0.1), pick(look, CLOTH, 0.1)
    pattern, pitch = look.integer(0, 3), look.between(12, 25)
    body = solid(one, (0.1, 0.9, 0.9, 1.1), light, 1.2)

    def material(p: Patch) -> Colour:
        across, down = bars(p.x * pitch, 0, 0.5), bars(p.y * pitch, 0, 0.4)
        share = {0: down, 1: (across + down) / 2}.get(pattern, np.zeros_like(down))
        return mix(body(p), two, share * 0.8) * (1 + 0.05 * p.noise(8) + 0.02 * p.noise(64))

    return material


def _front_hair(canvas: Canvas, head: Head, hair: Material) -> None:
    """The hair above the forehead: the top of the head less an opening for the face; locks beside it."""
    dice, x, y, half = canvas.geometry, head.x, head.y, head.half
    if head.style == "bald":
        return
    line = y - dice.choice((0.14, 0.17, 0.2)) - (0 if head.style != "short" else 0.02)
    part = dice.between(-0.7, 0.7) * half
    wide = half * dice.between(0.95, 1.12)
    top = ellipse(x, y - 0.06, half + 0.045, 0.32)
    if head.style == "curly":
        top = ellipse(x, y - 0.07, half + 0.1, 0.33).rough(0.015, 16)
    opening = ellipse(x + 0.3 * part, line + 0.34, wide, 0.34, 2.6)
    sweep = ellipse(x + part, line + 0.3, 0.55 * half, 0.34)
    depth = y + (0.04 if head.style == "short" else 0.12)
    canvas.paint(((top - opening) - sweep) & rect(-1, -1, 2, depth), hair, Id.HAIR)
    if head.style in ("long", "bob"):
        for side in (-1, 1):
            end = y + (0.5 if head.style == "long" else 0.26)
            bend = x + side * (half + 0.05)
            lock = limb((x + side * 0.8 * half, y - 0.2), (bend, y + 0.1), 0.05, 0.045) | limb(
                (bend, y + 0.1), (bend - side * 0.005, end), 0.048, 0.055
            )
            if dice.chance(0.75):
                canvas.paint(lock, hair, Id.HAIR)


def _hat(canvas: Canvas, head: Head, light: Light) -> None:
    """A woollen hat, a cap or a hat with a brim."""
    dice, look, x, half = canvas.geometry, canvas.look, head.x, head.half
    rim = head.y - dice.between(0.13, 0.17)
    colour, second = pick(look, CLOTH, 0.08), pick(look, CLOTH, 0.08)
    dome = ellipse(x, rim, half + 0.05, 0.27, 2.4) & rect(-1, -1, 2, rim + 0.01)
    canvas.paint(dome, solid(colour, dome.bounds, light, 1.3, grain=0.02), Id.HAT)
    kind = dice.integer(0, 2)
    if kind == 0:
        edge = rect(x - half - 0.055, rim - 0.045, x + half + 0.055, rim + 0.03, 0.03)
        canvas.paint(edge, lambda p: second * (1 + 0.12 * np.sin(p.x * 180)), Id.HAT)
    elif kind == 1:
        edge = ellipse(x + 0.06 * head.turn, rim + 0.02, half + 0.01, 0.06) - ellipse(x, rim + 0.08, half, 0.06)
        canvas.paint(edge, solid(colour * 0.8, edge.bounds, light), Id.HAT)
    else:
        canvas.paint(rect(x - half - 0.05, rim - 0.06, x + half + 0.05, rim), second, Id.HAT)
        edge = ellipse(x, rim + 0.01, half + 0.17, 0.045)
        canvas.paint(edge, solid(colour * 0.9, edge.bounds, light), Id.HAT)
    canvas.paint(ellipse(x, rim + 0.06, half * 0.9, 0.03), rgb(0x100C0A), opacity=0.3, soft=0.06)
